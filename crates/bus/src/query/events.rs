//! Which events.

use serde::{Deserialize, Serialize};

use crate::views::{EventKind, Severity};

/// Which events. A subscription is sent each event once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventsQuery {
    /// Only events with a higher number than this; 0: all that are kept.
    pub after: u64,
    /// Only events of these kinds; empty: of all.
    pub kinds: Vec<EventKind>,
    /// Only events that are at least so severe.
    pub severity_min: Severity,
    /// Only events with this text in them, whatever its letter case. Empty: all.
    pub filter: String,
    /// The most events to send, the newest; the daemon sends at most [`EventsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl EventsQuery {
    /// The most events in one page: as many as the daemon keeps.
    pub const MAX_LIMIT: u32 = 1_000;
}

impl Default for EventsQuery {
    /// The newest hundred events.
    fn default() -> Self {
        Self {
            after: 0,
            kinds: Vec::new(),
            severity_min: Severity::Info,
            filter: String::new(),
            limit: 100,
        }
    }
}
