//! Taking labs away: at their end, on Ctrl-C, and after a process that was killed.
//!
//! A lab's name says whose it is (`tg-<pid>-<n>`), so nothing has to be remembered: what carries
//! the name of this process is ours, and what carries the name of a dead one is nobody's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::Duration;

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::namespace::FOLDER;
use crate::process;

/// Every lab's name begins so.
const PREFIX: &str = "tg-";
/// A lab's folder holds this file when it is to outlive its process.
pub(crate) const KEPT: &str = "kept";
/// Shells add this to a signal's number for the exit code.
const SIGNAL_EXIT: i32 = 128;

/// What is still there of a lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Its network namespaces.
    pub namespaces: Vec<String>,
    /// What is mounted in its folder.
    pub mounts: Vec<PathBuf>,
    /// Its folder.
    pub folders: Vec<PathBuf>,
}

impl Leftovers {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is still there of the labs whose name begins with `prefix`: namespaces, mounts, folders.
pub fn leftovers_of(prefix: &str) -> Leftovers {
    let mine = |name: &str| name == prefix || name.starts_with(&format!("{prefix}-"));
    Leftovers {
        namespaces: names_in(Path::new(FOLDER)).into_iter().filter(|name| mine(name)).collect(),
        mounts: mounts()
            .into_iter()
            .filter(|path| lab_of(path).is_some_and(|l| mine(&l)))
            .collect(),
        folders: names_in(&std::env::temp_dir())
            .into_iter()
            .filter(|name| mine(name))
            .map(|name| std::env::temp_dir().join(name))
            .collect(),
    }
}

/// The name of the labs of this process: `tg-<pid>`.
pub(crate) fn own_prefix() -> String {
    format!("{PREFIX}{}", std::process::id())
}

/// Takes everything away that carries the prefix: processes inside, namespaces, mounts, folders.
pub(crate) fn remove(prefix: &str) {
    let left = leftovers_of(prefix);
    for name in &left.namespaces {
        for pid in processes_inside(name) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    for name in &left.namespaces {
        complain(name, process::run(Command::new("ip").args(["netns", "delete", name]), DELETE));
    }
    for path in &left.mounts {
        complain(&path.display().to_string(), unmount(path, UnmountFlags::DETACH));
    }
    for path in &left.folders {
        complain(&path.display().to_string(), fs::remove_dir_all(path));
    }
}

/// How long the removal of a namespace may take.
const DELETE: Duration = Duration::from_secs(20);

/// Removes the labs of processes that are no more, except those that were to be kept.
pub(crate) fn sweep() {
    let left = leftovers_of_anyone();
    for lab in left {
        let kept = std::env::temp_dir().join(&lab).join(KEPT).exists();
        if !kept && owner(&lab).is_some_and(|pid| test_kill_process(pid).is_err()) {
            remove(&lab);
        }
    }
}

/// From now on Ctrl-C, SIGTERM and SIGHUP take this process's labs away and then end it.
pub(crate) fn watch_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
            eprintln!("signals cannot be watched: after Ctrl-C the next lab sweeps this one");
            return;
        };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                eprintln!("interrupted; removing the lab");
                remove(&own_prefix());
                std::process::exit(SIGNAL_EXIT + signal);
            }
        });
    });
}

/// Names of all labs that left something, whoever's they are.
fn leftovers_of_anyone() -> Vec<String> {
    let mut names = names_in(Path::new(FOLDER));
    names.extend(names_in(&std::env::temp_dir()));
    let mut labs: Vec<String> = names.iter().filter_map(|name| lab_name(name)).collect();
    labs.sort();
    labs.dedup();
    labs
}

/// `tg-<pid>-<n>` of anything that belongs to a lab.
fn lab_name(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let pid: u32 = parts.next()?.parse().ok()?;
    let n: u32 = parts.next()?.parse().ok()?;
    Some(format!("{PREFIX}{pid}-{n}"))
}

/// The process that made a lab.
fn owner(lab: &str) -> Option<Pid> {
    Pid::from_raw(lab.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()?)
}

/// The lab in whose folder the path lies.
fn lab_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(std::env::temp_dir()).ok()?;
    lab_name(inside.components().next()?.as_os_str().to_str()?)
}

fn mounts() -> Vec<PathBuf> {
    fs::read_to_string("/proc/self/mounts")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split(' ').nth(1).map(PathBuf::from))
        .collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn processes_inside(namespace: &str) -> Vec<Pid> {
    process::run(Command::new("ip").args(["netns", "pids", namespace]), DELETE)
        .map(|output| {
            output.stdout.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
        })
        .unwrap_or_default()
}

/// A lab that cannot be removed whole is worth a line, not a second panic.
fn complain<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    if let Err(error) = result {
        eprintln!("could not remove {what}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_the_lab_is() {
        assert_eq!(lab_name("tg-12-3-customers").as_deref(), Some("tg-12-3"));
        assert_eq!(lab_name("tg-12-3").as_deref(), Some("tg-12-3"));
        assert_eq!(lab_name("tg-demo-3"), None);
        assert_eq!(lab_name("other-12-3"), None);
        assert_eq!(owner("tg-12-3"), Pid::from_raw(12));
    }
}
