//! The reference results of `vectors/` about diffs, patches and chains, case by case.

mod common;

use c4::c4m::{self, Manifest};
use c4::{diff, patch};
use common::{Case, check};

fn decode(case: &Case, key: &str) -> Manifest {
    c4m::decode(&case.bytes(key)).unwrap()
}

fn text(manifest: &Manifest) -> String {
    String::from_utf8(c4m::encode(manifest).unwrap()).unwrap()
}

#[test]
fn diff_by_full_path() {
    check("diff", |case| {
        let (a, b) = (decode(case, "old"), decode(case, "new"));
        let diff = diff::diff(&a, &b);
        // The reference writes a directory's path with its slash.
        let paths = |manifest: &Manifest, rows: Vec<u32>| {
            let path = |row: &u32| {
                let place = manifest.iter().position(|other| other == *row).unwrap();
                manifest.outline().path(manifest, place)
            };
            let mut paths: Vec<Vec<u8>> = rows.iter().map(path).collect();
            paths.sort();
            paths
        };
        assert_eq!(paths(&b, diff.added.clone()), case.byte_strings("added"));
        assert_eq!(paths(&a, diff.removed.clone()), case.byte_strings("removed"));
        assert_eq!(paths(&b, diff.modified.iter().map(|(_, b)| *b).collect()), case.byte_strings("modified"));
        assert_eq!(paths(&a, diff.same.iter().map(|(a, _)| *a).collect()), case.byte_strings("same"));
        for (from, to) in diff.moved {
            assert!(diff.removed.contains(&from) && diff.added.contains(&to));
            assert_eq!(a.get(from).id, b.get(to).id);
        }
    });
}

/// Cases of `patch` in which the text is another one, since that of the reference loses a directory whose own line is
/// unchanged while something below it changed.
fn loses_a_directory(case: &Case) -> bool {
    !case.flag("roundtrip") && !case.name().starts_with("orphan-") && case.name() != "range-data-new"
}

#[test]
fn patches() {
    check("patch", |case| {
        let (old, new) = (decode(case, "old"), decode(case, "new"));
        let written = String::from_utf8(patch::patch_diff(&old, &new).unwrap()).unwrap();
        assert_eq!(old.compute_id().unwrap().to_string(), case.str("old_id"));
        assert_eq!(new.compute_id().unwrap().to_string(), case.str("new_id"));
        if loses_a_directory(case) {
            assert_ne!(written, case.str("patch"));
        } else {
            assert_eq!(written, case.str("patch"));
        }
        if case.name().starts_with("orphan-") {
            return; // entries without a parent are not part of a patch
        }
        let chain = c4m::decode((text(&old) + &written).as_bytes()).unwrap();
        let mut new = new;
        new.clear_range_data();
        assert_eq!(text(&chain), text(&new));
        let parsed = c4m::decode(written.as_bytes()).unwrap();
        assert_eq!(text(&patch::apply(&old, &parsed).unwrap()), text(&new));
        assert_eq!(text(&patch::resolve(&parsed, Some(&old), 0).unwrap()), text(&new));
    });
}

#[test]
fn chains() {
    check("chain", |case| {
        let input = case.bytes("text");
        let Some(states) = case.get("resolve").is_some().then(|| case.byte_strings("resolve")) else {
            // An entry of a patch with no directory above it makes the reference crash.
            if case.opt_str("error").is_some() || case.opt_str("resolve_panics").is_some() {
                assert!(c4m::decode_chain(&input).is_err());
            } else {
                assert!(c4m::decode_chain(&input).unwrap().is_empty());
            }
            return;
        };
        let sections = c4m::decode_chain(&input).unwrap();
        let described = case.objects("sections");
        assert_eq!(sections.len(), described.len());
        for (section, expected) in sections.iter().zip(&described) {
            assert_eq!(section.boundary.map(|id| id.to_string()).as_deref(), expected.opt_str("base"));
            assert_eq!(section.rows.len() as i64, expected.int("n").unwrap());
            let lines: Vec<Vec<u8>> = (0..section.rows.len() as u32)
                .map(|row| c4m::indented_entry_line(&section.rows.get(row), 2).unwrap())
                .collect();
            assert_eq!(lines, expected.byte_strings("lines"));
        }
        let ids = case.strings("resolve_ids");
        for (count, (state, id)) in (1..).zip(states.iter().zip(&ids)) {
            let (before, after) = patch::split(&input, count).unwrap();
            assert_eq!(&before, state);
            // The reference counts both of two entries with one name; here the last one is left.
            if case.name() != "duplicate-in-section" {
                assert_eq!(&c4m::decode(&before).unwrap().compute_id().unwrap().to_string(), id);
            }
            assert_eq!(after.is_empty(), count == states.len());
            if after.is_empty() {
                continue;
            }
            let both = c4m::decode(&[before, after].concat()).unwrap();
            assert_eq!(c4m::encode(&both).unwrap(), states[states.len() - 1]);
        }
        let Ok(mut manifest) = c4m::decode(&input) else {
            assert!(case.opt_str("decode_error").is_some());
            return;
        };
        // The first section of a chain without its base is a first state for the reference; here the base is asked for.
        if manifest.base.is_some() {
            assert!(matches!(patch::resolve(&manifest, None, 0), Err(patch::PatchError::NoBase { section: 1, .. })));
            manifest.base = None;
        }
        let log = patch::log(&manifest, None).unwrap();
        assert_eq!(log.iter().map(|info| info.entries).max().is_some(), !states.is_empty());
        if case.name() == "duplicate-in-section" {
            return;
        }
        assert_eq!(log.iter().map(|info| info.id.to_string()).collect::<Vec<_>>(), ids);
        for (count, state) in (1..).zip(&states) {
            let resolved = patch::resolve(&manifest, None, count).unwrap();
            let mut resolved = resolved;
            resolved.clear_range_data();
            assert_eq!(&c4m::encode(&resolved).unwrap(), state);
        }
    });
}
