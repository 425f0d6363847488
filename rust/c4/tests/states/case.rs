//! A directory to change, the state to reach, and what follows.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use c4::c4m::Manifest;
use c4::reconcile::{Applied, ApplyError, ContentSource, Kind, Options, Plan, STAGING, apply, plan};
use c4::scan::ScanProgress;
use c4::store::{Durability, SPLIT_THRESHOLD, TreeStore};

use super::{Item, describe, make, manifest_of};
use crate::children::scratch;

pub fn options() -> Options {
    Options { workers: Some(2), ..Options::default() }
}

pub fn planned(target: &Manifest, directory: &Path, store: &dyn ContentSource, options: &Options) -> Plan {
    plan(target, directory, &[store], options, &ScanProgress::default()).unwrap()
}

pub fn applied(plan: &Plan, store: &dyn ContentSource, options: &Options) -> Result<Applied, ApplyError> {
    let told = AtomicUsize::new(0);
    let on_done = |_: usize, _: Kind| _ = told.fetch_add(1, Ordering::Relaxed);
    let result = apply(plan, &[store], options, &ScanProgress::default(), &on_done);
    if let Ok(applied) = &result {
        let done: u64 = applied.done.iter().sum();
        assert!(done as usize + applied.errors.len() >= told.into_inner(), "each is told of once");
    }
    result
}

/// Brings a directory to a state, which it then has.
pub fn bring(target: &Manifest, directory: &Path, store: &dyn ContentSource, options: &Options) -> Applied {
    let plan = planned(target, directory, store, options);
    let applied = applied(&plan, store, options).unwrap();
    assert!(applied.errors.is_empty(), "{:?}", applied.errors);
    assert_eq!(applied.done.iter().sum::<u64>(), plan.operations.len() as u64);
    assert!(!directory.join(staging()).exists());
    applied
}

pub fn staging() -> &'static Path {
    Path::new(std::ffi::OsStr::from_bytes(STAGING))
}

/// A directory to change, one that shows the state to reach, its manifest, and a store with all content of it.
pub struct Case {
    pub root: tempfile::TempDir,
    pub target: Manifest,
    pub store: TreeStore,
}

impl Case {
    pub fn new(before: &[(&str, Item)], after: &[(&str, Item)]) -> Self {
        Self::in_directory(scratch(), before, after)
    }

    pub fn in_directory(root: tempfile::TempDir, before: &[(&str, Item)], after: &[(&str, Item)]) -> Self {
        make(&root.path().join("tree"), before);
        make(&root.path().join("state"), after);
        let store = TreeStore::new(&root.path().join("store"), SPLIT_THRESHOLD, Durability::None).unwrap();
        let target = manifest_of(&root.path().join("state"), &store);
        Self { root, target, store }
    }

    pub fn tree(&self) -> std::path::PathBuf {
        self.root.path().join("tree")
    }

    pub fn plan(&self) -> Plan {
        planned(&self.target, &self.tree(), &self.store, &options())
    }

    pub fn apply(&self, plan: &Plan) -> Result<Applied, ApplyError> {
        applied(plan, &self.store, &options())
    }

    pub fn bring(&self) -> Applied {
        bring(&self.target, &self.tree(), &self.store, &options())
    }

    pub fn check(&self) {
        assert_eq!(describe(&self.tree()), describe(&self.root.path().join("state")));
        let again = self.plan();
        assert!(again.operations.is_empty(), "{:?}", again.operations);
    }

    /// What lies beside the tree, and must never change.
    pub fn outside(&self, content: &str) -> std::path::PathBuf {
        let outside = self.root.path().join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("precious"), content).unwrap();
        outside
    }
}

pub fn errors(applied: &Applied) -> Vec<String> {
    applied.errors.iter().map(|(_, error)| error.to_string()).collect()
}

/// A file system of its own, if this process may mount one.
pub struct Mounted(tempfile::TempDir);

impl Mounted {
    pub fn xfs(arguments: &[&str]) -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let image = root.path().join("image");
        fs::File::create(&image).unwrap().set_len(320 << 20).unwrap();
        fs::create_dir(root.path().join("mount")).unwrap();
        let made = Command::new("mkfs.xfs").arg("-q").args(arguments).arg(&image).output();
        let mounted = made.is_ok_and(|output| output.status.success())
            && Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(root.path().join("mount"))
                .output()
                .is_ok_and(|output| output.status.success());
        mounted.then(|| Self(root))
    }

    pub fn scratch(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(self.0.path().join("mount")).unwrap()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path().join("mount")).status();
    }
}
