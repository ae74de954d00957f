//! The box over the last minutes.

use bus::HistoryView;
use state::{HistoryPoint, Snapshot};
use units::BitsPerSec;

pub(super) fn view(snapshot: &Snapshot) -> HistoryView {
    HistoryView { tick: snapshot.tick, points: snapshot.history.iter().map(point).collect() }
}

fn point(point: &HistoryPoint) -> bus::HistoryPoint {
    bus::HistoryPoint {
        tick: point.tick,
        rate_bps: point.offered.map(BitsPerSec::get),
        packets_per_sec: point.packets_per_sec,
        drops_per_sec: point.drops_per_sec,
        rtt_p50_us: point.rtt_p50_ns.map(|rtt| rtt.map(|ns| ns / 1_000)),
    }
}
