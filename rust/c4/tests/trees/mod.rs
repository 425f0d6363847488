//! The trees of `vectors/scan.jsonl`, made on disk.

#![allow(dead_code, unreachable_pub, reason = "every test crate uses a part of this module")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use crate::common::Case;

/// Creates the file system items of a case below a directory, as `vectors/README.md` says.
pub fn create(items: &[Case], root: &Path) {
    fs::create_dir_all(root).unwrap();
    let path = |item: &Case| root.join(OsStr::from_bytes(&item.bytes("path")));
    for item in items {
        let target = || PathBuf::from(OsStr::from_bytes(&item.bytes("target")));
        match item.str("type") {
            "dir" => fs::create_dir(path(item)).unwrap(),
            "file" => {
                let content = item.opt_bytes("content").unwrap_or_else(|| {
                    vec![item.int("fill_byte").unwrap() as u8; item.int("fill_len").unwrap() as usize]
                });
                fs::write(path(item), content).unwrap();
            }
            "symlink" => symlink(target(), path(item)).unwrap(),
            "fifo" => assert!(Command::new("mkfifo").arg(path(item)).status().unwrap().success()),
            "hardlink" => {}
            kind => panic!("type {kind}"),
        }
    }
    for item in items.iter().filter(|item| item.str("type") == "hardlink") {
        fs::hard_link(root.join(OsStr::from_bytes(&item.bytes("target"))), path(item)).unwrap();
    }
    let finish = |item: &Case| {
        if let Some(mode) = item.opt_str("mode") {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            fs::set_permissions(path(item), fs::Permissions::from_mode(mode)).unwrap();
        }
        if let Some(mtime) = item.int("mtime") {
            let time = Timespec { tv_sec: mtime, tv_nsec: item.int("mtime_nsec").unwrap_or(0) as _ };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::utimensat(CWD, path(item), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        }
    };
    items.iter().filter(|item| item.str("type") != "dir").for_each(finish);
    let mut directories: Vec<&Case> = items.iter().filter(|item| item.str("type") == "dir").collect();
    directories.sort_by_key(|item| std::cmp::Reverse(item.bytes("path").split(|byte| *byte == b'/').count()));
    directories.into_iter().for_each(finish);
}
