//! Reads `vectors/*.jsonl` and runs a check on every case.

#![allow(dead_code, unreachable_pub, reason = "every test crate uses a part of this module")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

/// One JSON object of a vector file, read by the rules of `vectors/README.md`.
pub struct Case(Value);

impl Case {
    pub fn name(&self) -> &str {
        self.str("case")
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub fn opt_str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    pub fn str(&self, key: &str) -> &str {
        self.opt_str(key).unwrap_or_else(|| panic!("no text {key}"))
    }

    pub fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value == true)
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Value::as_i64)
    }

    pub fn ints(&self, key: &str) -> Vec<i64> {
        self.get(key).and_then(Value::as_array).into_iter().flatten().map(|value| value.as_i64().unwrap()).collect()
    }

    pub fn strings(&self, key: &str) -> Vec<String> {
        self.get(key).and_then(Value::as_array).into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// The text rule: the bytes of `key`, or those that `key_b64` encodes.
    pub fn opt_bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.opt_str(key)
            .map(|text| text.as_bytes().to_vec())
            .or_else(|| self.opt_str(&format!("{key}_b64")).map(unbase64))
    }

    pub fn bytes(&self, key: &str) -> Vec<u8> {
        self.opt_bytes(key).unwrap_or_else(|| panic!("no bytes {key}"))
    }

    pub fn byte_strings(&self, key: &str) -> Vec<Vec<u8>> {
        if self.get(key).is_some() {
            self.strings(key).into_iter().map(String::into_bytes).collect()
        } else {
            self.strings(&format!("{key}_b64")).iter().map(|text| unbase64(text)).collect()
        }
    }

    pub fn object(&self, key: &str) -> Case {
        Case(self.get(key).cloned().unwrap_or_else(|| Value::Object(serde_json::Map::default())))
    }

    pub fn objects(&self, key: &str) -> Vec<Case> {
        self.get(key).and_then(Value::as_array).into_iter().flatten().cloned().map(Case).collect()
    }

    pub fn len(&self) -> usize {
        self.0.as_object().map_or(0, serde_json::Map::len)
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// Content that `ids.jsonl` describes instead of holding it.
pub fn pattern(case: &Case) -> Vec<u8> {
    let length = case.int("len").unwrap() as usize;
    match case.str("pattern") {
        "repeat" => vec![case.int("byte").unwrap() as u8; length],
        "lcg" => {
            let mut state = case.int("seed").unwrap() as u32;
            std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .take(length)
            .collect()
        }
        "tile" => case.bytes("block").into_iter().cycle().take(length).collect(),
        pattern => panic!("pattern {pattern}"),
    }
}

/// Runs a check on every case of a file and reports all that fail.
pub fn check(file: &str, check: impl Fn(&Case)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../vectors/{file}.jsonl"));
    let text = fs::read_to_string(path).unwrap();
    let cases: Vec<Case> = text.lines().map(|line| Case(serde_json::from_str(line).unwrap())).collect();
    assert!(!cases.is_empty());
    let failed: Vec<&str> = cases
        .iter()
        .filter(|case| {
            let held = catch_unwind(AssertUnwindSafe(|| check(case))).is_ok();
            if !held {
                eprintln!("^ {file} {}", case.name());
            }
            !held
        })
        .map(Case::name)
        .collect();
    assert!(failed.is_empty(), "{} of {} cases of {file} fail: {failed:?}", failed.len(), cases.len());
    println!("{file}: {} cases", cases.len());
}
