//! Which circuits.

use serde::{Deserialize, Serialize};
use units::Direction;

/// Which circuits, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CircuitsQuery {
    /// Only circuits whose id, name or an address contains this text, whatever its letter case.
    /// Empty: all.
    pub filter: String,
    /// The circuit with this id, whatever else is asked for, as it is in force: one that is new or was changed
    /// is there at once, with figures of zero until the next tick.
    pub id: Option<String>,
    /// Only circuits at or below the node with this id or name.
    pub node: Option<String>,
    /// Only circuits with at least as many RTT samples on the customer's side as this; 0: all.
    pub rtt_samples_min: u32,
    /// What orders them; circuits that are equal in it are ordered by id.
    pub sort: CircuitSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first.
    pub descending: bool,
    /// How many of the matching circuits to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`CircuitsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl CircuitsQuery {
    /// The most rows in one page. Larger tables are fetched page by page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for CircuitsQuery {
    /// The first hundred circuits by id.
    fn default() -> Self {
        Self {
            filter: String::new(),
            id: None,
            node: None,
            rtt_samples_min: 0,
            sort: CircuitSort::Id,
            by: None,
            descending: false,
            offset: 0,
            limit: 100,
        }
    }
}

/// What orders circuits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitSort {
    /// Stable identity.
    #[default]
    Id,
    /// Name.
    Name,
    /// Parent node's name.
    Node,
    /// The plan's max rate.
    Plan,
    /// The rate that arrived.
    Offered,
    /// The rate that the class let through.
    Sent,
    /// Share of the plan in use.
    Share,
    /// Drops a second.
    Drops,
    /// Bytes waiting.
    Backlog,
    /// The 90th percentile of the customer side's RTT; circuits without samples come last.
    RttCustomer,
    /// The same of the Internet side's.
    RttInternet,
    /// Share of the TCP segments that were sent again; circuits without any come last.
    Retransmits,
    /// Packets marked as congested by the leaf, a second.
    Marks,
}
