//! What the benchmarks work on: the same names, sizes and bytes on every machine.

#![allow(dead_code, unreachable_pub, reason = "every benchmark uses a part of this module")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

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

/// Writes a tree with `benches/trees.py`, which needs nothing but Python.
pub fn create(name: &str, root: &Path, scale: f64) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/trees.py");
    let status = Command::new("python3").arg(script).arg(name).arg(root).args(["--scale", &scale.to_string()]).output();
    assert!(status.is_ok_and(|output| output.status.success()), "python3 {script} {name} failed");
}
