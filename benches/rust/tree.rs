//! One deterministic tree for all benchmarks: the same names, sizes and bytes on every machine.

#![allow(dead_code, unreachable_pub, reason = "every benchmark uses a part of this module")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use c4::C4Id;

/// Text of a manifest with `directories` directories of nine files each.
pub fn manifest_text(directories: usize) -> String {
    let mut text = String::new();
    for directory in 0..directories {
        let id = C4Id::of(&directory.to_le_bytes());
        writeln!(text, "drwxr-xr-x 2024-01-01T00:00:00Z 1234 dir{directory:06}/ {id}").unwrap();
        for file in 0..9 {
            let number = directory * 9 + file;
            let id = C4Id::of(&number.to_be_bytes());
            writeln!(text, "  -rw-r--r-- 2024-01-01T00:00:00Z {number} file_{file:04}.exr {id}").unwrap();
        }
    }
    text
}

/// Writes `files` files of up to `max_bytes` below a directory, ten to a folder, three levels deep.
pub fn create(root: &Path, files: usize, max_bytes: usize) {
    let mut state = 12_345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for file in 0..files {
        let folder = root.join(format!("a{}/b{}/c{}", file / 1000, file / 100 % 10, file / 10 % 10));
        fs::create_dir_all(&folder).unwrap();
        let bytes: Vec<u8> = vec![(file % 251) as u8; next() % (max_bytes + 1)];
        fs::write(folder.join(format!("f{file:06}.bin")), bytes).unwrap();
    }
}
