//! The box over the last minutes.

use units::{BitsPerSec, PerDirection, PerSegment};

use crate::sample::ByProtocol;
use crate::snapshot::Snapshot;

/// Ticks that are remembered: a quarter of an hour of seconds.
pub const HISTORY_TICKS: usize = 900;

/// The box at one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryPoint {
    /// The tick.
    pub tick: u64,
    /// Whether packets passed uncounted: then its rates mean nothing.
    pub bypass: bool,
    /// What arrived.
    pub offered: PerDirection<BitsPerSec>,
    /// Packets that arrived, a second.
    pub packets_per_sec: PerDirection<u64>,
    /// Packets dropped by the queues, a second.
    pub drops_per_sec: PerDirection<u64>,
    /// Medians of the RTTs of the minute before, in nanoseconds; none where there was no sample.
    pub rtt_p50_ns: PerSegment<Option<u64>>,
}

impl HistoryPoint {
    /// What is to be remembered of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let offered = snapshot.total.offered.as_ref().map(ByProtocol::sum);
        let mut drops_per_sec = PerDirection::default();
        for (queue, figures) in snapshot.layout.queues.iter().zip(&snapshot.queues) {
            drops_per_sec[queue.direction] += figures.sum.drops_per_sec;
        }
        Self {
            tick: snapshot.tick,
            bypass: snapshot.bypass,
            offered: offered.map(|rate| rate.bits),
            packets_per_sec: offered.map(|rate| rate.packets_per_sec),
            drops_per_sec,
            rtt_p50_ns: snapshot.total.rtt.map(|rtt| rtt.map(|rtt| rtt.p50_ns)),
        }
    }
}
