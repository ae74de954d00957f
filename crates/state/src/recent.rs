//! Flows that left the table not long ago.

use units::{PerDirection, PerSegment, Segment};

use crate::flows::{CompactOwner, CompactRtt, Ending, Gone};
use crate::origins::OriginId;
use crate::reading::{FlowKey, Owner, RttReading, StreamReading};
use crate::ring::Ring;

/// How long a flow is remembered unless told otherwise.
pub const RECENT_NS: u64 = 300_000_000_000;

/// A flow that left the table.
#[derive(Clone, Copy, Debug)]
pub struct RecentFlow {
    /// Which.
    pub key: FlowKey,
    pub(crate) owner: CompactOwner,
    /// Whose address the other end is.
    pub origin: OriginId,
    /// Why it left.
    pub ending: Ending,
    /// When it left.
    pub left_ns: u64,
    /// Its first packet.
    pub first_seen_ns: u64,
    /// Its last packet.
    pub last_seen_ns: u64,
    /// Its two directions, as they were last read.
    pub streams: PerDirection<StreamReading>,
    rtt: PerSegment<CompactRtt>,
}

impl RecentFlow {
    fn new(gone: &Gone, left_ns: u64) -> Self {
        let row = &gone.row;
        Self {
            key: row.key,
            owner: row.owner().into(),
            origin: row.origin,
            ending: gone.ending,
            left_ns,
            first_seen_ns: row.first_seen_ns,
            last_seen_ns: row.last_seen_ns(),
            streams: row.streams,
            rtt: row.rtt,
        }
    }

    /// Whose it was.
    pub fn owner(&self) -> Owner {
        self.owner.into()
    }

    /// The RTTs of a segment; none where there was no sample.
    pub fn rtt(&self, segment: Segment) -> Option<RttReading> {
        self.rtt[segment].into()
    }
}

impl Ring<RecentFlow> {
    pub(crate) fn remember(&mut self, gone: &Gone, now_ns: u64) {
        self.push(RecentFlow::new(gone, now_ns));
    }

    /// Forgets what left `keep_ns` ago or earlier.
    pub(crate) fn forget(&mut self, now_ns: u64, keep_ns: u64) {
        self.expire(|flow| now_ns.saturating_sub(flow.left_ns) >= keep_ns);
    }
}
