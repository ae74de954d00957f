//! What happened to the daemon, and who brought it about.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventsPage {
    /// The tick shown.
    pub tick: u64,
    /// Number of the oldest event that is kept; 0 when there is none.
    pub oldest: u64,
    /// Number of the newest event; 0 when there is none.
    pub newest: u64,
    /// Events that the query matches.
    pub matched: u32,
    /// The newest of them.
    pub rows: Vec<EventRow>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRow {
    /// Its number, counted from 1; a daemon that follows on another's orderly end goes on counting.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01 00:00 UTC.
    pub unix_ms: u64,
    /// What it is about.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, for people.
    pub text: String,
    /// Who or what brought it about.
    pub cause: Cause,
    /// The configuration that was in force after it.
    pub generation: u64,
}

/// What an event is about. New kinds are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The daemon started, ends or makes way.
    Daemon,
    /// Another configuration came into force, or was refused.
    Configuration,
    /// Everything passes unshaped, or no longer.
    Bypass,
    /// Packets are captured.
    Capture,
    /// A client was refused.
    Refusal,
    /// Something of ours in the kernel is, or was, not as it should be.
    Kernel,
    /// A NIC has changed.
    Nic,
    /// A thread is late, has failed, or goes on.
    Thread,
    /// A table is nearly full, or no longer.
    Table,
}

/// How bad an event is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As intended.
    #[default]
    Info,
    /// The operator ought to know.
    Warning,
    /// The operator has to act.
    Error,
}

/// Who or what brought an event about. New causes are appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The daemon itself, or what it saw.
    Daemon,
    /// A client of the bus.
    Client(Actor),
    /// A signal.
    Signal,
    /// A file that changed.
    Files,
}

/// A client, as the kernel attests it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Its user.
    pub uid: u32,
    /// That user's name; none when the system has none.
    pub user: Option<String>,
    /// Its process, in the daemon's PID namespace; none when it is in another.
    pub pid: Option<i32>,
    /// The name and version that it gave itself.
    pub client: String,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Daemon,
        Self::Configuration,
        Self::Bypass,
        Self::Capture,
        Self::Refusal,
        Self::Kernel,
        Self::Nic,
        Self::Thread,
        Self::Table,
    ];

    /// Its name on screens, which is also that in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Configuration => "configuration",
            Self::Bypass => "bypass",
            Self::Capture => "capture",
            Self::Refusal => "refusal",
            Self::Kernel => "kernel",
            Self::Nic => "nic",
            Self::Thread => "thread",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Cause {
    /// Short enough for a table: `ada (cli 4711)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon => f.pad("daemon"),
            Self::Client(actor) => f.pad(&actor.to_string()),
            Self::Signal => f.pad("signal"),
            Self::Files => f.pad("files"),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => f.write_str(user)?,
            None => write!(f, "user {}", self.uid)?,
        }
        match self.pid {
            Some(pid) => write!(f, " ({}, process {pid})", self.client),
            None => write!(f, " ({})", self.client),
        }
    }
}
