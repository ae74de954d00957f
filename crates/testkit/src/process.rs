//! Programs that are run with a deadline, and programs that end with their guard.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait_until;

/// How long a program may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// What a finished program left.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    /// The output itself when the program succeeded.
    ///
    /// # Errors
    /// With the command and all that it said, when it did not.
    pub fn checked(self) -> Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        bail!("{self}")
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ended with {}", self.command, self.status)?;
        for text in [self.stdout.trim(), self.stderr.trim()] {
            if !text.is_empty() {
                write!(f, "\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Runs a program to its end, without standard input.
///
/// # Errors
/// When it cannot be started or outlives the deadline, in which case it is killed. A program that
/// fails is no error here: see [`Output::checked`].
pub fn run(command: &mut Command, deadline: Duration) -> Result<Output> {
    let mut guard = ChildGuard::spawn(command)?;
    let status = guard.wait(deadline)?;
    let (stdout, stderr) = guard.output();
    Ok(Output { command: guard.name.clone(), status, stdout, stderr })
}

/// A running program that does not outlive this value.
#[derive(Debug)]
pub struct ChildGuard {
    name: String,
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl ChildGuard {
    /// Starts a program without standard input; what it prints is collected, unless the command
    /// sends it elsewhere.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        Self::spawn_with(command, Stdio::piped(), Stdio::piped())
    }

    /// As [`ChildGuard::spawn`], with the program's output sent to the given places.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn_with(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Result<Self> {
        let name = display(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("could not start `{name}`"))?;
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        Ok(Self { name, child, stdout, stderr })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("could not wait for `{}`", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the deadline passes; the program is then killed.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of `{}`", self.name);
        let ended = wait_until(&what, deadline, || self.ended());
        if ended.is_err() {
            self.kill();
        }
        ended
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the program has ended already or refuses it.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("could not signal `{}`", self.name))
    }

    /// Asks it to end by SIGTERM and waits; what is still there after that is killed.
    pub fn stop(&mut self) {
        if matches!(self.ended(), Ok(None)) && self.signal(Signal::TERM).is_ok() {
            let _ = wait_until("its end", GRACE, || self.ended());
        }
        self.kill();
    }

    /// Kills it at once; harmless when it has ended.
    pub fn kill(&mut self) {
        // It may have ended by itself: then there is nothing to kill, only to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Standard output and standard error up to the program's end; call it after `wait` or `kill`.
    pub fn output(&mut self) -> (String, String) {
        let text = |reader: &mut Option<JoinHandle<String>>| {
            reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
        };
        (text(&mut self.stdout), text(&mut self.stderr))
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads all that a pipe brings, so that the writer never blocks on it.
fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends the text; what came before is still worth having.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The command as one would type it.
fn display(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collects_output_and_status() {
        let output = run(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            Duration::from_secs(5),
        )
        .unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, "out\n");
        assert_eq!(output.stderr, "err\n");
        let error = output.checked().unwrap_err().to_string();
        assert!(error.contains("out") && error.contains("err"), "{error}");
    }

    #[test]
    fn kills_what_outlives_its_deadline() {
        let error = run(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("sleep 60"), "{error}");
    }

    #[test]
    fn guard_ends_its_program() {
        let guard = ChildGuard::spawn(Command::new("sleep").arg("60")).unwrap();
        let proc = format!("/proc/{}", guard.id());
        assert!(std::path::Path::new(&proc).exists());
        drop(guard);
        assert!(!std::path::Path::new(&proc).exists());
    }
}
