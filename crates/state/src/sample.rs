//! Raw counters, as they were read.

use std::net::IpAddr;
use std::ops::AddAssign;
use std::sync::Arc;

use units::{Bytes, CircuitSlot, IfIndex, Packets, PerDirection, TcHandle};

use crate::cpus::CpuReading;
use crate::leaf::LeafSample;
use crate::reading::QualityReading;

/// Everything that was read for one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When the counters were read, on the monotonic clock.
    pub taken_ns: u64,
    /// Whether packets pass uncounted now.
    pub bypass: bool,
    /// What arrived for each circuit, by [`units::CircuitSlot`], summed over CPUs. Rows past the
    /// end were not read.
    pub circuits: Vec<PerDirection<ByProtocol<Traffic>>>,
    /// What arrived at the box.
    pub total: PerDirection<ByProtocol<Traffic>>,
    /// RTTs and retransmissions of the circuits that have changed since the sample before, in any
    /// order; in the first sample, of all whose counters are not zero. What is not named here has
    /// not changed, so a tick costs what the busy circuits cost.
    pub quality: Vec<(CircuitSlot, QualityReading)>,
    /// TCP segments that were sent again, of all traffic.
    pub total_retransmits: PerDirection<Packets>,
    /// TCP segments that were overtaken on their way here, of all traffic.
    pub total_reordered: PerDirection<Packets>,
    /// Ways out of `xdp_ingress`. The same names in the same order in every sample.
    pub verdicts: Vec<Counter>,
    /// Noteworthy things that happened to packets, likewise.
    pub events: Vec<Counter>,
    /// Ways out of `tc_egress`, likewise.
    pub egress: Vec<Counter>,
    /// The newest statistics of the classes; the same one again until there is a newer; none when
    /// not shaping.
    pub classes: Option<Arc<ClassSample>>,
    /// Hosts that no device covers.
    pub unknown: Vec<UnknownHost>,
    /// How full the kernel maps are.
    pub maps: Vec<MapFill>,
    /// The CPUs' times.
    pub cpus: Vec<CpuReading>,
}

/// Bytes and packets since the counter was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of the packets.
    pub bytes: Bytes,
    /// Packets.
    pub packets: Packets,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.packets += other.packets;
    }
}

/// One value for each protocol that is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByProtocol<T> {
    /// TCP.
    pub tcp: T,
    /// UDP.
    pub udp: T,
    /// ICMP and ICMPv6.
    pub icmp: T,
    /// Everything else.
    pub other: T,
}

impl<T: Copy + Default + AddAssign> ByProtocol<T> {
    /// All protocols together.
    pub fn sum(&self) -> T {
        let mut sum = T::default();
        for part in [self.tcp, self.udp, self.icmp, self.other] {
            sum += part;
        }
        sum
    }
}

impl<T: AddAssign> AddAssign for ByProtocol<T> {
    fn add_assign(&mut self, other: Self) {
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.icmp += other.icmp;
        self.other += other.other;
    }
}

/// A counter of packets with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What is counted.
    pub name: &'static str,
    /// How many so far.
    pub count: Packets,
}

/// The statistics of all classes, as one dump gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSample {
    /// When the dump was made, on the monotonic clock. It tells a newer sample from the same one.
    pub taken_ns: u64,
    /// In any order; classes that the layout does not name are passed over.
    pub classes: Vec<ClassReading>,
    /// The qdiscs under them.
    pub leaves: LeafSample,
}

/// The statistics of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassReading {
    /// The NIC.
    pub nic: IfIndex,
    /// The class.
    pub handle: TcHandle,
    /// Its counters.
    pub counters: ClassCounters,
}

/// A class's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounters {
    /// Let through.
    pub sent: Traffic,
    /// Packets dropped: the kernel's counter of 32 bits, which wraps.
    pub drops: u32,
    /// Bytes waiting now.
    pub backlog: Bytes,
}

/// One host that no device covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownHost {
    /// The host.
    pub addr: IpAddr,
    /// Its first packet, on the monotonic clock.
    pub first_seen_ns: u64,
    /// Its last packet, on the monotonic clock.
    pub last_seen_ns: u64,
    /// Seen since it is remembered.
    pub traffic: PerDirection<Traffic>,
}

/// How full a kernel map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFill {
    /// The map.
    pub name: &'static str,
    /// Entries in use.
    pub used: u64,
    /// Entries that fit.
    pub capacity: u64,
}
