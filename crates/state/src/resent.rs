//! TCP segments that were sent again, added up over flows.

use units::{Direction, Packets};

use crate::flows::{Span, share_percent};
use crate::growth::Growth;
use crate::rate::Interval;

/// IANA's number of TCP.
pub const TCP: u8 = 6;

/// What happened to the TCP segments of one direction since it is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resent {
    /// Segments seen.
    pub segments: Packets,
    /// Of these, segments that were sent again.
    pub retransmits: u64,
    /// Of these, segments that were overtaken on their way here.
    pub reordered: u64,
    /// Segments that were sent again in the tick that rates are from.
    grown: u64,
}

impl Resent {
    /// Percent of the segments that were sent again; none of none, never above 100.
    pub fn share_percent(&self) -> Option<f64> {
        let any = self.segments != Packets::default();
        any.then(|| share_percent(self.retransmits, self.segments))
    }

    pub(crate) fn per_sec(&self, interval: Interval) -> u64 {
        interval.per_sec(self.grown)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.segments += other.segments;
        self.retransmits = self.retransmits.saturating_add(other.retransmits);
        self.reordered = self.reordered.saturating_add(other.reordered);
    }

    /// Begins a tick.
    pub(crate) fn begin(&mut self) {
        self.grown = 0;
    }

    /// Adds what a flow grew by.
    pub(crate) fn add(&mut self, span: Span, growth: &Growth, protocol: u8, direction: Direction) {
        if protocol != TCP {
            return;
        }
        self.segments += growth.traffic[direction].packets;
        self.retransmits = self.retransmits.saturating_add(growth.retransmits[direction]);
        self.reordered = self.reordered.saturating_add(growth.reordered[direction]);
        if span.interval.is_some() {
            self.grown = self.grown.saturating_add(growth.retransmits[direction]);
        }
    }
}
