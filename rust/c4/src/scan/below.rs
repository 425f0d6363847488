//! Opening what lies below a directory, without leaving it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;

/// Longest relative path that one system call takes; the kernel's limit is 4096 with the final NUL.
const MAX_PATH_BYTES: usize = 4095;

/// Bytes of entries that one system call gives: about a thousand.
#[cfg(target_os = "linux")]
const DIRECTORY_BUFFER: usize = 32 * 1024;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// A directory in which files are opened, and that may not be readable.
#[cfg(target_os = "linux")]
const SEARCH: OFlags = DIRECTORY.union(OFlags::PATH);
#[cfg(not(target_os = "linux"))]
const SEARCH: OFlags = DIRECTORY;
/// A pipe must not block, a terminal must not become the controlling one.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens a directory that the user named, to read it; links are followed.
pub(super) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::open(path, DIRECTORY, Mode::empty())?)
}

/// Opens a directory by its absolute path, to open what is in it; links are followed.
pub(super) fn open_root_for_search(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::open(path, SEARCH, Mode::empty())?)
}

/// Opens a directory by its name in another.
pub(crate) fn open_child_directory(parent: impl AsFd, name: &[u8], follow: bool) -> io::Result<OwnedFd> {
    let flags = if follow { DIRECTORY } else { DIRECTORY | OFlags::NOFOLLOW };
    Ok(fs::openat(parent, OsStr::from_bytes(name), flags, Mode::empty())?)
}

/// Opens a directory by a relative path, to read it; an empty path is the root itself.
pub(crate) fn open_directory(root: impl AsFd, path: &[u8], follow: bool) -> io::Result<OwnedFd> {
    open_below(root, path, DIRECTORY, follow)
}

/// Opens a directory by a relative path, to open what is in it; an empty path is the root itself.
pub(super) fn open_for_search(root: impl AsFd, path: &[u8], follow: bool) -> io::Result<OwnedFd> {
    open_below(root, path, SEARCH, follow)
}

/// Opens a file by a relative path, for reading.
pub(crate) fn open_file(root: impl AsFd, path: &[u8], follow: bool) -> io::Result<OwnedFd> {
    open_below(root, path, FILE, follow)
}

/// Opens a file by its name in a directory, for reading.
pub(crate) fn open_child_file(parent: impl AsFd, name: &[u8], follow: bool) -> io::Result<OwnedFd> {
    let flags = if follow { FILE } else { FILE | OFlags::NOFOLLOW };
    Ok(fs::openat(parent, OsStr::from_bytes(name), flags, Mode::empty())?)
}

fn open_below(root: impl AsFd, path: &[u8], flags: OFlags, follow: bool) -> io::Result<OwnedFd> {
    let mut rest = path;
    let mut above: Option<OwnedFd> = None;
    while rest.len() > MAX_PATH_BYTES {
        // As much at once as one call takes: a component a call would make deep trees cost the square of their depth.
        let end = rest[..=MAX_PATH_BYTES].iter().rposition(|byte| *byte == b'/').ok_or(Errno::NAMETOOLONG)?;
        let from = above.as_ref().map_or(root.as_fd(), AsFd::as_fd);
        above = Some(open_part(from, &rest[..end], SEARCH, follow)?);
        rest = &rest[end + 1..];
    }
    open_part(above.as_ref().map_or(root.as_fd(), AsFd::as_fd), rest, flags, follow)
}

/// Opens by a path that one system call takes.
fn open_part(root: BorrowedFd<'_>, path: &[u8], flags: OFlags, follow: bool) -> io::Result<OwnedFd> {
    if path.is_empty() {
        return Ok(fs::openat(root, c".", flags, Mode::empty())?);
    }
    if follow {
        return Ok(fs::openat(root, OsStr::from_bytes(path), flags, Mode::empty())?);
    }
    let flags = flags | OFlags::NOFOLLOW;
    #[cfg(target_os = "linux")]
    match fs::openat2(root, OsStr::from_bytes(path), flags, Mode::empty(), fs::ResolveFlags::NO_SYMLINKS) {
        // A kernel before 5.6, or a sandbox that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => {}
        result => return Ok(result?),
    }
    // One component after the other: nothing on the way is followed.
    let mut parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    let name = parts.next_back().ok_or(Errno::NOENT)?;
    let mut directory = fs::openat(root, c".", SEARCH, Mode::empty())?;
    for part in parts {
        directory = fs::openat(directory, OsStr::from_bytes(part), SEARCH | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(fs::openat(directory, OsStr::from_bytes(name), flags, Mode::empty())?)
}

/// Gives every entry of a directory to a function, but for `.` and `..`; it needs no permission to search the directory.
pub(crate) fn read_directory(directory: &OwnedFd, mut take: impl FnMut(&[u8], fs::FileType)) -> io::Result<()> {
    let mut take = |name: &[u8], file_type| {
        if name != b"." && name != b".." {
            take(name, file_type);
        }
    };
    #[cfg(target_os = "linux")]
    {
        let mut buffer = Vec::with_capacity(DIRECTORY_BUFFER);
        let mut reader = fs::RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = reader.next() {
            let entry = entry?;
            take(entry.file_name().to_bytes(), entry.file_type());
        }
    }
    #[cfg(not(target_os = "linux"))]
    for entry in fs::Dir::new(directory.try_clone()?)? {
        let entry = entry?;
        take(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}

/// Removes `.` and resolves `..` in the text of a path, looking at no file system.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !cleaned.pop() && !path.is_absolute() {
                    cleaned.push("..");
                }
            }
            component => cleaned.push(component),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_symbolic_link_on_the_way_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("real/below")).unwrap();
        std::fs::write(root.path().join("real/below/file"), "x").unwrap();
        std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
        std::os::unix::fs::symlink("file", root.path().join("real/below/name")).unwrap();
        let directory = open_root(root.path()).unwrap();
        for open in [open_directory, open_for_search] {
            let below = open(&directory, b"real/below", false).unwrap();
            let mut text = String::new();
            std::fs::File::from(open_child_file(&below, b"file", false).unwrap()).read_to_string(&mut text).unwrap();
            assert_eq!(text, "x");
            assert!(open_child_file(&below, b"name", false).is_err());
            assert!(open_child_file(&below, b"name", true).is_ok());
            assert!(open(&directory, b"link/below", false).is_err());
            assert!(open(&directory, b"link", false).is_err());
            assert!(open(&directory, b"link/below", true).is_ok());
        }
        assert!(open_file(&directory, b"real/below/file", false).is_ok());
        assert!(open_file(&directory, b"link/below/file", false).is_err());
        assert!(open_file(&directory, b"link/below/name", true).is_ok());
    }

    #[test]
    fn a_path_of_any_length_is_opened_and_no_link_in_it_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let directory = open_root(root.path()).unwrap();
        let name = "n".repeat(200);
        let mut at = directory.try_clone().unwrap();
        for _ in 0..45 {
            fs::mkdirat(&at, &*name, Mode::RWXU).unwrap();
            at = open_child_directory(&at, name.as_bytes(), false).unwrap();
        }
        fs::symlinkat("../x", &at, "link").unwrap();
        let path = |levels: usize, last: &str| [vec![&*name; levels], vec![last]].concat().join("/").into_bytes();
        assert_eq!(inode(&open_directory(&directory, &path(44, &name), false).unwrap()), inode(&at));
        assert!(open_for_search(&directory, &path(44, &name), true).is_ok());
        assert!(open_file(&directory, &path(45, "link"), false).is_err());
        // A link where one call ends and the next begins, wherever that is.
        for level in [0, 19, 20, 21, 40] {
            let above = open_directory(&directory, &vec![&*name; level].join("/").into_bytes(), false).unwrap();
            fs::renameat(&above, &*name, &above, "away").unwrap();
            fs::symlinkat("away", &above, &*name).unwrap();
            assert!(open_directory(&directory, &path(44, &name), false).is_err());
            assert!(open_directory(&directory, &path(44, &name), true).is_ok());
            fs::unlinkat(&above, &*name, fs::AtFlags::empty()).unwrap();
            fs::renameat(&above, "away", &above, &*name).unwrap();
        }
    }

    fn inode(directory: &OwnedFd) -> u64 {
        fs::fstat(directory).unwrap().st_ino
    }

    #[test]
    fn cleaning_looks_at_the_text_alone() {
        for (path, cleaned) in [("/a/./b/../c", "/a/c"), ("/..", "/"), ("/a/nodir/../x/", "/a/x")] {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned));
        }
    }
}
