//! RTTs and retransmissions for the wire.

use bus::{MeanRtt, RetransmitView, RttPercentiles};
use state::{ByProtocol, Rate, Resent, RttFigures, TcpFigures, WINDOW_SLICE_NS, WINDOW_SLICES};
use units::{Direction, PerDirection, PerSegment};

/// The time that RTTs are from.
pub(super) const WINDOW_MS: u64 = WINDOW_SLICE_NS * WINDOW_SLICES / 1_000_000;

pub(super) fn percentiles(
    rtt: &PerSegment<Option<RttFigures>>,
) -> PerSegment<Option<RttPercentiles>> {
    rtt.map(|figures| {
        figures.map(|rtt| RttPercentiles {
            p50_us: rtt.p50_ns / 1_000,
            p90_us: rtt.p90_ns / 1_000,
            p99_us: rtt.p99_ns / 1_000,
            samples: rtt.samples,
        })
    })
}

pub(super) fn mean(rtt: &state::MeanRtt) -> Option<MeanRtt> {
    (rtt.samples > 0).then_some(MeanRtt {
        mean_us: rtt.smoothed_ns / 1_000,
        min_us: rtt.min_ns / 1_000,
        samples: rtt.samples,
    })
}

/// What happened to the TCP segments of a circuit, a node or the box.
pub(super) fn retransmits(
    tcp: &PerDirection<TcpFigures>,
    offered: &PerDirection<ByProtocol<Rate>>,
) -> PerDirection<RetransmitView> {
    PerDirection::from_fn(|direction: Direction| {
        let (tcp, offered) = (&tcp[direction], offered[direction].tcp);
        let any = offered.packets_per_sec > 0;
        RetransmitView {
            per_sec: tcp.retransmits.per_sec,
            count: tcp.retransmits.count.get(),
            reordered: tcp.reordered.count.get(),
            share_percent: any.then(|| tcp.retransmits.share_percent(offered) as f32),
        }
    })
}

/// What happened to the TCP segments of a host or an origin.
pub(super) fn resent(
    of: &PerDirection<Resent>,
    per_sec: PerDirection<u64>,
) -> PerDirection<RetransmitView> {
    PerDirection::from_fn(|direction: Direction| RetransmitView {
        per_sec: per_sec[direction],
        count: of[direction].retransmits,
        reordered: of[direction].reordered,
        share_percent: of[direction].share_percent().map(|share| share as f32),
    })
}
