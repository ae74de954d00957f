//! A thread of another process that hangs.

use std::fs;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often it is looked whether the thread has died meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// One thread of a process that is held still (`ptrace`), as if it waited for what never comes.
/// The others run on. Dropping this lets it go on.
#[derive(Debug)]
pub struct Hang {
    /// Dropped to let the thread go.
    release: Option<Sender<()>>,
    holder: Option<JoinHandle<()>>,
}

impl Hang {
    /// Holds the thread of this name.
    ///
    /// # Errors
    /// When the process has no such thread, or may not be traced.
    pub fn of(process: u32, name: &str) -> Result<Self> {
        let thread = thread_of(process, name)?;
        let (release, released) = mpsc::channel();
        let (say, said) = mpsc::channel();
        // only the thread that holds another may let it go
        let holder = thread::spawn(move || {
            let held = hold(thread);
            let is_held = held.is_ok();
            if say.send(held).is_ok() && is_held {
                keep(thread, &released);
            }
        });
        said.recv()
            .context("the holder died")?
            .with_context(|| format!("could not hold {name}"))?;
        Ok(Self { release: Some(release), holder: Some(holder) })
    }
}

impl Drop for Hang {
    fn drop(&mut self) {
        drop(self.release.take());
        if let Some(holder) = self.holder.take() {
            // it has no way to panic, and nothing to say
            let _ = holder.join();
        }
    }
}

fn thread_of(process: u32, name: &str) -> Result<Pid> {
    let folder = format!("/proc/{process}/task");
    for entry in fs::read_dir(&folder).with_context(|| format!("could not read {folder}"))? {
        let entry = entry.with_context(|| format!("could not read {folder}"))?;
        // a thread may end between the two looks
        let Ok(found) = fs::read_to_string(entry.path().join("comm")) else { continue };
        if found.trim_end() == name {
            let id = entry.file_name().to_string_lossy().parse();
            return Ok(Pid::from_raw(id.context("a thread without a number")?));
        }
    }
    anyhow::bail!("process {process} has no thread {name}")
}

fn hold(thread: Pid) -> nix::Result<()> {
    ptrace::seize(thread, Options::empty())?;
    ptrace::interrupt(thread)?;
    waitpid(thread, Some(WaitPidFlag::__WALL)).map(drop)
}

/// Waits until the thread is to be let go. One that dies while it is held has to be collected, as its process would
/// not end otherwise.
fn keep(thread: Pid, released: &Receiver<()>) {
    while released.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
        match waitpid(thread, Some(flags)) {
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(_) => return,
            Ok(_) => {}
        }
    }
    // fails when it has died
    let _ = ptrace::detach(thread, None);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{ChildGuard, wait_until};

    #[test]
    fn what_is_held_stands_still_and_goes_on_afterwards() {
        let mut child = ChildGuard::spawn(Command::new("sleep").arg("0.2")).unwrap();
        let long = Duration::from_secs(10);
        wait_until("the program", long, || Ok(thread_of(child.id(), "sleep").ok())).unwrap();
        let hang = Hang::of(child.id(), "sleep").unwrap();
        assert!(Hang::of(child.id(), "other").is_err());
        thread::sleep(Duration::from_millis(400));
        assert_eq!(child.ended().unwrap(), None);
        drop(hang);
        assert!(child.wait(long).unwrap().success());
        let mut child = ChildGuard::spawn(Command::new("sleep").arg("60")).unwrap();
        wait_until("the program", long, || Ok(thread_of(child.id(), "sleep").ok())).unwrap();
        let _hang = Hang::of(child.id(), "sleep").unwrap();
        child.kill();
    }
}
