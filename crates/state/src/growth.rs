//! What a reading of a flow adds to the one before.

use units::{Direction, PerDirection, PerSegment};

use crate::flows::{FlowRow, Span};
use crate::rate::grown_wrapping;
use crate::reading::{FlowReading, StreamReading};
use crate::sample::Traffic;

/// A flow that begins at most this long before the reading before is new: its packets all came
/// since, as it was begun while that reading was under way.
const NEW_SLACK_NS: u64 = 2_000_000_000;

/// What a reading adds to what was known of its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    pub(crate) traffic: PerDirection<Traffic>,
    pub(crate) retransmits: PerDirection<u64>,
    pub(crate) reordered: PerDirection<u64>,
    /// RTT samples.
    pub(crate) samples: PerSegment<u32>,
}

/// Whether the reading is of the same flow: of one begun anew, the start or a counter differs.
pub(crate) fn continues(row: &FlowRow, reading: &FlowReading) -> bool {
    let back = |direction: Direction| {
        let (before, now) = (row.streams[direction].traffic, reading.streams[direction].traffic);
        now.bytes < before.bytes || now.packets < before.packets
    };
    row.first_seen_ns == reading.first_seen_ns && !Direction::ALL.into_iter().any(back)
}

/// What the first reading of a flow adds: all of it if the flow is new, and nothing if it was there
/// before it was read first, as nobody knows when its packets came.
pub(crate) fn first_growth(span: Span, reading: &FlowReading) -> Growth {
    let is_new = |before_ns| reading.first_seen_ns.saturating_add(NEW_SLACK_NS) >= before_ns;
    if span.before_ns.is_some_and(is_new) {
        growth(&FlowRow::new(reading), reading)
    } else {
        Growth::default()
    }
}

pub(crate) fn growth(before: &FlowRow, reading: &FlowReading) -> Growth {
    Growth {
        traffic: PerDirection::from_fn(|direction| {
            let (before, now) =
                (before.streams[direction].traffic, reading.streams[direction].traffic);
            Traffic {
                bytes: now.bytes.since(before.bytes),
                packets: now.packets.since(before.packets),
            }
        }),
        retransmits: grown(before, reading, |stream| stream.retransmits),
        reordered: grown(before, reading, |stream| stream.reordered),
        samples: PerSegment::from_fn(|segment| {
            let now = reading.rtt[segment].map_or(0, |rtt| rtt.samples);
            grown_wrapping(before.rtt[segment].samples, now) as u32
        }),
    }
}

fn grown(
    before: &FlowRow,
    reading: &FlowReading,
    counter: fn(&StreamReading) -> u32,
) -> PerDirection<u64> {
    PerDirection::from_fn(|direction: Direction| {
        grown_wrapping(counter(&before.streams[direction]), counter(&reading.streams[direction]))
    })
}
