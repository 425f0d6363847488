//! Properties of validation: no input breaks it, it agrees with the decoder, and its work is bounded.

use c4::c4m::validator::{Code, Severity, Validation, validate, validate_text};
use c4::c4m::{self, Entry, Manifest, Mode};
use proptest::prelude::*;

fn codes(validation: &Validation) -> Vec<(usize, Code)> {
    validation.issues.iter().map(|issue| (issue.line, issue.code)).collect()
}

/// Lines that parse, nearly, or not at all; some of each kind.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let id = c4::C4Id::of(b"x").to_string();
    let whole = [
        "- - - a -",
        "- - - A -",
        "- - - a/ -",
        "drwxr-xr-x 2020-01-01T00:00:00Z 5 d/ -",
        "  - - 5 x -",
        "    - - 5 y -",
        "lrwxrwxrwx - 1 a -> ../../x -",
        "- - - f.[1-3].x -",
        "- - - f.[3-1:0].x -",
        "@x",
        "",
        "  ",
        "- - - ../ -",
        "-rw-r--r-- Jan  2 03:04:05 2020 UTC 5 p -",
        "---------- 2020-01-01T00:00:00+01:00 5 o ->7 -",
        "- - - x\\\\ -",
        "d--------- - - d/ <- nas:../y -",
        "- - 9223372036854775807 d/ -",
        "- - - \u{a4}\u{282f}\u{a4} -",
        "\u{feff}",
    ];
    let mut lines: Vec<Vec<u8>> = whole.iter().map(|line| line.as_bytes().to_vec()).collect();
    lines.extend(
        [id.clone(), id.repeat(2), format!("- - - f.[1-2] {id}"), format!("- - - d/ {id}")].map(String::into_bytes),
    );
    prop_oneof![8 => proptest::sample::select(lines), 1 => proptest::collection::vec(any::<u8>(), 0..30)]
}

/// A text of such lines in which some bytes were changed.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let lines = proptest::collection::vec(line(), 0..12);
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (lines, changes, any::<bool>()).prop_map(|(lines, changes, ends)| {
        let mut text = lines.join(&b'\n');
        if ends {
            text.push(b'\n');
        }
        for (at, byte) in changes {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn validate_never_panics(text in prop_oneof![text(), proptest::collection::vec(any::<u8>(), 0..200)]) {
        let found = validate_text(&text, 3);
        let lines = text.split(|byte| *byte == b'\n').count();
        for code in Code::ALL {
            let listed = found.issues.iter().filter(|issue| issue.code == *code).count();
            let omitted = found.omitted.iter().any(|(other, _)| other == code);
            prop_assert!(listed <= 3 && (listed == 3 || !omitted));
        }
        prop_assert!(found.issues.iter().all(|issue| issue.line <= lines && issue.column != Some(0)));
        prop_assert!(found.issues.is_sorted_by_key(|issue| issue.line));
    }

    #[test]
    fn a_text_that_does_not_decode_is_not_valid_and_what_it_decodes_to_never_panics(text in text()) {
        match c4m::decode(&text) {
            Err(_) => prop_assert!(!validate_text(&text, 100).is_valid()),
            Ok(manifest) => {
                validate(&manifest, 100);
            }
        }
    }

    #[test]
    fn what_is_written_of_a_valid_list_is_a_valid_text(text in text()) {
        let Ok(manifest) = c4m::decode(&text) else { return Ok(()) };
        let found = validate(&manifest, 100);
        let unsound = found.issues.iter().any(|issue| issue.code == Code::TrailingBackslash);
        if found.is_valid() && !unsound {
            let written = validate_text(&c4m::encode(&manifest).unwrap(), 100);
            let errors: Vec<_> = written.issues.iter().filter(|i| i.code.severity() == Severity::Error).collect();
            prop_assert!(errors.is_empty(), "{errors:?}");
            prop_assert!(!written.issues.iter().any(|i| matches!(i.code, Code::NonCanonical | Code::Unsorted)));
        }
    }
}

#[test]
fn of_many_wrong_lines_a_few_are_listed_and_all_are_counted() {
    let text = b"wrong\n- - - ../ -\n".repeat(50_000);
    let found = validate_text(&text, 10);
    assert!(found.issues.len() <= 30);
    let count = |code| found.omitted.iter().find(|(other, _)| *other == code).map(|(_, count)| *count);
    assert_eq!(count(Code::Syntax), Some(49_990));
    assert_eq!(count(Code::DotName), Some(49_990));
    assert_eq!(count(Code::DuplicateName), Some(49_989));
}

#[test]
fn a_list_of_any_depth_is_checked_without_recursion() {
    let entry = |depth| Entry { depth, mode: Mode::from_bits(0o040_755), ..Entry::new("d/") };
    let manifest: Manifest = (0..100_000).map(entry).collect();
    let found = validate(&manifest, 1000);
    assert_eq!(codes(&found), [(2049, Code::LongPath)]);
    assert_eq!(found.issues[0].path.as_ref().unwrap().len(), 4096);
}

#[test]
fn a_depth_that_no_list_reaches_costs_nothing() {
    let manifest: Manifest =
        [u32::MAX, u32::MAX - 1].map(|depth| Entry { depth, ..Entry::new("x/") }).into_iter().collect();
    let found = validate(&manifest, 1000);
    let orphans = found.issues.iter().filter(|issue| issue.code == Code::Orphan).count();
    assert_eq!((orphans, found.issues.len()), (2, 4));
}

#[test]
fn numbers_in_ranges_are_never_expanded() {
    let ranges = (0..20_000).fold(String::new(), |ranges, at| ranges + &format!("{},", at * 3));
    let text = format!("- - - a.[0-9223372036854775806] -\n- - - b.[{ranges}0-999999999] -\n");
    assert_eq!(
        codes(&validate_text(text.as_bytes(), 10)),
        [(1, Code::HugeSequence), (2, Code::LongPath), (2, Code::LongName), (2, Code::HugeSequence)]
    );
}

#[test]
fn every_link_of_a_chain_is_checked() {
    let base: Vec<Entry> = (0..1000).map(|at| Entry { size: at, ..Entry::new(format!("f{at}")) }).collect();
    let mut text = c4m::encode(&base.iter().cloned().collect()).unwrap();
    let mut state: Manifest = base.into_iter().collect();
    for at in 0..50_i64 {
        text.extend(format!("{}\n- - {} f7 -\n", state.compute_id().unwrap(), at + 5000).into_bytes());
        state = c4m::decode(&text).unwrap();
    }
    assert_eq!(codes(&validate_text(&text, 10)), []);
    // A wrong link in the middle is found, and is the only one.
    let link = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1000 + 2 * 20 - 1).unwrap().0 + 1;
    let other = c4::C4Id::of(b"other").to_string();
    text[link..link + other.len()].copy_from_slice(other.as_bytes());
    assert_eq!(codes(&validate_text(&text, 10)), [(1041, Code::ChainLink)]);
}

#[test]
fn names_that_meet_in_threes_are_all_reported() {
    let found = validate_text(b"- - - A -\n- - - a -\n- - - a -\n- - - a/ -\n", 10);
    let expected = [(2, Code::CaseTwins), (3, Code::DuplicateName), (4, Code::FileAndDirectory)];
    assert_eq!(codes(&found), expected);
}
