//! Whether the daemon can be heard.

use std::time::Duration;

/// Whether the daemon can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It has not been reached yet.
    Connecting,
    /// It answers.
    Up,
    /// It is out of reach.
    Lost {
        /// Since when, by the clock that comes in with events.
        since: Duration,
        /// Why.
        why: String,
    },
}

impl Link {
    /// It is out of reach, for this reason now.
    pub(super) fn lose(&mut self, now: Duration, why: String) {
        let since = if let Self::Lost { since, .. } = self { *since } else { now };
        *self = Self::Lost { since, why };
    }
}
