//! What went wrong, and what was left.

use std::fmt;

use kernel::tables::TablesFailed;
use kernel::tc;
use thiserror::Error;
use units::TcHandle;

use crate::compare::Mismatch;

/// How many mismatches a message shows.
const SHOWN_MAX: usize = 5;

/// A plan was not applied.
#[derive(Debug, Error)]
#[error("could not apply the plan; {left}")]
pub struct ApplyError {
    /// Why.
    #[source]
    pub failure: Failure,
    /// What the kernel was left with.
    pub left: Left,
}

/// Why a plan could not be carried out.
#[derive(Debug, Error)]
pub enum Failure {
    /// Somebody else's qdisc is at the root of a NIC.
    #[error(
        "{nic} has the root qdisc {kind} {handle}, which is not Tidegate's; \
         remove it with `tc qdisc del dev {nic} root` if nothing needs it"
    )]
    ForeignRoot {
        /// Name of the NIC.
        nic: String,
        /// Name of the qdisc.
        kind: String,
        /// Its handle.
        handle: TcHandle,
    },
    /// An operation on a NIC's queues failed.
    #[error("{nic}: an operation on the queues{} failed", .subject.as_ref().map(|s| format!(" for {s}")).unwrap_or_default())]
    Queues {
        /// Name of the NIC.
        nic: String,
        /// For whom the operation was: a circuit, a node ...
        subject: Option<String>,
        /// The operation and the kernel's reason.
        source: tc::Failed,
    },
    /// The kernel's queues could not be read.
    #[error("could not read the queues that the kernel has")]
    Unread(#[source] tc::Failed),
    /// A table could not be read or written.
    #[error("could not update the tables of circuits and addresses")]
    Tables(#[source] TablesFailed),
    /// What was read back is not what was planned.
    #[error("the kernel has not what was planned: {}", list(.0))]
    Unverified(Vec<Mismatch>),
}

/// What a failed apply left in the kernel.
#[derive(Debug)]
pub enum Left {
    /// What was there before; no operation was tried.
    Untouched,
    /// The previous plan, verified.
    Previous,
    /// Nothing of ours: the NICs have the kernel's default queues and traffic passes unshaped.
    Nothing,
    /// It is not known: going back failed as well.
    Unknown(Box<TeardownError>),
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untouched => f.write_str("nothing was changed"),
            Self::Previous => f.write_str("the previous plan is in force again"),
            Self::Nothing => f.write_str("its queues were removed and traffic passes unshaped"),
            Self::Unknown(error) => write!(f, "and {error}: {}", error.0),
        }
    }
}

/// Not everything of ours could be removed.
#[derive(Debug, Error)]
#[error("not all of Tidegate's queues could be removed")]
pub struct TeardownError(#[source] pub Failure);

fn list(mismatches: &[Mismatch]) -> String {
    let mut text: Vec<_> = mismatches.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    if mismatches.len() > SHOWN_MAX {
        text.push(format!("and {} more", mismatches.len() - SHOWN_MAX));
    }
    text.join("; ")
}
