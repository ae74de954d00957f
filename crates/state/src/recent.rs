//! Flows that left the table not long ago.

use units::{PerDirection, PerSegment, Segment};

use crate::flows::{CompactOwner, Ending, Gone};
use crate::origins::OriginId;
use crate::reading::{FlowKey, Owner};
use crate::ring::Ring;
use crate::sample::Traffic;

/// How long a flow is remembered.
pub const RECENT_NS: u64 = 300_000_000_000;

/// A flow that left the table.
#[derive(Clone, Copy, Debug)]
pub struct RecentFlow {
    /// Which.
    pub key: FlowKey,
    owner: CompactOwner,
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
    /// All of it.
    pub traffic: PerDirection<Traffic>,
    /// TCP segments that were sent again.
    pub retransmits: PerDirection<u32>,
    /// Smoothed RTTs; none where there was no sample.
    pub rtt_ns: PerSegment<Option<u64>>,
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
            traffic: row.streams.map(|stream| stream.traffic),
            retransmits: row.streams.map(|stream| stream.retransmits),
            rtt_ns: PerSegment::from_fn(|segment: Segment| {
                row.rtt(segment).map(|rtt| rtt.smoothed_ns)
            }),
        }
    }

    /// Whose it was.
    pub fn owner(&self) -> Owner {
        self.owner.into()
    }
}

impl Ring<RecentFlow> {
    pub(crate) fn remember(&mut self, gone: &Gone, now_ns: u64) {
        self.push(RecentFlow::new(gone, now_ns));
    }

    /// Forgets what left more than [`RECENT_NS`] ago.
    pub(crate) fn forget(&mut self, now_ns: u64) {
        self.expire(|flow| now_ns.saturating_sub(flow.left_ns) >= RECENT_NS);
    }
}
