//! Retransmissions as cells and sentences.

use bus::{RetransmitView, RttPercentiles};
use comfy_table::Cell;
use units::{PerDirection, PerSegment, Segment};

use crate::figures::{count, duration, milliseconds, pair, percent_of};
use crate::output::Tone;
use crate::table::{figure, toned};

/// A share of segments sent again that is worth a look.
const NOTABLE_PERCENT: f32 = 2.0;

/// The shares of TCP segments that were sent again.
pub(crate) fn sent_again(retransmits: &PerDirection<RetransmitView>) -> Cell {
    shares(retransmits.map(|it| it.share_percent))
}

/// Two shares of TCP segments.
pub(crate) fn shares(percent: PerDirection<Option<f32>>) -> Cell {
    let most = percent.down.unwrap_or(0.0).max(percent.up.unwrap_or(0.0));
    let tone = if most >= NOTABLE_PERCENT { Tone::Notable } else { Tone::Plain };
    toned(figure(pair(percent, percent_of)), tone)
}

/// The RTTs of both sides in words, a line each.
pub(crate) fn rtts(rtt: PerSegment<Option<RttPercentiles>>, window_ms: u64) -> [String; 2] {
    let window = duration(window_ms);
    Segment::ALL.map(|segment| {
        let side = match segment {
            Segment::Customer => "customers' side",
            Segment::Internet => "Internet side",
        };
        format!("RTT of the last {window}, {side}: {}", percentiles(rtt[segment]))
    })
}

/// Percentiles in words: `median 12.3 ms, p90 45.6 ms, p99 300 ms (70,000 samples)`.
pub(crate) fn percentiles(rtt: Option<RttPercentiles>) -> String {
    rtt.map_or_else(
        || "not measured".to_owned(),
        |rtt| {
            let [p50, p90, p99] = [rtt.p50_us, rtt.p90_us, rtt.p99_us].map(Some).map(milliseconds);
            format!("median {p50}, p90 {p90}, p99 {p99} ({} samples)", count(rtt.samples))
        },
    )
}
