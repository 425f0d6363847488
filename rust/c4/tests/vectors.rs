//! The reference results of `vectors/`, case by case. A case that this crate decides differently is listed here with its
//! reason; nothing is skipped in silence.

mod common;

use std::ffi::OsStr;

use c4::c4m::{self, Entry, Flow, Link, Mode, ParseErrorKind, Timestamp, Zone};
use c4::{C4Id, sum, tree_id};
use common::{Case, check};

fn zone(name: &str) -> Zone {
    Zone::named(OsStr::new(name)).unwrap_or_else(|| panic!("this machine has no time zone {name}: install tzdata"))
}

fn id_or_nil(value: Option<&str>) -> C4Id {
    value.map_or(C4Id::NIL, |text| text.parse().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn ids() {
    check("ids", |case| {
        let id = match case.str("kind") {
            "content" => C4Id::of(&case.bytes("content")),
            "pattern" => C4Id::of(&common::pattern(case)),
            "digest" => C4Id(unhex(case.str("digest")).try_into().unwrap()),
            kind => panic!("kind {kind}"),
        };
        assert_eq!(id.to_string(), case.str("id"));
        assert_eq!(hex(&id.0), case.str("digest"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.is_nil(), case.flag("is_nil"));
    });
}

#[test]
fn id_parse() {
    check("id_parse", |case| {
        let result = C4Id::parse(&case.bytes("input"));
        if case.flag("lax") {
            assert!(result.is_err(), "the reference takes a prefix other than c4 and values of 2^512 and more");
        } else if case.flag("ok") {
            assert_eq!(hex(&result.unwrap().0), case.str("digest"));
        } else {
            let error = result.unwrap_err();
            if let Some(length) = case.int("length") {
                assert_eq!(error, c4::ParseIdError::Length(length as usize));
            } else if let (c4::ParseIdError::Digit(position), Some(expected)) = (error, case.int("position")) {
                assert_eq!(position as i64, expected);
            }
        }
    });
}

#[test]
fn tree_ids() {
    check("tree_ids", |case| {
        let id = |key| case.str(key).parse::<C4Id>().unwrap();
        if case.str("kind") == "tree" {
            let ids: Vec<C4Id> = case.strings("ids").iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(tree_id(ids), id("tree_id"));
        } else {
            assert_eq!(sum(id("left"), id("right")), id("sum"));
            assert_eq!(id("left").cmp(&id("right")) as i64, case.int("cmp").unwrap());
        }
    });
}

#[test]
fn natural_sort() {
    check("natural_sort", |case| {
        if case.str("kind") == "pair" {
            let order = c4m::natural_cmp(&case.bytes("a"), &case.bytes("b"));
            // Names that tie in the reference are ordered by their bytes here.
            if !case.flag("tie") {
                assert_eq!((order.is_lt(), order.is_gt()), (case.flag("less"), case.flag("greater")));
            }
        } else if !case.flag("has_ties") {
            let names = case.byte_strings("names");
            let mut order: Vec<usize> = (0..names.len()).collect();
            order.sort_by(|a, b| c4m::natural_cmp(&names[*a], &names[*b]));
            assert_eq!(order, case.ints("order").iter().map(|at| *at as usize).collect::<Vec<_>>());
        }
    });
}

#[test]
fn safe_names() {
    check("safename", |case| {
        if case.str("kind") == "encode" {
            let raw = case.bytes("raw");
            let mut encoded = Vec::new();
            c4m::safe_name(&raw, &mut encoded);
            assert_eq!(encoded, case.bytes("encoded"));
            assert_eq!(c4m::unsafe_name(&encoded), case.bytes("decoded"));
            let mut entry = Entry::new(raw.clone());
            let line = c4m::entry_line(&entry.as_row()).unwrap();
            assert_eq!(line, [b"- - - ", &case.bytes("field")[..], b" -"].concat());
            entry.name = b"l".to_vec();
            entry.link.target = raw;
            if !entry.link.target.is_empty() {
                let line = c4m::entry_line(&entry.as_row()).unwrap();
                assert_eq!(line, [b"- - - l -> ", &case.bytes("target_field")[..], b" -"].concat());
            }
        } else {
            let decoded = c4m::unsafe_name(&case.bytes("encoded"));
            assert_eq!(decoded, case.bytes("decoded"));
            let mut encoded = Vec::new();
            c4m::safe_name(&decoded, &mut encoded);
            assert_eq!(encoded, case.bytes("reencoded"));
        }
    });
}

fn entry_of(value: &Case) -> Entry {
    Entry {
        name: value.bytes("name"),
        mode: Mode::from_bits(value.int("st_mode").unwrap() as u32),
        time: Timestamp(value.int("ts").unwrap()),
        size: value.int("size").unwrap(),
        id: id_or_nil(value.opt_str("id")),
        depth: value.int("depth").unwrap() as u32,
        link: Link {
            target: value.opt_bytes("target").unwrap_or_default(),
            hard_link: value.int("hard_link").unwrap_or(0),
            flow: Flow::from_operator(value.opt_str("flow").unwrap_or("")).unwrap(),
            flow_target: value.opt_bytes("flow_target").unwrap_or_default(),
            pattern: value.opt_bytes("pattern").unwrap_or_default(),
        },
        is_sequence: value.flag("is_sequence"),
    }
}

#[test]
fn entries() {
    check("entries", |case| match case.str("kind") {
        "entry" => {
            let value = case.object("entry");
            let entry = entry_of(&value);
            let time = entry.time;
            if !time.is_writable() {
                assert!(c4m::entry_line(&entry.as_row()).is_err(), "years outside 0 to 9999 cannot be read back");
                return;
            }
            if case.get("st_mode_exact").is_some_and(|exact| exact == false) {
                return; // a mode of the reference's own that no st_mode stands for
            }
            let line = String::from_utf8(c4m::entry_line(&entry.as_row()).unwrap()).unwrap();
            let mut expected = case.str("canonical").to_owned();
            if expected.starts_with('?') && entry.mode.bits() & 0o170_000 == 0o020_000 {
                expected.replace_range(..1, "c"); // the reference writes a character device so that it cannot be read
            }
            if value.int("ts_nsec").is_some() && time.is_null() {
                expected = expected.replace("1970-01-01T00:00:00Z", "-"); // half a second after the epoch is the epoch
            }
            assert_eq!(line, expected);
        }
        "mode_table" => {
            let kind = case.int("st_type").unwrap() as u32;
            for (bits, text) in case.strings("modes").iter().enumerate() {
                let mode = Mode::from_bits(kind | bits as u32);
                assert_eq!(mode.to_text(), text.as_bytes());
                assert_eq!(Mode::parse(&mode.to_text()), Some(mode));
            }
        }
        "parse_mode" => {
            let text = case.bytes("mode");
            let mode = <&[u8; 10]>::try_from(&text[..]).ok().and_then(Mode::parse);
            if case.flag("ok") && !case.flag("lax") {
                assert_eq!(mode, Some(Mode::from_bits(case.int("st_mode").unwrap() as u32)));
            } else {
                assert_eq!(mode, None, "letters out of place are refused; a lone dash is no ten characters");
            }
        }
        kind => panic!("kind {kind}"),
    });
}

#[test]
fn timestamps() {
    check("timestamps", |case| {
        let result = c4m::decode_in(&case.bytes("line"), &zone(case.str("tz")));
        if !case.flag("ok") {
            assert!(result.is_err());
            return;
        }
        let manifest = result.unwrap();
        let row = manifest.get(0);
        assert_eq!(row.time.0, case.int("ts").unwrap());
        assert_eq!(row.size, case.int("size").unwrap());
        assert_eq!(row.name, case.bytes("name"));
        if !row.time.is_writable() {
            assert!(
                c4m::entry_line(&row).is_err(),
                "an offset took the time into the year 10000, which cannot be written"
            );
            return;
        }
        let canonical = case.str("canonical");
        let expected =
            if row.time.is_null() { canonical.replace("1970-01-01T00:00:00Z", "-") } else { canonical.to_owned() };
        assert_eq!(c4m::entry_line(&row).unwrap(), expected.as_bytes());
    });
}

/// Cases of `decode_ok` that are refused here.
const STRICTER: &[(&str, &str)] = &[
    ("name-forbidden-08", "a path in the place of a name, `a/../b`"),
    ("name-forbidden-10", "a path in the place of a name, `x/y/`"),
    ("name-forbidden-dir-08", "a path in the place of a name, `a/../b`"),
    ("fuzz-169", "text glued to a directory's slash, which would lose the ID in it"),
    ("list-with-overflow-id", "an ID of 2^512 or more in an ID list"),
];

fn check_decoded(case: &Case, manifest: &c4m::Manifest) {
    assert_eq!(c4m::encode(manifest).unwrap(), case.bytes("marshal"));
    let entries = case.objects("entries");
    assert_eq!(manifest.len() as i64, case.int("n").unwrap());
    for (row, value) in manifest.iter().zip(&entries) {
        assert_eq!(manifest.get(row).to_entry(), entry_of(value));
    }
    assert_eq!(manifest.compute_id().unwrap().to_string(), case.str("id"));
    assert_eq!(manifest.base.map(|id| id.to_string()).as_deref(), case.opt_str("base"));
    let lists = case.object("range_data");
    assert_eq!(manifest.range_data().len(), lists.len());
    for (id, list) in manifest.range_data() {
        assert_eq!(list.iter().map(C4Id::to_string).collect::<String>(), lists.str(&id.to_string()));
    }
    let again = c4m::decode(&case.bytes("marshal"));
    if let Ok(again) = again {
        assert_eq!(c4m::encode(&again).unwrap(), case.bytes("marshal"));
    }
}

#[test]
fn decode_ok() {
    check("decode_ok", |case| {
        let result = c4m::decode_in(&case.bytes("text"), &zone(case.opt_str("tz").unwrap_or("UTC")));
        if let Some((_, reason)) = STRICTER.iter().find(|(name, _)| *name == case.name()) {
            assert!(result.is_err(), "{reason}");
            return;
        }
        let mut manifest = result.unwrap();
        if !manifest.sections().is_empty() {
            // The reference forgets the base as soon as a patch is applied; here it is kept.
            assert_eq!(manifest.base.take().is_some(), manifest.sections()[0].boundary.is_some());
        }
        check_decoded(case, &manifest);
    });
}

/// Reasons of `decode_err` for which a text is refused here as well; those not listed are read and left to `validate`.
fn is_refused(lax_reason: &str) -> bool {
    lax_reason.contains("field grammar")
        || lax_reason.contains("UTF-8")
        || lax_reason.contains("raw control character")
        || lax_reason.contains("not a space")
        || lax_reason.contains("text after the directory name")
        || lax_reason.contains("512 bits")
        || lax_reason.contains("overflow")
        || lax_reason.contains("permission characters")
}

#[test]
fn decode_err() {
    check("decode_err", |case| {
        let text = case.bytes("text");
        let result = c4m::decode_in(&text, &Zone::utc());
        if case.flag("lax") {
            if let Ok(manifest) = result {
                assert!(!is_refused(case.str("lax_reason")), "should be refused: {}", case.str("lax_reason"));
                check_decoded(case, &manifest);
            } else {
                // A NUL or a path that is written plainly is refused for what it does to the line.
                let written = text.contains(&0)
                    || text.split(|byte| *byte == b'\n').any(|line| {
                        let line = String::from_utf8_lossy(line);
                        line.split(' ')
                            .any(|word| word.strip_suffix('/').unwrap_or(word).contains('/') || word.starts_with('/'))
                    });
                assert!(is_refused(case.str("lax_reason")) || written, "refused: {:?}", result.map(|_| ()));
            }
        } else if case.opt_str("error_class") == Some("empty_patch") && case.name() != "base-two-only" {
            // A closing ID is accepted, and so is the next diff's opening one when it is the same.
            result.unwrap();
        } else {
            let error = result.map(|_| ()).unwrap_err();
            assert!(error.line >= 1 && error.line <= text.split(|byte| *byte == b'\n').count());
            assert_eq!(
                matches!(error.kind, ParseErrorKind::EmptyPatch { .. }),
                case.opt_str("error_class") == Some("empty_patch")
            );
        }
    });
}

#[test]
fn pretty() {
    check("pretty", |case| {
        for (key, name) in [("utc", "UTC"), ("los_angeles", "America/Los_Angeles"), ("kolkata", "Asia/Kolkata")] {
            let zone = zone(name);
            let manifest = c4m::decode_in(&case.bytes("text"), &zone).unwrap();
            let pretty = c4m::encode_pretty(&manifest, &zone).unwrap();
            assert_eq!(String::from_utf8(pretty.clone()).unwrap(), case.str(&format!("pretty_{key}")));
            let reparsed = c4m::decode_in(&pretty, &zone).map(|m| c4m::encode(&m).unwrap());
            let expected = case.str(&format!("reparse_{key}"));
            match reparsed {
                Ok(text) => {
                    assert_eq!(if text == c4m::encode(&manifest).unwrap() { "same" } else { "differs" }, expected);
                }
                Err(error) => assert!(expected.starts_with("error"), "{error}: {expected}"),
            }
        }
    });
}

#[test]
fn propagate() {
    check("propagate", |case| {
        let mut manifest = c4m::decode_in(&case.bytes("text"), &Zone::utc()).unwrap();
        if case.name() == "huge-sizes-overflow" {
            // The reference wraps; here a sum of 2^63 or more is unknown.
            manifest.canonicalize();
            assert!(c4m::encode(&manifest).unwrap().starts_with(b"drwxr-xr-x 2000-08-16T07:03:42Z - d/ -\n"));
            return;
        }
        assert_eq!(manifest.canonical_text().unwrap(), case.bytes("canonical_form"));
        assert_eq!(manifest.compute_id().unwrap().to_string(), case.str("id"));
        manifest.canonicalize();
        assert_eq!(c4m::encode(&manifest).unwrap(), case.bytes("canonicalized"));
        assert_eq!(manifest.compute_id().unwrap().to_string(), case.str("id"));
    });
}

#[test]
fn entry_paths() {
    check("entry_paths", |case| {
        let manifest = c4m::decode_in(&case.bytes("text"), &Zone::utc()).unwrap();
        let paths: Vec<Vec<u8>> = (0..manifest.len()).map(|place| manifest.outline().path(&manifest, place)).collect();
        if case.name() == "mode-d-no-slash" {
            // The reference joins without a slash, so that `d` and its child `k` have the path of a file `dk`.
            assert_eq!(paths, [&b"d"[..], b"d/k"]);
        } else {
            assert_eq!(paths, case.byte_strings("in_order"));
        }
        for (place, path) in paths.iter().enumerate() {
            let found = manifest.outline().find(&manifest, path).unwrap();
            assert!(found == place || paths[found] == *path);
        }
    });
}

#[test]
fn chains_decode_to_their_last_state() {
    check("chain", |case| {
        let result = c4m::decode_in(&case.bytes("text"), &Zone::utc());
        match case.opt_bytes("decode") {
            Some(text) => assert_eq!(c4m::encode(&result.unwrap()).unwrap(), text),
            None => {
                // The reference's reader refuses a closing ID, its chain reader does not; this one accepts it.
                if let Ok(manifest) = result {
                    let states = case.byte_strings("resolve");
                    assert_eq!(Some(c4m::encode(&manifest).unwrap()), states.last().cloned());
                }
            }
        }
    });
}
