//! The daemon under test, in the box's namespace.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{ChildGuard, Lab, Place, wait_until};

/// Which daemon to start and how to know that it is ready.
#[derive(Clone, Debug)]
pub struct DaemonSpec {
    /// The program.
    pub binary: PathBuf,
    /// Its tidegate.toml.
    pub config: PathBuf,
    /// Its socket, as the configuration says; ready means that it accepts a connection.
    pub socket: PathBuf,
    /// More arguments.
    pub args: Vec<String>,
    /// More variables of its environment.
    pub environment: Vec<(String, String)>,
    /// How long it may take to start, and to stop.
    pub deadline: Duration,
}

impl DaemonSpec {
    /// A daemon that may take 30 s to start or to stop.
    pub fn new(
        binary: impl Into<PathBuf>,
        config: impl Into<PathBuf>,
        socket: impl Into<PathBuf>,
    ) -> Self {
        Self {
            binary: binary.into(),
            config: config.into(),
            socket: socket.into(),
            args: Vec::new(),
            environment: Vec::new(),
            deadline: Duration::from_secs(30),
        }
    }
}

/// A running daemon. Dropping it stops it with SIGTERM, and kills it if that does not help.
#[derive(Debug)]
pub struct Daemon {
    child: Option<ChildGuard>,
    spec: DaemonSpec,
    log: PathBuf,
}

impl Daemon {
    /// Starts the daemon and waits until its socket answers.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time; the error has its log.
    pub fn start(lab: &Lab, spec: DaemonSpec) -> Result<Self> {
        let log = lab.folder().join("tidegated.log");
        // Appending keeps the log of a daemon that was killed in the same lab.
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("could not open {}", log.display()))?;
        let errors = file.try_clone().context("could not share the log")?;
        let mut command = lab.namespace(Place::Box).command(&spec.binary);
        command.arg("--config").arg(&spec.config).args(&spec.args);
        command.envs(spec.environment.iter().map(|(name, value)| (name, value)));
        let child = ChildGuard::spawn_with(&mut command, file.into(), errors.into())?;
        let mut daemon = Self { child: Some(child), spec, log };
        daemon.wait_ready()?;
        Ok(daemon)
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(ChildGuard::id)
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where its log is.
    pub fn log_path(&self) -> &std::path::Path {
        &self.log
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child()?.ended()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.child()?.signal(signal)
    }

    /// Stops it by SIGTERM and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time; it is killed then.
    pub fn stop(self) -> Result<ExitStatus> {
        self.stop_by(Signal::TERM)
    }

    /// Stops it by a signal and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time; it is killed then.
    pub fn stop_by(mut self, signal: Signal) -> Result<ExitStatus> {
        let deadline = self.spec.deadline;
        let child = self.child()?;
        child.signal(signal)?;
        let ended = child.wait(deadline);
        self.child = None;
        ended.with_context(|| format!("its log:\n{}", self.log()))
    }

    /// Kills it without warning.
    pub fn kill(mut self) {
        self.child = None;
    }

    /// Lets it live on after this process.
    pub fn leave_running(mut self) {
        if let Some(child) = self.child.take() {
            std::mem::forget(child);
        }
    }

    fn child(&mut self) -> Result<&mut ChildGuard> {
        self.child.as_mut().context("the daemon has been stopped")
    }

    fn wait_ready(&mut self) -> Result<()> {
        let Self { child: Some(child), spec, log } = self else {
            bail!("the daemon has been stopped")
        };
        wait_until("the daemon's socket to answer", spec.deadline, || {
            if let Some(status) = child.ended()? {
                bail!("the daemon ended with {status}");
            }
            Ok(UnixStream::connect(&spec.socket).ok())
        })
        .map(drop)
        .with_context(|| format!("its log:\n{}", fs::read_to_string(log).unwrap_or_default()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.stop();
        }
    }
}
