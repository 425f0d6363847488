//! What holds for the diff and the patch of any two manifests.

use c4::c4m::{self, Entry, Link, Manifest, Mode, Timestamp};
use c4::{C4Id, diff, patch};
use proptest::prelude::*;

/// Entries of a few names, so that two manifests have paths in common: files, directories with and without a slash and
/// links, with and without IDs. Lines of directories are often equal though what is below them differs.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry =
        (0_usize..8, 0_u32..4, 0_u8..3, 0_u8..3, any::<bool>()).prop_map(|(name, depth, id, kind, has_time)| {
            let name = ["a", "b", "f9", "f10", "a/", "b/", "d/", "q"][name];
            let mut entry = Entry::new(name);
            entry.depth = depth;
            entry.mode = Mode::from_bits(match kind {
                0 => 0,
                _ if name == "q" || name.ends_with('/') => 0o040_755,
                1 => 0o644,
                _ => 0o120_777,
            });
            if entry.mode.is_symlink() {
                entry.link = Link { target: b"t".to_vec(), ..Link::default() };
            }
            entry.id = if id == 0 { C4Id::NIL } else { C4Id::of(&[id]) };
            entry.size = i64::from(id) - 1;
            entry.time = if has_time { Timestamp(1_700_000_000) } else { Timestamp::NULL };
            entry
        });
    prop::collection::vec(entry, 0..14)
}

/// The manifest that a list of entries makes, without those that have no parent.
fn tree(entries: Vec<Entry>) -> Manifest {
    let manifest: Manifest = entries.into_iter().collect();
    let parented: Vec<Entry> = manifest
        .iter()
        .enumerate()
        .filter(|(place, _)| {
            let mut at = Some(*place);
            while let Some(place) = at {
                if manifest.outline().is_orphan(place) {
                    return false;
                }
                at = manifest.outline().parent(place);
            }
            true
        })
        .map(|(_, row)| manifest.get(row).to_entry())
        .collect();
    let mut manifest: Manifest = parented.into_iter().collect();
    manifest.sort();
    manifest.compact();
    manifest
}

fn text(manifest: &Manifest) -> String {
    String::from_utf8(c4m::encode(manifest).unwrap()).unwrap()
}

/// Resolves a chain by the shortest code that follows the reference: each section is applied to the listing that the one
/// before it left.
fn resolve_simply(text: &str) -> String {
    let sections = c4m::decode_chain(text.as_bytes()).unwrap();
    let mut state: Vec<(Vec<u8>, Entry)> = Vec::new();
    for section in sections {
        let mut path: Vec<Vec<u8>> = Vec::new();
        let mut gone: Option<u32> = None;
        let before = state.clone();
        for row in 0..section.rows.len() as u32 {
            let entry = section.rows.get(row).to_entry();
            path.truncate(entry.depth as usize);
            path.push([&entry.name[..], b"\0"].concat());
            if gone.is_some_and(|depth| entry.depth > depth) {
                continue;
            }
            gone = None;
            let full = path.concat();
            match state.iter().position(|(path, _)| *path == full) {
                Some(at) if state[at].1.as_row().same_line(&entry.as_row()) && before.contains(&state[at]) => {
                    state.retain(|(path, _)| !path.starts_with(&full));
                    gone = Some(entry.depth);
                }
                Some(at) => {
                    if !entry.as_row().is_dir() {
                        state.retain(|(path, _)| *path == full || !path.starts_with(&full));
                    }
                    let at = state.iter().position(|(path, _)| *path == full).unwrap_or(at);
                    state[at].1 = entry;
                }
                None => state.push((full, entry)),
            }
        }
    }
    // Parents before their children: a path is a prefix of those below it.
    state.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut manifest: Manifest = state.into_iter().map(|(_, entry)| entry).collect();
    manifest.sort();
    manifest.compact();
    self::text(&manifest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_patch_of_any_two_manifests_gives_back_the_second(a in entries(), b in entries()) {
        let (a, b) = (tree(a), tree(b));
        let written = patch::patch_diff(&a, &b).unwrap();
        let chain = text(&a) + std::str::from_utf8(&written).unwrap();
        prop_assert_eq!(text(&c4m::decode(chain.as_bytes()).unwrap()), text(&b), "{}", chain);
        prop_assert_eq!(resolve_simply(&chain), text(&b), "{}", chain);
        let parsed = c4m::decode(&written).unwrap();
        prop_assert_eq!(text(&patch::apply(&a, &parsed).unwrap()), text(&b));
        // The boundary between two sections is the ID of the state there.
        let sections = c4m::decode_chain(chain.as_bytes()).unwrap();
        for (count, section) in sections.iter().enumerate().skip(1) {
            let (before, _) = patch::split(chain.as_bytes(), count).unwrap();
            let id = c4m::decode(&before).unwrap().compute_id().unwrap();
            prop_assert!(a.is_empty() || section.boundary == Some(id), "{}", chain);
        }
    }

    #[test]
    fn a_diff_has_every_path_once(a in entries(), b in entries()) {
        let (a, b) = (a.into_iter().collect::<Manifest>(), tree(b));
        let diff = diff::diff(&a, &b);
        let mut of_a = a.clone();
        of_a.sort();
        let listed: Vec<u32> = diff.removed.iter().copied()
            .chain(diff.modified.iter().map(|(a, _)| *a)).chain(diff.same.iter().map(|(a, _)| *a)).collect();
        prop_assert!(listed.len() <= a.len());
        let of_b: Vec<u32> = diff.added.iter().copied()
            .chain(diff.modified.iter().map(|(_, b)| *b)).chain(diff.same.iter().map(|(_, b)| *b)).collect();
        let mut sorted = of_b.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, b.iter().collect::<Vec<_>>());
        for (a_row, b_row) in diff.same.iter().chain(&diff.modified) {
            prop_assert_eq!(a.get(*a_row).name, b.get(*b_row).name);
        }
        let back = diff::diff(&b, &a);
        prop_assert_eq!((back.added.len(), back.removed.len()), (diff.removed.len(), diff.added.len()));
        let counts = diff::count(&b, &b);
        prop_assert_eq!(counts, diff::Counts::default());
    }
}

#[test]
fn what_moved_pairs_in_order() {
    let id = |byte: u8| C4Id::of(&[byte]);
    let list = |lines: &[(&str, u8)]| {
        let lines: Vec<String> =
            lines.iter().map(|(name, byte)| format!("-rw-r--r-- - 1 {name} {}", id(*byte))).collect();
        c4m::decode(lines.join("\n").as_bytes()).unwrap()
    };
    let old = list(&[("a2", 1), ("a10", 1), ("b", 2), ("c", 3)]);
    let new = list(&[("z1", 1), ("z9", 1), ("z10", 1), ("y", 2), ("c", 3)]);
    let diff = diff::diff(&old, &new);
    let names: Vec<(&[u8], &[u8])> = diff.moved.iter().map(|(a, b)| (old.get(*a).name, new.get(*b).name)).collect();
    assert_eq!(names, [(&b"b"[..], &b"y"[..]), (b"a2", b"z1"), (b"a10", b"z9")]);
}

#[test]
fn a_closed_patch_ends_with_the_new_id_and_is_nothing_where_no_line_differs() {
    let closed = |a: &Manifest, b: &Manifest| {
        let form = patch::PatchForm { is_closed: true, ..Default::default() };
        String::from_utf8(patch::patch_diff_as(a, b, form).unwrap()).unwrap()
    };
    let old = c4m::decode(b"drwxr-xr-x - - d/ -\n  - - 1 a -\n").unwrap();
    let new = c4m::decode(b"drwxr-xr-x - - d/ -\n  - - 2 a -\n  - - 1 b -\n").unwrap();
    let open = String::from_utf8(patch::patch_diff(&old, &new).unwrap()).unwrap();
    assert_eq!(closed(&old, &new), format!("{open}{}\n", new.compute_id().unwrap()));
    assert_eq!(closed(&old, &old), "");
}

#[test]
fn a_pretty_patch_is_the_same_patch_in_its_zone() {
    let zone = c4m::Zone::utc();
    let form = patch::PatchForm { pretty: Some(&zone), is_closed: false };
    // In two sections: the line of the directory is the same.
    let old = c4m::decode(b"drwxr-xr-x - - d/ -\n  -rw-r--r-- 2024-01-02T03:04:05Z 1000 a -\n").unwrap();
    let new = c4m::decode(b"drwxr-xr-x - - d/ -\n  -rw-r--r-- 2024-01-02T03:04:05Z 2000 a -\n").unwrap();
    let text = String::from_utf8(patch::patch_diff_as(&old, &new, form).unwrap()).unwrap();
    assert!(text.contains("Jan  2 03:04:05 2024 UTC 2,000 a"), "{text}");
    let chain = c4m::encode(&old).unwrap();
    let resolved = c4m::decode(&[chain.as_slice(), text.as_bytes()].concat()).unwrap();
    assert_eq!(c4m::encode(&resolved).unwrap(), c4m::encode(&new).unwrap());
}

#[test]
fn the_smaller_of_two_ways_is_written_where_a_directory_line_is_unchanged() {
    let files = |count: usize| (0..count).map(|n| format!("  - - {n} f{n} -\n")).collect::<Vec<_>>().concat();
    let old = c4m::decode(format!("drwxr-xr-x - - d/ -\n{}", files(50)).as_bytes()).unwrap();
    let new = c4m::decode(format!("drwxr-xr-x - - d/ -\n{}", files(51)).as_bytes()).unwrap();
    let lines = |a, b| String::from_utf8(patch::patch_diff(a, b).unwrap()).unwrap().lines().count();
    // The directory twice, the file, and two boundaries; not fifty-one files once more.
    assert_eq!(lines(&old, &new), 5);
    let empty = c4m::decode(b"drwxr-xr-x - - d/ -\n").unwrap();
    // Removed and added; not fifty files one by one.
    assert_eq!(lines(&old, &empty), 4);
}

#[test]
fn a_deep_chain_and_a_long_one_are_ordinary() {
    let line = |depth: usize, size: usize| format!("{}drwxr-xr-x - {size} d/ -\n", " ".repeat(depth));
    let deep =
        |size| c4m::decode((0..3000).map(|depth| line(depth, size)).collect::<Vec<_>>().concat().as_bytes()).unwrap();
    let (old, new) = (deep(1), deep(2));
    let chain = text(&old) + std::str::from_utf8(&patch::patch_diff(&old, &new).unwrap()).unwrap();
    assert_eq!(text(&c4m::decode(chain.as_bytes()).unwrap()), text(&new));

    let id = C4Id::of(b"x");
    let long: Vec<String> = (0..100_000).map(|n| format!("{id}\n- - {n} f -\n")).collect();
    let manifest = c4m::decode(long.concat().as_bytes()).unwrap();
    assert_eq!((manifest.len(), manifest.sections().len()), (1, 100_000));
    let mut manifest = manifest;
    manifest.base = None;
    assert_eq!(patch::log(&manifest, None).unwrap().len(), 100_000);
}
