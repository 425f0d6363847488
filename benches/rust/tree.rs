//! What the benchmarks work on: the same names, sizes and bytes on every machine.

#![allow(dead_code, unreachable_pub, reason = "every benchmark uses a part of this module")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use c4::C4Id;

/// Text of a manifest with `directories` directories of nine files each. In its changed copy one entry in 500, and the
/// directory that it is in, differ: the file was edited, is gone, or is new.
pub fn manifest_text(directories: usize, is_changed: bool) -> String {
    let mut text = String::new();
    for directory in 0..directories {
        let change = (is_changed && directory % 50 == 25).then_some(directory / 50 % 3);
        let count = match change {
            Some(1) => 8,
            Some(2) => 10,
            _ => 9,
        };
        let mut files = String::new();
        for file in 0..count {
            let number = directory * 10 + file;
            let is_edited = change == Some(0) && file == 4;
            let id = C4Id::of(format!("{number} {is_edited}").as_bytes());
            writeln!(files, "-rw-r--r-- 2024-01-01T00:00:00Z {number} file_{file:04}.exr {id}").unwrap();
        }
        let id = C4Id::of(files.as_bytes());
        writeln!(text, "drwxr-xr-x 2024-01-01T00:00:00Z 1234 dir{directory:06}/ {id}").unwrap();
        for line in files.lines() {
            writeln!(text, "  {line}").unwrap();
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
