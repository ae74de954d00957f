//! Exit codes: the one place that maps what went wrong to a number.

use std::io;
use std::process::ExitCode;

use bus::{ClientError, ErrorCode};
use machine::nic::NicError;

use crate::failure::Failure;

/// The text of the codes for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  the daemon is not running
  4  not permitted
  5  the configuration is invalid, or the machine cannot carry it
  6  not found
  7  the daemon refused, is busy, went away, or did not answer in time
  8  the files are others than those that the change was made from
  9  done in part; what was refused is told
  10 the doctor found something worse than a note";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed in a way that has no code of its own.
    Failed = 1,
    /// Wrong usage; clap has the same.
    Usage = 2,
    /// Nobody listens on the daemon's socket.
    NotRunning = 3,
    /// The socket's permissions or the daemon keep this user out.
    NotPermitted = 4,
    /// The configuration is invalid, or the machine cannot carry it.
    Invalid = 5,
    /// What was asked about does not exist.
    NotFound = 6,
    /// The daemon refused, is busy, went away, or did not answer in time.
    Refused = 7,
    /// The files are others than those that the change was made from.
    Outdated = 8,
    /// Done in part.
    Partly = 9,
    /// The doctor found something worse than a note.
    Found = 10,
}

impl Exit {
    /// The code for what went wrong.
    pub(crate) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Bus(error) => Self::of_bus(error),
            Failure::Config(_)
            | Failure::Plan(_)
            | Failure::Import(_)
            | Failure::Unacceptable { .. } => Self::Invalid,
            Failure::BoxOnly | Failure::StdinTwice | Failure::NoJson => Self::Usage,
            Failure::NotTakenOver { .. } => Self::Refused,
            Failure::NoCircuit { .. } | Failure::NotInForce { .. } => Self::NotFound,
            Failure::Nic(NicError::Missing { .. }) => Self::NotFound,
            // whoever read our output has seen enough
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::Done,
            Failure::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Self::NotFound
            }
            Failure::Read { source, .. } | Failure::Write { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Self::NotPermitted
            }
            Failure::Tuned(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
                Self::NotPermitted
            }
            Failure::Output(_)
            | Failure::Nic(_)
            | Failure::Tuned(_)
            | Failure::Read { .. }
            | Failure::Write { .. }
            | Failure::Exists { .. }
            | Failure::Folder { .. }
            | Failure::Terminal
            | Failure::Facts { .. }
            | Failure::PlanInForce(_)
            | Failure::Json(_)
            | Failure::Viewer(_)
            | Failure::Signals(_) => Self::Failed,
        }
    }

    fn of_bus(error: &ClientError) -> Self {
        match error {
            ClientError::NotRunning { .. } => Self::NotRunning,
            ClientError::PermissionDenied { .. } => Self::NotPermitted,
            ClientError::Timeout { .. } | ClientError::Closed => Self::Refused,
            ClientError::Connect { .. }
            | ClientError::Frame(_)
            | ClientError::Unexpected { .. } => Self::Failed,
            ClientError::Refused(refusal) => match refusal.code {
                ErrorCode::Denied => Self::NotPermitted,
                ErrorCode::NotFound => Self::NotFound,
                ErrorCode::Invalid => Self::Invalid,
                ErrorCode::Internal => Self::Failed,
                ErrorCode::Outdated => Self::Outdated,
                ErrorCode::UnknownRequest
                | ErrorCode::Malformed
                | ErrorCode::TooLarge
                | ErrorCode::Busy
                | ErrorCode::Version => Self::Refused,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus::Refusal;

    use super::*;

    #[test]
    fn every_refusal_has_its_code() {
        let refused = |code| Exit::of(&ClientError::Refused(Refusal::new(code, "no")).into());
        assert_eq!(refused(ErrorCode::Denied), Exit::NotPermitted);
        assert_eq!(refused(ErrorCode::NotFound), Exit::NotFound);
        assert_eq!(refused(ErrorCode::Invalid), Exit::Invalid);
        assert_eq!(refused(ErrorCode::Busy), Exit::Refused);
        assert_eq!(refused(ErrorCode::Internal), Exit::Failed);
    }

    #[test]
    fn what_never_reached_the_daemon_has_its_code() {
        let (path, source) = ("/s".into(), io::ErrorKind::PermissionDenied.into());
        let kept_out = ClientError::PermissionDenied { path, source };
        assert_eq!(Exit::of(&kept_out.into()), Exit::NotPermitted);
        let silent = ClientError::Timeout { waited: Duration::from_secs(1) };
        assert_eq!(Exit::of(&silent.into()), Exit::Refused);
        let head = Failure::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(Exit::of(&head), Exit::Done);
    }

    #[test]
    fn the_help_lists_every_code() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::NotRunning,
            Exit::NotPermitted,
            Exit::Invalid,
            Exit::NotFound,
            Exit::Refused,
            Exit::Outdated,
            Exit::Partly,
            Exit::Found,
        ] {
            let line = format!("\n  {:<2} ", exit as u8);
            assert!(HELP.contains(&line), "{exit:?}");
        }
    }
}
