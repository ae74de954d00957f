//! A page of circuits.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerDirection, PerSegment, TcHandle};

use super::leaf::LeafView;
use super::retransmits::RetransmitView;
use super::rtt::RttPercentiles;

/// A page of circuits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CircuitsPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// The time before it that RTTs are from.
    pub window_ms: u64,
    /// Circuits that there are.
    pub total: u32,
    /// Circuits that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<CircuitRow>,
}

/// One circuit now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CircuitRow {
    /// Stable identity.
    pub id: Arc<str>,
    /// Free text.
    pub name: Arc<str>,
    /// Parent node's name; none when the circuit is spread over the queues.
    pub node: Option<Arc<str>>,
    /// The plan's max rate.
    pub plan_bps: PerDirection<u64>,
    /// The plan's min rate.
    pub min_bps: PerDirection<u64>,
    /// What arrived.
    pub offered_bps: PerDirection<u64>,
    /// Packets that arrived.
    pub offered_packets_per_sec: PerDirection<u64>,
    /// What the circuit's class let through; none when there is no class to ask.
    pub sent_bps: PerDirection<Option<u64>>,
    /// Share of the plan in use: of what was let through, or of what arrived when there is no class.
    pub share_percent: PerDirection<f32>,
    /// Packets dropped by the circuit's class, a second.
    pub drops_per_sec: PerDirection<u64>,
    /// Packets dropped by the circuit's class since the daemon began to count.
    pub drops: PerDirection<u64>,
    /// Bytes waiting in the circuit's class.
    pub backlog_bytes: PerDirection<u64>,
    /// What the qdisc under its class did; none when there is no class, or no qdisc of its own.
    pub leaf: PerDirection<Option<LeafView>>,
    /// RTTs; none where there was no sample.
    pub rtt: PerSegment<Option<RttPercentiles>>,
    /// TCP segments that were sent again.
    pub retransmits: PerDirection<RetransmitView>,
    /// Hardware transmit queue.
    pub queue: PerDirection<u16>,
    /// The CPU that forwards its packets.
    pub cpu: u16,
    /// HTB class; none when not shaping.
    pub class: PerDirection<Option<TcHandle>>,
    /// Whether it has no class for want of traffic.
    pub asleep: bool,
    /// Its devices' address blocks.
    pub addresses: Arc<[Arc<str>]>,
}
