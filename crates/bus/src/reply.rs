//! What the daemon answers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capture::{CaptureEnded, CapturedPacket, Capturing};
use crate::edit::{Edited, SourcesView};
use crate::request::{Hello, Role};
use crate::version::VersionRange;
use crate::views::{PlanView, PreviewView, View};

/// What the daemon answers. New replies are appended: the position is the number on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The request was refused or failed.
    Error(Refusal),
    /// To `Hello`.
    Welcome(Welcome),
    /// To `Show`, and each tick to `Subscribe`.
    View(View),
    /// To `Plan`.
    Plan(PlanView),
    /// To `Reload`.
    Reloaded(Reloaded),
    /// To what has nothing more to say: `Unsubscribe`, `Bypass`, `Handover`.
    Done,
    /// First to `Capture`.
    Capturing(Capturing),
    /// Then to `Capture`, at least once a second, in the order of arrival; none when none came.
    Captured(Vec<CapturedPacket>),
    /// Last to `Capture`.
    CaptureEnded(CaptureEnded),
    /// To `Preview`.
    Preview(PreviewView),
    /// To `Sources`.
    Sources(SourcesView),
    /// To `Edit`.
    Edited(Edited),
}

impl Reply {
    /// The number of an error, which is read in frames of all versions.
    pub(crate) const ERROR: u32 = 0;

    /// Likewise of a welcome.
    pub(crate) const WELCOME: u32 = 1;
}

/// Why a request was not carried out. Its bytes are the same in all protocol versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub text: String,
}

impl Refusal {
    /// A refusal with this code and text.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::Error(refusal)
    }
}

impl From<View> for Reply {
    fn from(view: View) -> Self {
        Self::View(view)
    }
}

/// What kind of refusal. New codes are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// This daemon does not know the request or its topic.
    UnknownRequest,
    /// The payload is not what the request's number promises.
    Malformed,
    /// The frame, or the reply that it asks for, exceeds the cap.
    TooLarge,
    /// The client's role does not suffice.
    Denied,
    /// The thing asked about does not exist.
    NotFound,
    /// The request makes no sense, or the configuration does not validate.
    Invalid,
    /// Not now: too many clients, or another change is under way.
    Busy,
    /// The daemon failed.
    Internal,
    /// No common protocol version.
    Version,
    /// Something else is in force by now than the request was made from.
    Outdated,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UnknownRequest => "unknown request",
            Self::Malformed => "malformed",
            Self::TooLarge => "too large",
            Self::Denied => "denied",
            Self::NotFound => "not found",
            Self::Invalid => "invalid",
            Self::Busy => "busy",
            Self::Internal => "internal",
            Self::Version => "version",
            Self::Outdated => "outdated",
        })
    }
}

/// The answer to `Hello`. Its bytes are the same in all protocol versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol version of everything that follows.
    pub version: u16,
    /// The daemon's own version.
    pub daemon_version: String,
    /// What the client may do.
    pub role: Role,
}

impl Welcome {
    /// The answer of a daemon that grants `role` to whoever says `hello`.
    ///
    /// # Errors
    /// [`ErrorCode::Version`] when the two have no version in common.
    pub fn to(hello: &Hello, role: Role, daemon_version: &str) -> Result<Self, Refusal> {
        let version = VersionRange::SUPPORTED.newest_common(hello.versions)?;
        Ok(Self { version, daemon_version: daemon_version.to_owned(), role })
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    /// The number of the configuration that is now in force, counted from 1 at start.
    pub generation: u64,
    /// Circuits in it.
    pub circuits: u32,
    /// Nodes in it.
    pub nodes: u32,
    /// Circuits that are otherwise than before.
    pub circuit_changes: ChangeCounts,
    /// Nodes that are.
    pub node_changes: ChangeCounts,
    /// How long reading, planning and applying took.
    pub took_ms: u64,
    /// What is odd in the files without being wrong.
    pub warnings: Vec<String>,
}

/// How many are otherwise than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCounts {
    /// Those that were not there before.
    pub added: u32,
    /// Those that are no longer there.
    pub removed: u32,
    /// Those of which something else has changed.
    pub changed: u32,
}
