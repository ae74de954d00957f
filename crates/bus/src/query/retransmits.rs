//! Whose retransmissions.

use serde::{Deserialize, Serialize};
use units::Direction;

/// Whose retransmissions, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RetransmitsQuery {
    /// Whose.
    pub group: RetransmitGroup,
    /// Only rows with this text in the circuit's id or name or an address, whatever its letter case.
    /// Empty: all.
    pub filter: String,
    /// Only what belongs to the circuit with this id, events too.
    pub circuit: Option<String>,
    /// What orders them.
    pub sort: RetransmitSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first.
    pub descending: bool,
    /// How many of the matching rows to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`RetransmitsQuery::MAX_LIMIT`].
    pub limit: u32,
    /// How many of the newest events to send; at most [`RetransmitsQuery::MAX_EVENTS`].
    pub events: u32,
}

impl RetransmitsQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
    /// The most events.
    pub const MAX_EVENTS: u32 = 1_000;
}

impl Default for RetransmitsQuery {
    /// The hundred circuits with the largest shares.
    fn default() -> Self {
        Self {
            group: RetransmitGroup::Circuits,
            filter: String::new(),
            circuit: None,
            sort: RetransmitSort::Share,
            by: None,
            descending: true,
            offset: 0,
            limit: 100,
            events: 0,
        }
    }
}

/// Whose retransmissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetransmitGroup {
    /// Of each circuit.
    #[default]
    Circuits,
    /// Of each host on the customers' side.
    Hosts,
    /// Of each flow.
    Flows,
}

/// What orders retransmissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetransmitSort {
    /// Share of the TCP segments that were sent again.
    #[default]
    Share,
    /// Segments sent again, a second.
    Rate,
    /// Segments sent again, in all.
    Count,
    /// Segments that were overtaken, in all.
    Reordered,
}
