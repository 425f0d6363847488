//! The reference's verdicts on texts, case by case, and what this validator says of all other vectors.
//!
//! The reference's validator contradicts its own encoder (QUIRKS 75), so it is followed in meaning. Cases with another
//! verdict are listed with their reason in `tests/validate_deviations.json`, which the Python tests read as well.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use c4::c4m::validator::{Code, Issue, Severity, Validation, validate, validate_text};
use c4::c4m::{self, ParseErrorKind};
use common::{Case, check};

const LIMIT: usize = 1000;

fn deviations() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/validate_deviations.json");
    let reasons: BTreeMap<String, Vec<String>> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    reasons.into_values().flatten().collect()
}

/// Lines and codes of what is found in a text.
fn codes(validation: &Validation) -> BTreeSet<(usize, Code)> {
    validation.issues.iter().map(|issue| (issue.line, issue.code)).collect()
}

#[test]
fn verdicts_are_those_of_the_reference_or_listed() {
    let deviations = deviations();
    check("validate", |case| {
        let agrees = validate_text(&case.bytes("text"), LIMIT).is_valid() == case.object("lenient").flag("ok");
        assert_eq!(agrees, !deviations.contains(case.name()));
    });
}

/// What an error of the reference is here: one of these codes on its line. An empty list is an error that it reports
/// wrongly.
fn counterparts(field: &str, message: &str, line: &[u8]) -> &'static [Code] {
    let is_link = [" -> ", " <- ", " <> "].iter().any(|operator| message.contains(operator));
    let content = line.trim_ascii_start();
    let mode = &content[..content.len().min(2)];
    match field {
        // An escape, or a slash in the target of a link.
        "name" if message.contains("backslash") || (message.contains("path separator") && is_link) => &[],
        // A directory of unknown mode.
        "name" if message.contains("path separator") && message.contains("/ c4") && mode == b"- " => &[],
        "name" if message.contains("path separator") => &[Code::SlashInName, Code::SlashWithoutDirectory, Code::Syntax],
        "name" if message.contains("path component") => &[Code::DotName],
        "name" if message.contains("root") => &[Code::EmptyName],
        // Wrong after a link whose target holds a slash, which the reference takes for a directory.
        "ordering" => &[],
        "indentation" if message.contains("should be at depth") => &[],
        // Read in units of the first indentation, and written in twos; spelling is not reported of the pretty form.
        "indentation" | "depth" => &[
            Code::NonCanonical,
            Code::OffsetTime,
            Code::ModeZero,
            Code::Orphan,
            Code::MisplacedEntry,
            Code::PrettyForm,
        ],
        "timestamp" => &[Code::OffsetTime, Code::PrettyForm, Code::Syntax],
        "fields" if message.contains("ergonomic") || line.len() == c4::ID_TEXT_BYTES => &[],
        // It counts words of a pretty line as if it were none.
        "c4id" if line.starts_with(b"-") && message.contains("must start") => &[Code::PrettyForm],
        "c4id" => &[Code::BadId, Code::Syntax],
        "fields" => &[Code::Syntax],
        "mode" => &[Code::Syntax, Code::ByteOrderMark],
        "size" => &[Code::Syntax, Code::SizeRange],
        "character" => &[Code::CarriageReturn, Code::ControlCharacter],
        "encoding" => &[Code::NotUtf8],
        "directive" => &[Code::Directive],
        "duplicate" => &[Code::DuplicateName],
        "flow" => &[Code::FlowPath, Code::FlowSymlink],
        field => panic!("no counterpart of {field}: {message}"),
    }
}

#[test]
fn an_error_of_the_reference_has_a_counterpart_on_its_line() {
    check("validate", |case| {
        let text = case.bytes("text");
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let found = codes(&validate_text(&text, LIMIT));
        // In a text with lines of the pretty form no other spelling is reported.
        let is_pretty = found.iter().any(|(_, code)| *code == Code::PrettyForm);
        for error in case.object("lenient").objects("errors") {
            let (field, message) = (error.str("field"), error.str("message"));
            let line = error.int("line").unwrap() as usize;
            let codes = counterparts(field, message, lines[line - 1]);
            let stands = codes.iter().any(|code| found.contains(&(line, *code)))
                || (is_pretty && codes.contains(&Code::PrettyForm));
            assert!(codes.is_empty() || stands, "{line}: {field}: {message}: {found:?}");
        }
    });
}

/// The issues of lines that do not parse.
fn parse_issues(validation: &Validation) -> impl Iterator<Item = &Issue> {
    validation.issues.iter().filter(|issue| {
        issue.path.is_none() && issue.code.severity() == Severity::Error && issue.code < Code::EmptyName
            || issue.path.is_none() && matches!(issue.code, Code::SlashInName | Code::Orphan)
    })
}

/// The decoder and the validator see the same first error, or none.
fn check_against_the_decoder(case: &Case) {
    let text = case.bytes("text");
    let found = validate_text(&text, LIMIT);
    let hidden_slash = |issue: &&Issue| issue.message.contains("escape hides");
    let first = parse_issues(&found).find(|issue| !hidden_slash(issue));
    match c4m::decode(&text) {
        Ok(_) => assert_eq!(first, None),
        Err(error) if text.starts_with("\u{feff}".as_bytes()) => {
            assert_eq!((first.unwrap().code, error.line), (Code::ByteOrderMark, 1));
        }
        Err(error) => {
            let first = first.unwrap_or_else(|| panic!("not found: {error}"));
            assert_eq!((first.line, first.column), (error.line, error.column));
            assert_eq!(first.message, error.kind.to_string());
            assert_eq!(first.code == Code::EmptyPatch, matches!(error.kind, ParseErrorKind::EmptyPatch { .. }));
        }
    }
}

#[test]
fn every_text_that_the_decoder_refuses_has_its_error_here() {
    check("decode_err", check_against_the_decoder);
}

#[test]
fn no_text_that_the_decoder_takes_has_a_line_that_does_not_parse() {
    check("decode_ok", check_against_the_decoder);
}

#[test]
fn what_the_encoder_writes_is_spelled_as_it_should_be() {
    let spelling = [
        Code::NonCanonical,
        Code::PrettyForm,
        Code::OffsetTime,
        Code::ModeZero,
        Code::NoFinalNewline,
        Code::SequenceName,
        Code::NoRoundTrip,
        Code::DepthRange,
        Code::TimeRange,
    ];
    check("decode_ok", |case| {
        let Ok(manifest) = c4m::decode(&case.bytes("text")) else { return };
        let found = validate_text(&c4m::encode(&manifest).unwrap(), LIMIT);
        let lines = found.issues.iter().filter(|issue| spelling.contains(&issue.code));
        // A name that ends with a backslash swallows the ID of its line, which is another entry then (QUIRKS 14).
        let unsound = validate(&manifest, LIMIT).issues.iter().any(|issue| issue.code == Code::TrailingBackslash);
        assert!(unsound || lines.count() == 0, "{:?}", found.issues);
        let sorted = !found.issues.iter().any(|issue| issue.code == Code::Unsorted);
        assert!(unsound || sorted, "{:?}", found.issues);
    });
}

#[test]
fn scans_of_the_reference_have_no_errors_and_directory_ids_that_match() {
    // Lines that do not read back (QUIRKS 14, a target `c4`) or that are written differently (QUIRKS 26).
    let other_lines =
        ["name-ends-with-backslash", "symlink-names", "mtime-epoch-fraction", "mtime-epoch-fraction-nested"];
    // Where its IDs are not those of the entries: QUIRKS 57, 67, 69.
    let other_ids = ["seq-nested-plain-files", "exclude", "guide"];
    check("scan", |case| {
        if other_lines.contains(&case.name()) {
            let texts = case.objects("runs").into_iter().filter_map(|run| run.opt_bytes("stdout"));
            assert!(texts.map(|text| validate_text(&text, LIMIT).issues.len()).sum::<usize>() > 0);
            return;
        }
        for run in case.objects("runs") {
            let Some(text) = run.opt_bytes("stdout") else { continue };
            for issue in validate_text(&text, LIMIT).issues {
                assert_eq!(issue.code.severity(), Severity::Warning, "{issue:?}");
                let metadata_or_name = Code::ControlInName <= issue.code && issue.code <= Code::SpecialFile;
                let target = matches!(issue.code, Code::AbsoluteTarget | Code::OutsideTarget);
                let id = issue.code == Code::DirectoryId && other_ids.contains(&case.name());
                assert!(metadata_or_name || target || id, "{issue:?}");
            }
        }
    });
}

#[test]
fn boundary_ids_are_compared_with_the_states_of_the_reference() {
    check("chain", |case| {
        if case.opt_str("error").is_some() {
            return;
        }
        let text = case.bytes("text");
        let found = validate_text(&text, LIMIT);
        let of = |code| found.issues.iter().filter(|issue| issue.code == code).count();
        let (sections, ids) = (case.objects("sections"), case.strings("resolve_ids"));
        if of(Code::EmptyPatch) + of(Code::Orphan) > 0 {
            // Lines that the reference's chain reader takes; the links after them are not checked.
            assert_eq!(of(Code::ChainLink), 0);
        } else if sections.first().is_some_and(|section| section.opt_str("base").is_some()) {
            assert_eq!(of(Code::ChainLink), 0);
            // A closing ID alone, as in `diff-file`, is one more.
            let links = text.split(|byte| *byte == b'\n').filter(|line| line.len() == c4::ID_TEXT_BYTES).count() - 1;
            assert_eq!(of(Code::UncheckedLink), links.min(1));
        } else {
            let links = sections.iter().skip(1).zip(&ids);
            let wrong = links.filter(|(section, id)| section.opt_str("base") != Some(id)).count();
            assert_eq!(of(Code::ChainLink), wrong);
        }
    });
}
