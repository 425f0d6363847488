//! The reference results for merges, set operations, directories and paths. A case that this crate decides differently
//! is listed here with its reason.

mod common;

use c4::c4m::{self, Manifest};
use c4::{C4Id, MatchBy, intersect, merge};
use common::{Case, check};

fn manifest(case: &Case, key: &str) -> Manifest {
    c4m::decode(&case.opt_bytes(key).unwrap_or_default()).unwrap()
}

fn text(manifest: &Manifest) -> String {
    String::from_utf8(c4m::encode(manifest).unwrap()).unwrap()
}

/// Cases in which the reference overwrites an entry that has the name of the loser of a conflict: what is lost there.
const CONFLICT_NAME_TAKEN: [&str; 2] = ["conflict-name-taken", "conflict-name-added"];

#[test]
fn merges() {
    check("merge", |case| {
        let (base, local, remote) = (manifest(case, "base"), manifest(case, "local"), manifest(case, "remote"));
        let merged = merge(&base, &local, &remote);
        let mut expected = case.str("merged").to_owned();
        if CONFLICT_NAME_TAKEN.contains(&case.name()) {
            let lost = text(&local).lines().next().unwrap().replace(" a ", " a.conflict2 ");
            assert!(!expected.contains(&lost), "the loser gets the next free name");
            expected = expected + &lost + "\n";
        } else {
            assert_eq!(merged.manifest.compute_id().unwrap(), case.str("id").parse::<C4Id>().unwrap());
        }
        assert_eq!(text(&merged.manifest), expected);
        let line = |side: &Manifest, row: Option<u32>| {
            row.map(|row| String::from_utf8(c4m::entry_line(&side.get(row)).unwrap()).unwrap())
        };
        let mut conflicts: Vec<_> = merged
            .conflicts
            .iter()
            .map(|conflict| (conflict.path.clone(), line(&local, conflict.local), line(&remote, conflict.remote)))
            .collect();
        // The reference goes by path as text, this crate by the order of a listing.
        conflicts.sort();
        let wanted: Vec<_> = case
            .objects("conflicts")
            .iter()
            .map(|conflict| {
                let line = |key| conflict.opt_str(key).map(str::to_owned);
                (conflict.bytes("path"), line("local"), line("remote"))
            })
            .collect();
        assert_eq!(conflicts, wanted);
    });
}

#[test]
fn subtrees() {
    check("subtree", |case| {
        let whole = manifest(case, "text");
        let path = case.bytes("path");
        let result = match case.str("kind") {
            "extract" => whole.subtree(&path),
            "inject" => whole.with_subtree(&path, &manifest(case, "sub")),
            kind => panic!("kind {kind}"),
        };
        match case.name() {
            "no-slash" => {
                return assert_eq!(
                    text(&result.unwrap()),
                    text(&whole.subtree(b"a/").unwrap()),
                    "a path may lack the slash"
                );
            }
            "empty-path" => return assert_eq!(text(&result.unwrap()), text(&whole), "the empty path is the top"),
            _ => {}
        }
        match case.opt_str("error") {
            None => {
                let result = result.unwrap();
                assert_eq!(text(&result), case.str("result"));
                assert_eq!(result.compute_id().unwrap(), case.str("id").parse::<C4Id>().unwrap());
            }
            Some(error) if error.starts_with("entry not found") => {
                assert_eq!(result.unwrap_err(), c4m::DirectoryError::NotFound);
            }
            Some(error) if error.starts_with("entry is not a directory") => {
                assert_eq!(result.unwrap_err(), c4m::DirectoryError::NotADirectory);
            }
            Some(error) => panic!("error {error}"),
        }
    });
}

#[test]
fn entry_paths() {
    check("entry_paths", |case| {
        let manifest = manifest(case, "text");
        let paths: Vec<Vec<u8>> = (0..manifest.len()).map(|place| manifest.outline().path(&manifest, place)).collect();
        let mut sorted = paths.clone();
        sorted.sort();
        match case.name() {
            // The reference has a second rule for the path of an orphan, which is in no directory here.
            "orphans" | "orphan-dir" => {
                assert_eq!(paths, case.byte_strings("in_order"));
                assert_ne!(sorted, case.byte_strings("paths"));
            }
            // A directory by its mode alone gets its slash.
            "mode-d-no-slash" => assert_eq!(paths, [b"d".to_vec(), b"d/k".to_vec()]),
            _ => {
                assert_eq!(paths, case.byte_strings("in_order"));
                assert_eq!(sorted, case.byte_strings("paths"));
            }
        }
        for (place, path) in paths.iter().enumerate() {
            assert_eq!(manifest.outline().find(&manifest, path), Some(place));
        }
    });
}

#[test]
fn merges_and_intersections_of_the_command() {
    check("cli", |case| {
        let arguments = case.strings("argv");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let files = case.objects("files");
        let file = |name: &str| {
            let content = files.iter().find(|file| file.str("path") == name).unwrap().bytes("content");
            c4m::decode(&content).unwrap()
        };
        let result = match arguments.as_slice() {
            // Wrong usage, and directories to scan: tests of the command and of scans.
            ["merge", _] | ["merge", "p", ..] | ["intersect"] | ["intersect", _, _] | ["intersect", "size", ..] => {
                return;
            }
            ["merge", "-e", a, b] => merge(&Manifest::default(), &file(a), &file(b)).manifest,
            ["merge", first, others @ ..] => {
                let mut merged = file(first);
                let mut conflicts = 0;
                for other in others {
                    let step = merge(&Manifest::default(), &merged, &file(other));
                    conflicts += step.conflicts.len();
                    merged = step.manifest;
                }
                assert_eq!(conflicts > 0, case.int("exit_code") == Some(1));
                if conflicts > 0 {
                    return assert_eq!(case.str("stdout"), "", "the command writes nothing then");
                }
                merged
            }
            ["intersect", "id", a, b] => intersect(&file(a), &file(b), MatchBy::Id),
            ["intersect", "path", a, b] => intersect(&file(a), &file(b), MatchBy::Path),
            _ => return,
        };
        let expected = case.str("stdout");
        if arguments.contains(&"-e") {
            let zone = c4m::Zone::named(std::ffi::OsStr::new("UTC")).unwrap();
            assert_eq!(String::from_utf8(c4m::encode_pretty(&result, &zone).unwrap()).unwrap(), expected);
        } else {
            assert_eq!(text(&result), expected);
        }
    });
}
