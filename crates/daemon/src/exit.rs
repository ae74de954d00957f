//! Why the daemon ended, as text and exit code.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use supervisor::with_causes;

use crate::error::ShaperError;
use crate::lock::LockError;

/// The exit codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
  0  stopped as asked, or the check found nothing wrong
  1  failed for another reason
  2  wrong command line
  3  the configuration is invalid, or cannot be planned on this machine
  4  a right is missing
  5  the machine lacks something: a network interface, a kernel feature
  6  another daemon is running
  7  a thread that nothing works without has died";

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The shaper could not be put up.
    #[error(transparent)]
    Shaper(#[from] ShaperError),
    /// The process may not do what it has to.
    #[error("missing {}; run tidegated as root, or as a service with these capabilities", .0.join(", "))]
    Rights(Vec<&'static str>),
    /// Another daemon runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The socket could not be made.
    #[error("could not listen on {path}")]
    Listen {
        /// The socket.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The system did not give what every program needs.
    #[error("could not {0}")]
    System(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// An essential thread ended.
    #[error(transparent)]
    Death(#[from] supervisor::Death),
}

impl Failure {
    const fn code(&self) -> u8 {
        match self {
            Self::Shaper(ShaperError::Config(_) | ShaperError::Plan(_)) => 3,
            Self::Shaper(ShaperError::Handover(_) | ShaperError::Stop(_)) => 3,
            Self::Rights(_) => 4,
            Self::Shaper(_) => 5,
            Self::Lock(LockError::Held { .. }) => 6,
            Self::Death(_) => 7,
            Self::Lock(_) | Self::Listen { .. } | Self::System(..) => 1,
        }
    }

    /// Prints the error with its causes and gives the code to exit with.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", with_causes(self));
        ExitCode::from(self.code())
    }
}
