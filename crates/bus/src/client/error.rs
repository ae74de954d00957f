//! What can go wrong between a client and the daemon.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::frame::FrameError;
use crate::reply::Refusal;

/// What can go wrong between a client and the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket: it does not exist, or was left behind.
    #[error("the daemon is not running: nobody listens on {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The socket's permissions keep this user out.
    #[error("no permission to open {}", path.display())]
    PermissionDenied {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The socket could not be opened for another reason.
    #[error("could not connect to {}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The daemon did not answer in time.
    #[error("the daemon did not answer within {} ms", waited.as_millis())]
    Timeout {
        /// How long it was given.
        waited: Duration,
    },
    /// The daemon closed the connection.
    #[error("the daemon closed the connection")]
    Closed,
    /// The request or the reply is not a proper message, or the socket failed.
    #[error("could not exchange messages with the daemon")]
    Frame(#[source] FrameError),
    /// The daemon said no.
    #[error("the daemon refused: {}", .0.code)]
    Refused(#[source] Refusal),
    /// The daemon answered a question that was not asked.
    #[error("the daemon's answer does not belong to {asked}")]
    Unexpected {
        /// What was asked.
        asked: &'static str,
    },
}

impl ClientError {
    /// Sorts what `connect` says.
    pub(super) fn connect(path: &Path, waited: Duration, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Self::NotRunning { path, source }
            }
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path, source },
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout { waited },
            _ => Self::Connect { path, source },
        }
    }

    /// Sorts what reading or writing says.
    pub(super) fn exchange(waited: Duration, error: FrameError) -> Self {
        let FrameError::Io(source) = &error else { return Self::Frame(error) };
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout { waited },
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Frame(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_about_connecting_is_sorted() {
        let sorted = |kind: io::ErrorKind| {
            ClientError::connect(Path::new("/bus.sock"), Duration::from_secs(1), kind.into())
        };
        use io::ErrorKind as Kind;
        assert!(matches!(sorted(Kind::NotFound), ClientError::NotRunning { .. }));
        assert!(matches!(sorted(Kind::ConnectionRefused), ClientError::NotRunning { .. }));
        assert!(matches!(sorted(Kind::PermissionDenied), ClientError::PermissionDenied { .. }));
        assert!(matches!(sorted(Kind::WouldBlock), ClientError::Timeout { .. }));
        assert!(matches!(sorted(Kind::InvalidInput), ClientError::Connect { .. }));
    }
}
