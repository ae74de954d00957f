//! One network namespace, by name.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process;

/// Where iproute2 keeps named namespaces.
pub(crate) const FOLDER: &str = "/run/netns";

/// How long an `ip` command may take.
const IP_DEADLINE: Duration = Duration::from_secs(20);

/// A named network namespace. Its owner removes it; this is only the handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes the namespace.
    ///
    /// # Errors
    /// When it exists already or may not be made.
    pub(crate) fn create(name: String) -> Result<Self> {
        process::run(Command::new("ip").args(["netns", "add", &name]), IP_DEADLINE)?.checked()?;
        Ok(Self { name })
    }

    /// Its name, as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs inside. The process that it starts is the program itself, so that its
    /// id can be signalled.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs `ip` inside, one command a line.
    ///
    /// # Errors
    /// When one of them fails.
    pub(crate) fn ip_batch(&self, folder: &Path, lines: &[String]) -> Result<()> {
        let path = folder.join(format!("{}.ip", self.name));
        fs::write(&path, lines.join("\n") + "\n")
            .with_context(|| format!("could not write {}", path.display()))?;
        let mut command = Command::new("ip");
        command.args(["-netns", &self.name, "-batch"]).arg(&path);
        process::run(&mut command, IP_DEADLINE)?
            .checked()
            .with_context(|| format!("the commands were:\n{}", lines.join("\n")))?;
        Ok(())
    }

    /// Runs `work` on a thread of its own inside the namespace: the sockets that it opens stay
    /// there, wherever they are used later.
    ///
    /// # Errors
    /// When the namespace cannot be entered, `work` fails or panics.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    self.enter()?;
                    work()
                })
                .join()
                .map_err(|_| anyhow!("work inside {} panicked", self.name))?
        })
    }

    /// Moves the calling thread inside for good.
    ///
    /// # Errors
    /// When the namespace is gone or may not be entered.
    pub fn enter(&self) -> Result<()> {
        let path = self.path();
        let file =
            File::open(&path).with_context(|| format!("could not open {}", path.display()))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .with_context(|| format!("could not enter {}", self.name))
    }

    fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(&self.name)
    }
}
