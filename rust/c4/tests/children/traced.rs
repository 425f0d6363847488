//! A child whose system calls strace watches, and makes fail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Calls that look at files or change them; the others leave the directory as it was.
const CALLS: &str = "%file,%desc";

/// Those of them that neither do nor say anything of a directory.
const HARMLESS: [&str; 9] = ["mmap", "execve", "poll", "ppoll", "epoll_wait", "epoll_ctl", "close", "fcntl", "lseek"];

/// Tells the parent, if it can be told.
pub fn say(line: &str) {
    let mut output = std::io::stdout();
    let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
}

/// A child waits here until strace is there.
pub fn await_strace() {
    say("ready");
    let _ = std::io::stdin().read(&mut [0]);
}

/// A child under strace, which has not begun its work.
pub struct Traced {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    strace: Child,
    log: PathBuf,
}

/// What became of a child.
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
    pub log: String,
}

impl Ended {
    /// Whether the fault did happen.
    pub fn is_injected(&self) -> bool {
        self.log.contains("(INJECTED)") || self.log.contains("SIGSTOP") || self.status.code().is_none()
    }

    /// How often a thread of the child made each call, at most.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for line in self.log.lines() {
            let (thread, rest) = line.split_once(' ').unwrap();
            if let Some((call, _)) = rest.trim_start().split_once('(')
                && !HARMLESS.contains(&call)
                && call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                *counts.entry((thread, call)).or_default() += 1;
            }
        }
        let mut most = BTreeMap::new();
        for ((_, call), count) in counts {
            let known = most.entry(call.to_owned()).or_default();
            *known = count.max(*known);
        }
        most
    }
}

impl Traced {
    /// Starts a child that will [`await_strace`].
    pub fn start(mut command: Command, log: &Path, inject: Option<&str>) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended");
        }
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &child.id().to_string(), "-e", &format!("trace={CALLS}"), "-e", "signal=all", "-o"]);
        command.arg(log).args(inject.map(|inject| format!("--inject={inject}")));
        let mut strace = command.stderr(Stdio::piped()).spawn().expect("strace must be installed: it makes the faults");
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("attached") {
            assert_ne!(said.read_line(&mut told).unwrap(), 0, "processes must be traceable: {told}");
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, output, strace, log: log.to_owned() }
    }

    /// Lets the child go.
    pub fn begin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until the child is stopped once more than so often; whether it is, and has not come to its end before.
    pub fn is_stopped(&mut self, before: usize) -> bool {
        loop {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            // Each thread is.
            let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).map_or(1, Iterator::count);
            if log.matches("--- stopped by SIGSTOP ---").count() >= (before + 1) * threads {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Lets a child go that is stopped.
    pub fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        let mut output = String::new();
        self.output.read_to_string(&mut output).unwrap();
        let status = self.child.wait().unwrap();
        self.strace.wait().unwrap();
        let log = fs::read_to_string(&self.log).unwrap();
        Ended { status, output, log }
    }
}

/// Makes each fault of a list, in a few processes at once; how many did happen. All are made, whatever fails.
///
/// For each, `prepare` makes what lies in a directory of its own, `run` makes the fault there, and `check` looks at what
/// became of it, and panics where it is wrong.
pub fn sweep<F: Sync, P>(
    faults: &[F],
    prepare: impl Fn(&F, &Path) -> P + Sync,
    run: impl Fn(&F, &Path) -> Ended + Sync,
    check: impl Fn(&F, &Path, &P, &Ended) + Sync,
) -> usize {
    let (next, happened, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let directory = super::scratch();
                    let prepared = prepare(fault, directory.path());
                    let ended = run(fault, directory.path());
                    let checks = || check(fault, directory.path(), &prepared, &ended);
                    let is_right = catch_unwind(AssertUnwindSafe(checks)).is_ok();
                    wrong.fetch_add((!is_right).into(), Ordering::Relaxed);
                    happened.fetch_add(ended.is_injected().into(), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 0, "faults that were not survived as they must be");
    happened.into_inner()
}
