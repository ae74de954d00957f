//! The flows that the kernel programs remember.

use abi::Direction;
use kernel::datapath::{ChangedFlows, DatapathError, FlowReport, Flows, StreamReport};
use state::{FlowKey, FlowReading, RttReading, StreamReading, Traffic};
use units::{Bytes, Packets, PerDirection, PerSegment};

use crate::ends::{flow_key, kernel_key, owner};

/// Flows of which a packet came since they were read before, in an order that stays. None is kept
/// here, so half a million need no memory.
#[derive(Debug)]
pub struct Changed<'f>(ChangedFlows<'f>);

/// Reads the flows of which a packet came since they were read before.
///
/// # Errors
/// When the programs' clock cannot be read.
pub fn read(source: &mut Flows) -> Result<Changed<'_>, DatapathError> {
    source.changed().map(Changed)
}

impl Iterator for Changed<'_> {
    type Item = FlowReading;
    fn next(&mut self) -> Option<FlowReading> {
        let report = self.0.next()?;
        let dates = self.0.dates();
        Some(reading(&report, |jiffies| dates.ns(jiffies)))
    }
}

/// Has the kernel forget flows that ended or fell silent, making room for others.
pub fn forget(source: &mut Flows, keys: &[FlowKey]) {
    let keys: Vec<_> = keys.iter().map(kernel_key).collect();
    source.forget(&keys);
}

fn reading(report: &FlowReport, ns: impl Fn(u64) -> u64) -> FlowReading {
    let of = |direction: Direction| &report.streams[direction as usize];
    FlowReading {
        key: flow_key(&report.key),
        owner: owner(report.target),
        first_seen_ns: ns(report.first_seen),
        streams: PerDirection {
            down: stream(of(Direction::Download), &ns),
            up: stream(of(Direction::Upload), &ns),
        },
        // a stream has the RTTs of the segment that its packets answer for
        rtt: PerSegment {
            customer: rtt(of(Direction::Upload)),
            internet: rtt(of(Direction::Download)),
        },
    }
}

fn stream(report: &StreamReport, ns: impl Fn(u64) -> u64) -> StreamReading {
    StreamReading {
        traffic: Traffic { bytes: Bytes::new(report.bytes), packets: Packets::new(report.packets) },
        last_seen_ns: ns(report.last_seen),
        retransmits: report.retransmits,
        reordered: report.reordered,
        ect_packets: report.ect_packets,
        ce_packets: report.ce_packets,
        tcp_flags: report.tcp_flags,
        tos: report.tos,
    }
}

fn rtt(report: &StreamReport) -> Option<RttReading> {
    let ns = |units: u32| u64::from(units) * u64::from(abi::RTT_UNIT_NS);
    (report.rtt_samples > 0).then(|| RttReading {
        last_ns: ns(report.rtt_last),
        min_ns: ns(report.rtt_min),
        smoothed_ns: ns(report.rtt_smoothed),
        samples: report.rtt_samples,
    })
}

#[cfg(test)]
mod tests {
    use state::Owner;
    use units::CircuitSlot;

    use super::*;

    #[test]
    fn a_report_becomes_a_reading() {
        let upload = StreamReport {
            bytes: 640,
            packets: 10,
            last_seen: 30,
            retransmits: 1,
            rtt_last: 2,
            rtt_min: 1,
            rtt_smoothed: 3,
            rtt_samples: 4,
            tcp_flags: 0x12,
            tos: 3,
            ..StreamReport::default()
        };
        let report = FlowReport {
            target: 7,
            first_seen: 20,
            streams: [StreamReport::default(), upload],
            ..FlowReport::default()
        };
        let reading = reading(&report, |jiffies| jiffies * 1_000);
        assert_eq!(reading.owner, Owner::Circuit(CircuitSlot::new(7)));
        assert_eq!(reading.first_seen_ns, 20_000);
        assert_eq!(reading.streams.down, StreamReading::default());
        let up = reading.streams.up;
        assert_eq!((up.traffic.bytes.get(), up.traffic.packets.get()), (640, 10));
        assert_eq!((up.last_seen_ns, up.retransmits, up.tcp_flags, up.tos), (30_000, 1, 0x12, 3));
        assert_eq!(reading.rtt.internet, None, "no sample is no RTT");
        let rtt = RttReading { last_ns: 2_048, min_ns: 1_024, smoothed_ns: 3_072, samples: 4 };
        assert_eq!(reading.rtt.customer, Some(rtt), "uploads answer for the customer's side");
    }
}
