//! The flows that the programs remember.

use std::fmt;

use libbpf_rs::Object;

use super::DatapathError;
use super::clock::{Clock, Moment};
use super::flow_table::{FlowTable, PlaceId, Shape};

/// How far behind the reading's begin packets may be dated, in jiffies: they come while it goes on.
const AHEAD_JIFFIES: u32 = 1 << 20;

/// The flows that the programs remember. There is one reader.
pub struct Flows {
    table: FlowTable,
    clock: Clock,
    /// What times follow from. It stays, so that the start of a flow reads the same each time: a
    /// moment taken anew would be off by another part of a tick.
    anchor: Option<Moment>,
    /// By row: its packets when its flow was last handed over, as [`FlowTable::packets`] tells them.
    told: Vec<u32>,
    /// Rows that were ever in use at a reading's begin: the first of them. The rest was never touched.
    used: usize,
    /// Flows that were forgotten: their places and rows are free at the next reading.
    leaving: Vec<(PlaceId, usize)>,
}

/// A flow that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowReport {
    /// Which.
    pub key: abi::FlowKey,
    /// Slot, or another value of the address maps.
    pub target: u32,
    /// Jiffies.
    pub first_seen: u64,
    /// By direction.
    pub streams: [StreamReport; 2],
}

/// One direction of it. Names as in [`abi::Stream`] and [`abi::History`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamReport {
    /// Whole frames.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Jiffies; 0: no packet yet.
    pub last_seen: u64,
    /// TCP segments that were sent again.
    pub retransmits: u32,
    /// TCP segments that were overtaken.
    pub reordered: u32,
    /// Packets marked as capable of ECN or as congested.
    pub ect_packets: u32,
    /// Packets marked as congested.
    pub ce_packets: u32,
    /// The last RTT sample, in units of [`abi::RTT_UNIT_NS`].
    pub rtt_last: u32,
    /// The least one.
    pub rtt_min: u32,
    /// Smoothed.
    pub rtt_smoothed: u32,
    /// How many; without any the others are 0.
    pub rtt_samples: u32,
    /// All that were seen.
    pub tcp_flags: u8,
    /// DSCP and ECN of the last packet.
    pub tos: u8,
}

/// Flows of which a packet came since they were handed over before, in the order of their rows. It
/// stays the same from one reading to the next.
#[derive(Debug)]
pub struct ChangedFlows<'f> {
    table: &'f FlowTable,
    told: &'f mut [u32],
    row: usize,
    now: u64,
    dates: Dates,
}

/// Tells when the programs saw what they report.
#[derive(Clone, Copy, Debug)]
pub struct Dates(Moment);

impl Dates {
    /// `CLOCK_MONOTONIC` of a time in jiffies, to a timer tick; 0 for 0, which stands for never.
    pub fn ns(&self, jiffies: u64) -> u64 {
        self.0.ns(jiffies)
    }
}

impl fmt::Debug for Flows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flows").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl ChangedFlows<'_> {
    /// Tells when the programs saw what the flows report.
    pub const fn dates(&self) -> Dates {
        self.dates
    }
}

impl Iterator for ChangedFlows<'_> {
    type Item = FlowReport;
    fn next(&mut self) -> Option<FlowReport> {
        while let Some(told) = self.told.get_mut(self.row) {
            let row = self.row;
            self.row += 1;
            let packets = self.table.packets(row);
            if packets == *told {
                continue;
            }
            // without a key it was forgotten
            if let Some(key) = self.table.key(row) {
                *told = packets;
                let (flow, history) = (self.table.read(row), self.table.history(row));
                return Some(report(key, &flow, &history, self.now));
            }
        }
        None
    }
}

impl Flows {
    /// Those of a table that nobody has read, or of one that a daemon before has left.
    pub(super) fn new(
        object: &Object,
        shape: Shape,
        is_inherited: bool,
    ) -> Result<Self, DatapathError> {
        let table = FlowTable::new(object, shape)?;
        let used = if is_inherited {
            table.recover();
            table.rows()
        } else {
            table.open();
            0
        };
        let told = vec![0; table.rows()];
        let clock = Clock::new(object)?;
        Ok(Self { table, clock, anchor: None, told, used, leaving: Vec::new() })
    }

    /// Room for flows.
    pub fn capacity(&self) -> usize {
        self.table.rows()
    }

    /// Hands over every flow of which a packet came since it was handed over before. Their number
    /// comes back.
    ///
    /// # Errors
    /// When the programs' clock cannot be read.
    pub fn read_changed(
        &mut self,
        mut each: impl FnMut(&FlowReport, Dates),
    ) -> Result<usize, DatapathError> {
        let changed = self.changed()?;
        let dates = changed.dates();
        Ok(changed.inspect(|report| each(report, dates)).count())
    }

    /// The same, one by one. What is not asked for is handed over the next time.
    ///
    /// What was forgotten before is free from now on. Between the two must lie longer than a packet
    /// takes through the programs, as one that is on its way may still write to the flow's row.
    ///
    /// # Errors
    /// Likewise.
    pub fn changed(&mut self) -> Result<ChangedFlows<'_>, DatapathError> {
        let now = self.clock.now()?;
        let anchor = self.anchor.filter(|anchor| anchor.agrees_with(&now)).unwrap_or(now);
        self.anchor = Some(anchor);
        // only flows take rows, so before any is given back there are fewest
        self.used = self.used.max(self.table.rows() - self.table.free_rows());
        for (place, row) in self.leaving.drain(..) {
            self.told[row] = 0;
            self.table.free(place, row);
        }
        Ok(ChangedFlows {
            table: &self.table,
            told: &mut self.told[..self.used],
            row: 0,
            now: now.jiffies(),
            dates: Dates(anchor),
        })
    }

    /// Has the next reading hand over all flows, whether packets came or not: for a reader that does
    /// not know how much of the last reading it took in.
    pub fn tell_all(&mut self) {
        self.told.fill(0);
    }

    /// Forgets flows, making room for others at the next reading. One that is not there is none to
    /// forget.
    pub fn forget(&mut self, keys: &[abi::FlowKey]) {
        for key in keys {
            if let Some((place, row)) = self.table.find(key) {
                self.table.take_out(place);
                self.leaving.push((place, row));
            }
        }
    }
}

fn report(key: abi::FlowKey, flow: &abi::Flow, history: &abi::FlowHistory, now: u64) -> FlowReport {
    let [download, upload] = &flow.streams;
    let halves = || flow.streams.iter().zip(&history.streams);
    let mut streams = [StreamReport::default(); 2];
    for (report, (stream, history)) in streams.iter_mut().zip(halves()) {
        *report = stream_report(stream, history, now);
    }
    let begins = halves().filter(|(stream, _)| stream.packets > 0);
    // as the direction that was here last has found it
    let last = if streams[0].last_seen > streams[1].last_seen { download } else { upload };
    FlowReport {
        key,
        target: last.target,
        first_seen: begins
            .map(|(_, history)| whole_jiffies(history.first_seen, now))
            .min()
            .unwrap_or(now),
        streams,
    }
}

fn stream_report(stream: &abi::Stream, history: &abi::History, now: u64) -> StreamReport {
    let seen = stream.packets > 0;
    StreamReport {
        bytes: stream.bytes,
        packets: stream.packets,
        last_seen: if seen { whole_jiffies(stream.last_seen, now) } else { 0 },
        retransmits: history.retransmits,
        reordered: history.reordered,
        ect_packets: stream.ect_packets,
        ce_packets: stream.ce_packets,
        rtt_last: history.rtt_last,
        rtt_min: history.rtt_min,
        rtt_smoothed: history.rtt_smoothed,
        rtt_samples: history.rtt_samples,
        tcp_flags: stream.tcp_flags,
        tos: stream.tos,
    }
}

/// The time whose lower half is `lower`: the last that was, or one just behind `now`.
fn whole_jiffies(lower: u32, now: u64) -> u64 {
    let latest = now + u64::from(AHEAD_JIFFIES);
    latest - u64::from((latest as u32).wrapping_sub(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_across_a_wrap() {
        let now = (5 << 32) + 10;
        assert_eq!(whole_jiffies(10, now), now);
        assert_eq!(whole_jiffies(12, now), now + 2, "it came while the flows were read");
        assert_eq!(whole_jiffies(u32::MAX, now), now - 11);
        let months = 1 << 31;
        assert_eq!(whole_jiffies((now - months) as u32, now), now - months);
    }

    #[test]
    fn a_flow_begins_with_the_first_packet_of_either_direction() {
        let stream = |packets, last_seen, target| abi::Stream {
            packets,
            last_seen,
            target,
            ..abi::Stream::default()
        };
        let report = |down, up, first_seen: [u32; 2]| {
            let streams =
                first_seen.map(|first_seen| abi::History { first_seen, ..abi::History::default() });
            let flow = abi::Flow { streams: [down, up] };
            report(abi::FlowKey::default(), &flow, &abi::FlowHistory { streams }, 100)
        };
        let both = report(stream(1, 50, 7), stream(1, 40, 3), [20, 30]);
        assert_eq!((both.first_seen, both.target), (20, 7));
        let one = report(stream(0, 0, 0), stream(1, 40, 3), [0, 30]);
        assert_eq!((one.first_seen, one.target, one.streams[0].last_seen), (30, 3, 0));
    }
}
