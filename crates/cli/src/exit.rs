//! Exit codes: the one place that maps what went wrong to one of them.

use std::io;

use bus::{ClientError, ErrorCode, Exit};
use machine::nic::NicError;

use crate::failure::Failure;

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Bus(error) => of_bus(error),
            Failure::Config(_)
            | Failure::Plan(_)
            | Failure::Import(_)
            | Failure::Unacceptable { .. } => Self::Invalid,
            Failure::Usage(_)
            | Failure::NothingToChange
            | Failure::BoxOnly
            | Failure::StdinTwice
            | Failure::NoJson => Self::Usage,
            Failure::NotTakenOver { .. } => Self::Refused,
            Failure::NoCircuit { .. } | Failure::NotInForce { .. } => Self::NotFound,
            Failure::Nic(NicError::Missing { .. }) => Self::Machine,
            // whoever read our output has seen enough
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::Done,
            Failure::Read { source, .. } | Failure::Write { source, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
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
}

fn of_bus(error: &ClientError) -> Exit {
    match error {
        ClientError::NotRunning { .. } => Exit::NotRunning,
        ClientError::PermissionDenied { .. } => Exit::NotPermitted,
        ClientError::Timeout { .. } | ClientError::Closed => Exit::Refused,
        ClientError::Connect { .. } | ClientError::Frame(_) | ClientError::Unexpected { .. } => {
            Exit::Failed
        }
        ClientError::Refused(refusal) => match refusal.code {
            ErrorCode::Denied => Exit::NotPermitted,
            ErrorCode::NotFound => Exit::NotFound,
            ErrorCode::Invalid => Exit::Invalid,
            ErrorCode::Internal => Exit::Failed,
            ErrorCode::Outdated => Exit::Outdated,
            ErrorCode::UnknownRequest
            | ErrorCode::Malformed
            | ErrorCode::TooLarge
            | ErrorCode::Busy
            | ErrorCode::Version => Exit::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bus::Refusal;

    use super::*;

    #[test]
    fn every_refusal_has_its_code() {
        let refused = |code| Exit::from(&ClientError::Refused(Refusal::new(code, "no")).into());
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
        assert_eq!(Exit::from(&kept_out.into()), Exit::NotPermitted);
        let silent = ClientError::Timeout { waited: Duration::from_secs(1) };
        assert_eq!(Exit::from(&silent.into()), Exit::Refused);
        let head = Failure::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(Exit::from(&head), Exit::Done);
    }
}
