//! Why the daemon ended, as text and exit code.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use bus::Exit;
use kernel::datapath::DatapathError;
use supervisor::with_causes;

use crate::error::ShaperError;
use crate::lock::LockError;

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

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Shaper(ShaperError::Config(_) | ShaperError::Plan(_)) => Self::Invalid,
            Failure::Shaper(ShaperError::Handover(_) | ShaperError::Stop(_)) => Self::Invalid,
            Failure::Rights(_) => Self::NotPermitted,
            Failure::Lock(LockError::Held { .. })
            | Failure::Shaper(ShaperError::Datapath(DatapathError::Held(_))) => Self::OtherDaemon,
            Failure::Shaper(_) => Self::Machine,
            Failure::Death(_) => Self::Death,
            Failure::Lock(_) | Failure::Listen { .. } | Failure::System(..) => Self::Failed,
        }
    }
}

impl Failure {
    /// Prints the error with its causes and gives the code to exit with.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", with_causes(self));
        Exit::from(self).into()
    }
}
