//! What is read of the qdiscs under the classes.

use units::{BitsPerSec, Bytes, IfIndex, TcHandle};

use crate::sample::Traffic;

/// The statistics of all leaves, as one dump gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafSample {
    /// In any order; leaves of classes that the layout does not name are passed over.
    pub leaves: Vec<LeafReading>,
    /// The tins of all leaves, those of one leaf side by side.
    pub tins: Vec<TinReading>,
}

/// The statistics of one leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafReading {
    /// The NIC.
    pub nic: IfIndex,
    /// The class that it is under.
    pub class: TcHandle,
    /// The leaf itself.
    pub handle: TcHandle,
    /// Which qdisc it is.
    pub kind: LeafKind,
    /// What every qdisc counts.
    pub counters: LeafCounters,
    /// The first of its tins in [`LeafSample::tins`].
    pub first_tin: u32,
    /// How many it has.
    pub tins: u8,
}

/// A qdisc that may be a leaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each says itself")]
pub enum LeafKind {
    Cake,
    FqCodel,
    Pfifo,
    Bfifo,
    #[default]
    Other,
}

/// A leaf's counters. Those of 32 bits are the kernel's, which wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeafCounters {
    /// Let through.
    pub sent: Traffic,
    /// Packets dropped.
    pub drops: u32,
    /// Packets marked as congested.
    pub marks: u32,
    /// Times that a limit of its own was met.
    pub overlimits: u32,
    /// Packets that the NIC gave back.
    pub requeues: u32,
    /// Bytes waiting now.
    pub backlog_bytes: u32,
    /// Packets waiting now.
    pub backlog_packets: u32,
    /// Bytes of memory in use; 0 where the qdisc does not tell. The most so far for CAKE.
    pub memory_bytes: u32,
    /// Flows that are served first, as they are sparse; 0 where the qdisc does not tell.
    pub sparse_flows: u32,
    /// Flows that take turns, likewise.
    pub bulk_flows: u32,
}

/// One of CAKE's tins. Counters of 32 bits are the kernel's, which wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TinReading {
    /// The rate above which it yields to the others.
    pub threshold: BitsPerSec,
    /// Let through.
    pub sent_bytes: Bytes,
    /// Packets let through.
    pub sent_packets: u32,
    /// Packets dropped, filtered acknowledgements not among them.
    pub drops: u32,
    /// Packets marked as congested.
    pub marks: u32,
    /// Acknowledgements filtered out.
    pub ack_drops: u32,
    /// Bytes waiting now.
    pub backlog_bytes: u32,
    /// The delay that it aims at.
    pub target_us: u32,
    /// How long packets wait: the longest times, smoothed.
    pub peak_delay_us: u32,
    /// On average.
    pub avg_delay_us: u32,
    /// The shortest times: what sparse flows wait.
    pub base_delay_us: u32,
    /// Flows now that send less than their share.
    pub sparse_flows: u32,
    /// Flows now that fill their share.
    pub bulk_flows: u32,
    /// Flows now that do not slow down when told to.
    pub unresponsive_flows: u32,
}

impl LeafSample {
    /// The tins of one of its leaves, the lowest priority first; none where the leaf is not CAKE.
    pub fn tins_of(&self, leaf: &LeafReading) -> &[TinReading] {
        let first = leaf.first_tin as usize;
        self.tins.get(first..first + usize::from(leaf.tins)).unwrap_or_default()
    }
}

impl LeafKind {
    /// The kernel's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cake => "cake",
            Self::FqCodel => "fq_codel",
            Self::Pfifo => "pfifo",
            Self::Bfifo => "bfifo",
            Self::Other => "other",
        }
    }
}
