//! Making way for another build of the daemon, in the same process: its supervisor sees no end.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::service;

/// How long the program may take to check the configuration. No other change is made meanwhile.
const CHECK_MAX: Duration = Duration::from_secs(60);

/// Lines of a refusal that are shown.
const LINES_SHOWN: usize = 50;

/// The program that takes over, and whether it is to.
#[derive(Debug)]
pub struct Handover {
    /// Where this daemon was started from. What lies there now may be another program.
    program: PathBuf,
    arguments: Vec<OsString>,
    asked: AtomicBool,
}

impl Handover {
    /// Notes how this daemon was started. To be called before its file can have been replaced.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn note() -> io::Result<Self> {
        Ok(Self {
            program: env::current_exe()?,
            arguments: env::args_os().skip(1).collect(),
            asked: AtomicBool::new(false),
        })
    }

    /// Has the program check the configuration, and if it finds nothing wrong, asks for the handover: what
    /// cannot take over must not be begun.
    ///
    /// # Errors
    /// What is wrong.
    pub fn prepare(&self, config: &Path) -> Result<(), String> {
        let program = self.program.display();
        let mut check = Command::new(&self.program);
        check.args(["--check", "--config"]).arg(config);
        service::keep_from(&mut check);
        let (status, text) = ended(&mut check, CHECK_MAX).map_err(|error| {
            format!("could not have {program} check the configuration: {error}")
        })?;
        if !status.success() {
            let lines: Vec<_> = text.lines().take(LINES_SHOWN).collect();
            return Err(format!("{program} --check ended with {status}:\n{}", lines.join("\n")));
        }
        self.asked.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the handover was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Stays all the same: whoever asked for the handover believes that it failed.
    pub fn withdraw(&self) {
        self.asked.store(false, Ordering::Release);
    }

    /// Becomes the program, with the arguments and the environment of this one.
    ///
    /// Comes back only with why it could not.
    pub fn carry_out(&self) -> io::Error {
        Command::new(&self.program).args(&self.arguments).exec()
    }
}

/// How a program ended, and what it said on the standard error. One that takes too long is killed.
fn ended(command: &mut Command, most: Duration) -> io::Result<(ExitStatus, String)> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut errors = child.stderr.take();
    // read beside, or a program with much to say would wait for us
    let said = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = errors.as_mut().map(|errors| errors.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let deadline = Instant::now() + most;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("it took longer than {} s", most.as_secs())));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok((child.wait()?, said.join().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover(program: &str) -> Handover {
        Handover { program: program.into(), arguments: Vec::new(), asked: AtomicBool::new(false) }
    }

    #[test]
    fn what_does_not_end_is_killed_and_what_says_much_is_heard() {
        let mut sleep = Command::new("/bin/sleep");
        let error = ended(sleep.arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("took longer"), "{error}");
        let mut talk = Command::new("/bin/sh");
        talk.args(["-c", "head -c 200000 /dev/zero | tr '\\0' x >&2; exit 3"]);
        let (status, text) = ended(&mut talk, Duration::from_secs(20)).unwrap();
        assert_eq!((status.code(), text.len()), (Some(3), 200_000));
    }

    #[test]
    fn what_cannot_take_over_is_not_begun() {
        let config = Path::new("/nowhere");
        for program in ["/no/such/program", "/bin/false"] {
            let handover = handover(program);
            let error = handover.prepare(config).unwrap_err();
            assert!(error.contains(program), "{error}");
            assert!(!handover.is_asked());
        }
        let handover = handover("/bin/true");
        handover.prepare(config).unwrap();
        assert!(handover.is_asked());
    }
}
