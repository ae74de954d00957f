//! Derived figures, as one tick leaves them.

use std::ops::AddAssign;
use std::sync::Arc;

use units::{BitsPerSec, Bytes, Direction, Packets, PerDirection, PerSegment};

use crate::cpus::CpuFigures;
use crate::histogram::Histogram;
use crate::history::HistoryPoint;
use crate::layout::Layout;
use crate::leaves::Leaves;
use crate::rate::Rate;
use crate::ring::Ring;
use crate::sample::{ByProtocol, MapFill, Traffic, UnknownHost};
use crate::window::RttFigures;

/// What is known after one tick. Never changed once published.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Ticks so far; 0 before the first.
    pub tick: u64,
    /// When its sample was read, on the monotonic clock.
    pub taken_ns: u64,
    /// The time that its rates cover; none at the first tick, which has no rates.
    pub interval_ns: Option<u64>,
    /// Whether packets passed uncounted as that time began or ended: then rates mean nothing.
    pub bypass: bool,
    /// Whose the figures are. Circuits, nodes and queues are in its order.
    pub layout: Arc<Layout>,
    /// By circuit.
    pub circuits: Vec<CircuitFigures>,
    /// By node, everything below included.
    pub nodes: Vec<NodeFigures>,
    /// By queue.
    pub queues: Vec<QueueFigures>,
    /// What the leaves under the circuits' classes did.
    pub leaves: Arc<Leaves>,
    /// The box as a whole.
    pub total: BoxFigures,
    /// Hosts that no device covers.
    pub unknown: Vec<UnknownHost>,
    /// How full the kernel maps are.
    pub maps: Vec<MapFill>,
    /// How busy the CPUs are.
    pub cpus: Vec<CpuFigures>,
    /// The box over the last ticks, this one included.
    pub history: Ring<HistoryPoint>,
}

/// The box as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxFigures {
    /// What arrived.
    pub offered: PerDirection<ByProtocol<Rate>>,
    /// What has arrived since the kernel began to count.
    pub arrived: PerDirection<ByProtocol<Traffic>>,
    /// What happened to TCP connections, those of unknown hosts included.
    pub tcp: PerDirection<TcpFigures>,
    /// RTTs of the last minute, of all circuits.
    pub rtt: PerSegment<Option<RttFigures>>,
    /// How they are spread.
    pub rtt_histogram: PerSegment<Histogram>,
    /// Ways out of `xdp_ingress`.
    pub verdicts: Vec<CounterFigures>,
    /// Noteworthy things that happened to packets.
    pub events: Vec<CounterFigures>,
    /// Ways out of `tc_egress`.
    pub egress: Vec<CounterFigures>,
}

/// A counter of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterFigures {
    /// What is counted.
    pub name: &'static str,
    /// As the kernel has it.
    pub count: Packets,
    /// How many a second.
    pub per_sec: u64,
}

/// One circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitFigures {
    /// What arrived.
    pub offered: PerDirection<ByProtocol<Rate>>,
    /// What its class did; none when not shaping or when its statistics are not to be had.
    pub class: PerDirection<Option<ClassFigures>>,
    /// What happened to its TCP connections.
    pub tcp: PerDirection<TcpFigures>,
    /// RTTs of the last minute; none where no sample was taken.
    pub rtt: PerSegment<Option<RttFigures>>,
}

/// What happened to TCP connections in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFigures {
    /// Segments that were sent again.
    pub retransmits: CountFigures,
    /// Segments that were overtaken on their way here.
    pub reordered: CountFigures,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountFigures {
    /// Since its owner was seen first.
    pub count: Packets,
    /// How many a second.
    pub per_sec: u64,
}

impl CountFigures {
    /// Percent of the packets of `tcp` that it happened to, now; 0 of none, never above 100.
    pub fn share_percent(&self, tcp: Rate) -> f64 {
        if tcp.packets_per_sec == 0 {
            return 0.0;
        }
        (self.per_sec as f64 * 100.0 / tcp.packets_per_sec as f64).min(100.0)
    }
}

impl AddAssign for CountFigures {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.per_sec = self.per_sec.saturating_add(other.per_sec);
    }
}

impl AddAssign for TcpFigures {
    fn add_assign(&mut self, other: Self) {
        self.retransmits += other.retransmits;
        self.reordered += other.reordered;
    }
}

/// What one class did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassFigures {
    /// Let through.
    pub sent: Rate,
    /// Packets dropped, a second.
    pub drops_per_sec: u64,
    /// Packets dropped since this class was seen first.
    pub drops: Packets,
    /// Bytes waiting.
    pub backlog: Bytes,
}

/// One node, everything below included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFigures {
    /// Circuits.
    pub circuits: u32,
    /// What arrived.
    pub offered: PerDirection<ByProtocol<Rate>>,
    /// What its circuits were given: see [`CircuitFigures::carried`].
    pub carried: PerDirection<BitsPerSec>,
    /// Packets dropped, a second.
    pub drops_per_sec: PerDirection<u64>,
    /// Packets dropped since their classes were seen first.
    pub drops: PerDirection<Packets>,
    /// What happened to TCP connections.
    pub tcp: PerDirection<TcpFigures>,
    /// RTTs of the last minute; none where no sample was taken.
    pub rtt: PerSegment<Option<RttFigures>>,
}

/// One queue: its circuits' classes and the one for what no circuit claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Let through, dropped and waiting, summed.
    pub sum: ClassFigures,
}

impl CircuitFigures {
    /// What the circuit was given: what its class let through, or what arrived when no class tells.
    pub fn carried(&self, direction: Direction) -> BitsPerSec {
        match &self.class[direction] {
            Some(class) => class.sent.bits,
            None => self.offered[direction].sum().bits,
        }
    }

    /// Percent of its plan, `max`, that the circuit was given.
    pub fn share_percent(&self, max: BitsPerSec, direction: Direction) -> f64 {
        share_percent(self.carried(direction), max)
    }
}

impl NodeFigures {
    pub(crate) fn add_circuit(&mut self, circuit: &CircuitFigures) {
        self.circuits += 1;
        for direction in Direction::ALL {
            self.offered[direction] += circuit.offered[direction];
            self.carried[direction] = self.carried[direction] + circuit.carried(direction);
            self.tcp[direction] += circuit.tcp[direction];
            if let Some(class) = &circuit.class[direction] {
                self.drops_per_sec[direction] += class.drops_per_sec;
                self.drops[direction] += class.drops;
            }
        }
    }

    pub(crate) fn add_child(&mut self, child: &Self) {
        self.circuits += child.circuits;
        for direction in Direction::ALL {
            self.offered[direction] += child.offered[direction];
            self.carried[direction] = self.carried[direction] + child.carried[direction];
            self.drops_per_sec[direction] += child.drops_per_sec[direction];
            self.drops[direction] += child.drops[direction];
            self.tcp[direction] += child.tcp[direction];
        }
    }
}

impl QueueFigures {
    pub(crate) fn add(&mut self, class: &ClassFigures) {
        self.sum.sent += class.sent;
        self.sum.drops_per_sec += class.drops_per_sec;
        self.sum.drops += class.drops;
        self.sum.backlog += class.backlog;
    }
}

/// Percent of `limit` that `rate` is; 0 of no limit.
pub(crate) fn share_percent(rate: BitsPerSec, limit: BitsPerSec) -> f64 {
    if limit == BitsPerSec::ZERO { 0.0 } else { rate.get() as f64 * 100.0 / limit.get() as f64 }
}

impl Snapshot {
    /// Percent of its limit that the node at `index` was given.
    pub fn node_share_percent(&self, index: usize, direction: Direction) -> f64 {
        share_percent(
            self.nodes[index].carried[direction],
            self.layout.nodes[index].limit[direction],
        )
    }

    /// Percent of its link that the queue at `index` sent.
    pub fn queue_share_percent(&self, index: usize) -> f64 {
        share_percent(self.queues[index].sum.sent.bits, self.layout.queues[index].link)
    }
}
