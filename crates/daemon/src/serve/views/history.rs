//! The box over the last minutes.

use bus::HistoryView;
use state::HistoryPoint;
use units::BitsPerSec;

use super::Moment;

pub(super) fn view(moment: &Moment<'_>) -> HistoryView {
    let snapshot = &moment.snapshot;
    let points = snapshot.history.iter().map(point).collect();
    HistoryView { tick: snapshot.tick, points }
}

fn point(point: &HistoryPoint) -> bus::HistoryPoint {
    bus::HistoryPoint {
        tick: point.tick,
        bypass: point.bypass,
        rate_bps: point.offered.map(BitsPerSec::get),
        packets_per_sec: point.packets_per_sec,
        drops_per_sec: point.drops_per_sec,
        rtt_p50_us: point.rtt_p50_ns.map(|rtt| rtt.map(|ns| ns / 1_000)),
    }
}
