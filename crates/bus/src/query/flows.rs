//! Which flows.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use units::Direction;

/// Which flows, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowsQuery {
    /// Only flows with this text in an address, the circuit's id or name or the origin's name,
    /// whatever its letter case. Empty: all.
    pub filter: String,
    /// Only flows of the circuit with this id.
    pub circuit: Option<String>,
    /// Only flows with this address at either end.
    pub host: Option<IpAddr>,
    /// Only flows of the protocol with this IANA number.
    pub protocol: Option<u8>,
    /// Only flows whose Internet side belongs to the autonomous system with this number.
    pub asn: Option<u32>,
    /// Only flows whose Internet side is in the country with this code, whatever its letter case.
    pub country: Option<String>,
    /// Instead of the flows in the table, those of the last five minutes that left it.
    pub recent: bool,
    /// What orders them.
    pub sort: FlowSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first; for times, the latest.
    pub descending: bool,
    /// How many of the matching flows to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`FlowsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl FlowsQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for FlowsQuery {
    /// The hundred fastest flows.
    fn default() -> Self {
        Self {
            filter: String::new(),
            circuit: None,
            host: None,
            protocol: None,
            asn: None,
            country: None,
            recent: false,
            sort: FlowSort::Rate,
            by: None,
            descending: true,
            offset: 0,
            limit: 100,
        }
    }
}

/// What orders flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowSort {
    /// The rate now.
    #[default]
    Rate,
    /// Bytes since it began.
    Bytes,
    /// Packets since it began.
    Packets,
    /// The customer side's smoothed RTT.
    RttCustomer,
    /// The Internet side's smoothed RTT.
    RttInternet,
    /// Share of its TCP segments that were sent again.
    Retransmits,
    /// When its first packet was seen.
    FirstSeen,
    /// When its last packet was seen.
    LastSeen,
}
