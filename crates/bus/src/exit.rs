//! How programs end: one table of exit codes for the daemon and its clients.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How `tidegate` or `tidegated` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed in a way that has no code of its own.
    Failed = 1,
    /// Wrong usage; clap has the same.
    Usage = 2,
    /// Nobody listens on the daemon's socket.
    NotRunning = 3,
    /// The system, the socket's permissions or the daemon keep this user out.
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
    /// The machine lacks what the daemon needs, or refused it.
    Machine = 11,
    /// Another daemon is running.
    OtherDaemon = 12,
    /// A thread that nothing works without has died.
    Death = 13,
}

impl Exit {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotRunning,
        Self::NotPermitted,
        Self::Invalid,
        Self::NotFound,
        Self::Refused,
        Self::Outdated,
        Self::Partly,
        Self::Found,
        Self::Machine,
        Self::OtherDaemon,
        Self::Death,
    ];

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; a check found nothing wrong, the daemon stopped as asked",
            Self::Failed => "failed for another reason",
            Self::Usage => "wrong usage",
            Self::NotRunning => "the daemon is not running",
            Self::NotPermitted => "not permitted",
            Self::Invalid => "the configuration is invalid, or the machine cannot carry it",
            Self::NotFound => "not found",
            Self::Refused => "the daemon refused, is busy, went away, or did not answer in time",
            Self::Outdated => "the files are others than those that the change was made from",
            Self::Partly => "done in part; what was refused is told",
            Self::Found => "the doctor found something worse than a note",
            Self::Machine => "the machine lacks something: a network interface, a kernel feature",
            Self::OtherDaemon => "another daemon is running",
            Self::Death => "a thread of the daemon that nothing works without has died",
        }
    }

    /// The table for `--help`, below its title.
    pub fn help() -> String {
        let mut text = "Exit codes:".to_owned();
        for exit in Self::ALL {
            // writing to a text does not fail
            let _ = write!(text, "\n  {:<2} {}", exit as u8, exit.meaning());
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
