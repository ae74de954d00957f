//! A page of hosts on the customers' side.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerDirection, PerSegment};

use super::retransmits::RetransmitView;
use super::rtt::MeanRtt;
use super::status::ProtocolsView;

/// A page of hosts on the customers' side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostsPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// Hosts that are remembered.
    pub total: u32,
    /// Of these, those that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<HostRow>,
}

/// One host on the customers' side: what its flows add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostRow {
    /// The host.
    pub addr: IpAddr,
    /// The circuit's id; none when no device covers the host.
    pub circuit: Option<Arc<str>>,
    /// Since its last packet.
    pub last_seen_ms_ago: u64,
    /// What arrives now.
    pub rate_bps: PerDirection<u64>,
    /// The same by protocol.
    pub protocols: PerDirection<ProtocolsView>,
    /// Packets that arrive now.
    pub packets_per_sec: PerDirection<u64>,
    /// Bytes that arrived since it is remembered.
    pub bytes: PerDirection<u64>,
    /// Packets that arrived since it is remembered.
    pub packets: PerDirection<u64>,
    /// Its flows in the table.
    pub flows: u32,
    /// RTT of its flows; none where there was no sample.
    pub rtt: PerSegment<Option<MeanRtt>>,
    /// TCP segments that were sent again.
    pub retransmits: PerDirection<RetransmitView>,
}
