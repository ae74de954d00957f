//! Which hosts on the customers' side.

use serde::{Deserialize, Serialize};
use units::Direction;

/// Which hosts on the customers' side, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostsQuery {
    /// Only hosts with this text in the address or the circuit's id or name, whatever its letter
    /// case.
    /// Empty: all.
    pub filter: String,
    /// Only hosts of the circuit with this id.
    pub circuit: Option<String>,
    /// Only hosts of this kind.
    pub kind: HostKind,
    /// What orders them.
    pub sort: HostSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first; for times, the latest.
    pub descending: bool,
    /// How many of the matching hosts to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`HostsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl HostsQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for HostsQuery {
    /// The hundred fastest hosts.
    fn default() -> Self {
        Self {
            filter: String::new(),
            circuit: None,
            kind: HostKind::All,
            sort: HostSort::Rate,
            by: None,
            descending: true,
            offset: 0,
            limit: 100,
        }
    }
}

/// Whether a device covers a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// Both kinds.
    #[default]
    All,
    /// A device covers it.
    Known,
    /// No device covers it.
    Unknown,
}

/// What orders hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostSort {
    /// The rate now.
    #[default]
    Rate,
    /// Bytes since it is remembered.
    Bytes,
    /// Flows in the table.
    Flows,
    /// The customer side's mean RTT.
    RttCustomer,
    /// The Internet side's mean RTT.
    RttInternet,
    /// Share of its TCP segments that were sent again.
    Retransmits,
    /// When its last packet was seen.
    LastSeen,
    /// The address, IPv4 before IPv6.
    Address,
}
