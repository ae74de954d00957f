//! Making way for another build of the daemon, in the same process: its supervisor sees no end.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

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
        let checked = Command::new(&self.program)
            .args(["--check", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("could not start {program}: {error}"))?;
        if !checked.status.success() {
            let text = String::from_utf8_lossy(&checked.stderr);
            let lines: Vec<_> = text.lines().take(LINES_SHOWN).collect();
            return Err(format!(
                "{program} --check ended with {}:\n{}",
                checked.status,
                lines.join("\n")
            ));
        }
        self.asked.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the handover was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Becomes the program, with the arguments of this one.
    ///
    /// Comes back only with why it could not.
    pub fn carry_out(&self) -> io::Error {
        Command::new(&self.program).args(&self.arguments).exec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover(program: &str) -> Handover {
        Handover { program: program.into(), arguments: Vec::new(), asked: AtomicBool::new(false) }
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
