//! The box over the last minutes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerDirection, PerSegment};

/// The box over the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryView {
    /// The tick shown.
    pub tick: u64,
    /// One a tick, the oldest first; the last is the tick shown.
    pub points: Vec<HistoryPoint>,
}

/// The box at one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryPoint {
    /// The tick.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// What arrived.
    pub rate_bps: PerDirection<u64>,
    /// Packets that arrived, a second.
    pub packets_per_sec: PerDirection<u64>,
    /// Packets dropped by the queues, a second.
    pub drops_per_sec: PerDirection<u64>,
    /// Medians of the RTTs of the minute before; none where there was no sample.
    pub rtt_p50_us: PerSegment<Option<u64>>,
}
