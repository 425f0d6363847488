//! The reference results of `vectors/sequences.jsonl`. Cases that this crate decides differently are named, with the
//! reason.

mod common;

use c4::C4Id;
use c4::c4m::{self, FrameNumber, Manifest, NumberRange, Row, Sequence, SequenceError, Zone};
use common::{Case, check};

const CASES: usize = 327;

fn decode(text: &[u8]) -> Manifest {
    c4m::decode_in(text, &Zone::utc()).unwrap()
}

fn text(manifest: &Manifest) -> String {
    String::from_utf8(c4m::encode(manifest).unwrap()).unwrap()
}

#[test]
fn every_case_has_a_kind_that_is_checked() {
    let count = std::cell::Cell::new(0);
    check("sequences", |case| {
        assert!(["parse", "detect", "expand"].contains(&case.str("kind")));
        count.set(count.get() + 1);
    });
    assert_eq!(count.get(), CASES);
}

/// Patterns that the reference takes and this crate refuses.
fn is_stricter(pattern: &[u8]) -> bool {
    // A step of 0 is taken as 1 in a list, and hangs alone; a range that ends at 2^63-1 hangs.
    [&b"a[1-10:0,20]"[..], b"a[9223372036854775807]"].contains(&pattern)
}

#[test]
fn patterns_parse() {
    check("sequences", |case| {
        if case.str("kind") != "parse" {
            return;
        }
        let pattern = case.bytes("pattern");
        // The reference reads patterns as they are written in a line, this crate reads decoded names.
        let mut name = Vec::new();
        c4m::unescape_field(&pattern, &mut name);
        let name = c4m::unsafe_name(&name);
        assert_eq!(c4m::is_sequence_name(&name), case.flag("is_sequence"));
        let parsed = Sequence::parse(&name);
        if case.get("error").is_some() || is_stricter(&pattern) {
            assert!(parsed.is_err());
            return;
        }
        assert!(case.get("reference_hangs").is_none());
        let parsed = parsed.unwrap();
        assert_eq!(parsed.prefix(), case.bytes("prefix"));
        assert_eq!(parsed.suffix(), case.bytes("suffix"));
        assert_eq!(parsed.padding() as i64, case.int("padding").unwrap());
        let range = |range: &NumberRange| serde_json::json!([range.start(), range.end(), range.step()]);
        let ranges: Vec<_> = parsed.ranges().iter().map(range).collect();
        assert_eq!(case.get("ranges"), Some(&serde_json::Value::from(ranges)));
        assert_eq!(parsed.count() as i64, case.int("count").unwrap());
        assert_eq!(parsed.numbers().count() as i64, case.int("count").unwrap());
        if case.get("expand").is_some() {
            assert_eq!(parsed.expand(60).unwrap(), case.byte_strings("expand"));
        }
        let tried = [-5, 0, 1, 2, 3, 5, 10, 50, 99, 100, 1000];
        let contained: Vec<i64> = tried.into_iter().filter(|number| parsed.contains(*number)).collect();
        assert_eq!(contained, case.ints("contains"));
        assert_eq!(Sequence::parse(&parsed.to_name()).unwrap(), parsed);
    });
}

/// Folded by the reference into another directory, over files of the same names.
const FOLDED_PER_DIRECTORY: &str = "nested-same-names-two-dirs";

#[test]
fn listings_fold() {
    check("sequences", |case| {
        if case.str("kind") != "detect" {
            return;
        }
        let mut manifest = decode(&case.bytes("text"));
        manifest.fold_sequences(FrameNumber::First, case.int("min_length").unwrap() as usize);
        if case.name() == FOLDED_PER_DIRECTORY {
            let paths: Vec<Vec<u8>> = (0..4).map(|place| manifest.outline().path(&manifest, place)).collect();
            assert_eq!(paths, [&b"d/"[..], b"d/f.[01-03].x", b"e/", b"e/f.[02-05].x"]);
            assert_eq!(manifest.expand_sequences(7).unwrap().len(), 9);
            return;
        }
        assert_eq!(text(&manifest), case.str("marshal"));
        assert_eq!(manifest.compute_id().unwrap().to_string(), case.str("id"));
        assert_eq!(text(&decode(text(&manifest).as_bytes())) == text(&manifest), case.flag("reread_same"));
        for (id, ids) in manifest.range_data() {
            let list: String = ids.iter().map(C4Id::to_string).collect();
            assert_eq!(case.object("range_data").str(&id.to_string()), list);
        }
    });
}

/// How the members of a listing differ from the reference's, by case.
fn deviation(case: &Case) -> Option<&'static str> {
    Some(match case.name() {
        "list-of-other" | "without-list" | "stepped" | "two-ranges" | "escaped-prefix" | "sequence-already-present" => {
            "without an ID list the reference gives each member the ID of the sequence; here it has none"
        }
        "with-wrong-count" => {
            "a list of another length leaves the sequence in the reference; here the members have no ID"
        }
        "escaped-literal" | "names-with-digit-brackets" => "the reference takes escaped brackets for a range",
        "dir-sequence" => "the reference puts the entries below into the last member; here the directory stays",
        "symlink-sequence" | "symlink-uniform" | "symlink-same-number" | "symlink-and-file-same-names" => {
            "the reference drops the targets of links; here they are the members of the range"
        }
        _ => return None,
    })
}

/// What the reference expands to, without the sequences that it leaves beside their members.
fn reference_members(case: &Case) -> Manifest {
    let mut expanded = decode(&case.bytes("expand_embedded"));
    let is_left = |row: &Row<'_>| !row.is_sequence || Sequence::parse(row.name).is_err();
    let rows = expanded.iter().filter(|row| is_left(&expanded.get(*row))).collect();
    expanded.replace_order(rows);
    expanded.compact();
    expanded.clear_range_data();
    expanded
}

#[test]
fn sequences_expand() {
    check("sequences", |case| {
        if case.str("kind") == "parse" {
            return;
        }
        let written = case.opt_bytes("marshal").unwrap_or_else(|| case.bytes("text"));
        let expanded = decode(&written).expand_sequences(1000).unwrap();
        assert!(expanded.range_data().is_empty() || case.name() == "list-of-other", "its lists are of no use");
        let reference = reference_members(case);
        assert_eq!(text(&expanded) == text(&reference), deviation(case).is_none(), "{}", text(&expanded));
        if deviation(case).is_none() {
            let members = case.bytes("expand_standalone_expansions");
            let expanded = text(&expanded);
            for member in String::from_utf8(members).unwrap().lines() {
                assert!(expanded.lines().any(|line| line.trim_start() == member.trim_start()), "{member}");
            }
        }
        let ids: Vec<bool> = expanded.iter().map(|row| expanded.get(row).id.is_nil()).collect();
        let target = |place: usize| {
            let link = expanded.get(expanded.row_at(place).unwrap()).link;
            String::from_utf8(link.map(|link| link.target.clone()).unwrap_or_default()).unwrap()
        };
        match case.name() {
            "list-of-other" | "without-list" | "stepped" => assert_eq!(ids, [true; 3]),
            "two-ranges" | "with-wrong-count" => assert_eq!(ids, [true; 4]),
            "escaped-prefix" => assert_eq!(ids, [true; 2]),
            "sequence-already-present" => assert_eq!(ids, [false, false, false, false, true, true, true]),
            "escaped-literal" | "names-with-digit-brackets" | "dir-sequence" => {
                assert_eq!(text(&expanded), text(&decode(&written)));
            }
            "symlink-sequence" => assert_eq!([target(0), target(1), target(2)], ["t.1", "t.2", "t.3"]),
            "symlink-uniform" => assert_eq!([target(0), target(3)], ["src.0101.x", "src.0104.x"]),
            "symlink-same-number" => assert_eq!([target(0), target(3)], ["src.0007.x", "src.0007.x"]),
            "symlink-and-file-same-names" => assert_eq!([target(0), target(3), target(5)], ["", "t.04", "t.06"]),
            _ => {}
        }
    });
}

#[test]
fn a_bomb_is_refused_by_its_count() {
    for (line, message) in [
        (
            "-rw-r--r-- - 1 f.[0-999999999] -",
            "d/f.[0-999999999] stands for 1000000000 names, more than the limit of 1000000",
        ),
        (
            "-rw-r--r-- - 1 f.[0-9999999:2,0-9999999:3] -",
            "d/f.[0-9999999:2,0-9999999:3]: ranges with steps overlap or leave gaps, and hold more than 1000000 numbers",
        ),
    ] {
        let manifest = decode(format!("drwxr-xr-x - - d/ -\n  {line}\n").as_bytes());
        let error = manifest.expand_sequences(c4m::DEFAULT_EXPANSION_LIMIT).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    // Many small ones, together over the limit.
    let many = (0..100).map(|n| format!("- - - f{n}.[0-99] -")).collect::<Vec<_>>().join("\n") + "\n";
    assert_eq!(decode(many.as_bytes()).expand_sequences(10_000).unwrap().len(), 10_000);
    assert!(matches!(
        decode(many.as_bytes()).expand_sequences(9_999),
        Err(SequenceError::TooMany { count: 100, left: 99, limit: 9_999, .. })
    ));
}

#[test]
fn a_million_ranges_are_one_list() {
    let list: Vec<String> = (0..1_000_000).map(|n| format!("{}-{}", n * 10, n * 10 + 3)).collect();
    let sequence = Sequence::parse(format!("f[{}]", list.join(",")).as_bytes()).unwrap();
    assert_eq!((sequence.ranges().len(), sequence.count()), (1_000_000, 4_000_000));
    assert!(sequence.expand(3_999_999).is_err());
}
