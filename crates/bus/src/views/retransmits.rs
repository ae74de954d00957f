//! TCP segments that were sent again.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Direction, PerDirection};

use super::flows::FlowKey;

/// A page of retransmissions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetransmitsPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// Rows that there are.
    pub total: u32,
    /// Rows that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<RetransmitRow>,
    /// The newest events, as many as were asked for, the latest first.
    pub events: Vec<RetransmitEvent>,
    /// Events that found no room on their way here. Counters count them nevertheless.
    pub events_lost: u64,
}

/// Retransmissions of a circuit, of a host or of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetransmitRow {
    /// The circuit's id; none when no device covers the host.
    pub circuit: Option<Arc<str>>,
    /// The circuit's name.
    pub name: Option<Arc<str>>,
    /// The host, in a row by host.
    pub host: Option<IpAddr>,
    /// The flow, in a row by flow.
    pub flow: Option<FlowKey>,
    /// How many.
    pub retransmits: PerDirection<RetransmitView>,
}

/// How many of the TCP segments of one direction were sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetransmitView {
    /// Sent again, a second.
    pub per_sec: u64,
    /// Sent again so far: of circuits, nodes and the box since the daemon began to count, of hosts
    /// and flows since they are remembered.
    pub count: u64,
    /// Overtaken on their way here, over the same time.
    pub reordered: u64,
    /// Share of the TCP segments seen that were sent again: of circuits, nodes and the box now,
    /// of hosts and flows since they are remembered. None where there were no segments.
    pub share_percent: Option<f32>,
}

/// One TCP segment that was sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetransmitEvent {
    /// Since it was seen.
    pub seen_ms_ago: u64,
    /// Its flow.
    pub flow: FlowKey,
    /// The circuit's id; none when no device covers the host.
    pub circuit: Option<Arc<str>>,
    /// Which way it travelled.
    pub direction: Direction,
    /// Sequence number of its first byte.
    pub sequence: u32,
    /// Bytes of payload.
    pub length: u32,
}
