//! The plan itself: the complete desired state, with every number decided.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{
    BitsPerSec, Bytes, CircuitId, CircuitSlot, CpuId, IfIndex, IpPrefix, NodeId, PerDirection,
    QueueId, TcHandle,
};

use config::{Leaf, Mode};

/// The complete desired state. Carrying it out takes no further decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// How packets get from one side to the other.
    pub mode: Mode,
    /// The NICs with what belongs on them: two, one on a stick, each with its trees. Empty trees
    /// when observing.
    pub nics: Vec<NicPlan>,
    /// Each circuit's place, ascending by id.
    pub circuits: Vec<CircuitPlan>,
    /// What each address block leads to, ascending by prefix.
    pub addresses: Vec<AddressPlan>,
}

/// What belongs on one NIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NicPlan {
    /// Its name, for messages.
    pub name: String,
    /// Its index.
    pub ifindex: IfIndex,
    /// Handle of the `mq` at its root; [`TcHandle::default`] on a NIC with a single transmit
    /// queue, where the kernel makes no `mq` (`mq_init` in `net/sched/sch_mq.c`): its HTB is the
    /// root then.
    pub mq: TcHandle,
    /// One HTB per queue in use, ascending by queue. The circuits of one shard (same position in
    /// each direction's list) are on the same CPU.
    pub queues: Vec<QueuePlan>,
}

/// One hardware transmit queue with the HTB under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueuePlan {
    /// The queue; its `mq` class has minor `queue + 1`.
    pub queue: QueueId,
    /// The CPU that serves it.
    pub cpu: CpuId,
    /// Which way its traffic travels.
    pub direction: units::Direction,
    /// Handle of its HTB.
    pub htb: TcHandle,
    /// By how many bits a min rate is shifted to give a quantum: the same for all of a direction.
    pub quantum_shift: u32,
    /// Minor of the class for what no circuit claims.
    pub default_class: u16,
    /// Parents before children; the link first, then the default class.
    pub classes: Vec<ClassPlan>,
}

/// One HTB class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassPlan {
    /// Its handle.
    pub handle: TcHandle,
    /// Its parent: the HTB's own handle, or another class's.
    pub parent: TcHandle,
    /// Whose it is.
    pub owner: Owner,
    /// Guaranteed rate of Ethernet frames.
    pub rate: BitsPerSec,
    /// Ceiling of Ethernet frames; at least `rate`.
    pub ceil: BitsPerSec,
    /// Bytes sent in a turn when borrowing; what borrows from the same class shares in its
    /// proportion. HTB reads it in leaf classes only.
    pub quantum: Bytes,
    /// Bytes that may go out at once at `rate`.
    pub burst: Bytes,
    /// Bytes that may go out at once at `ceil`.
    pub cburst: Bytes,
    /// What queues its packets; none in nodes, in the link, and where no leaf of ours is wanted.
    pub leaf: Option<LeafPlan>,
    /// What is left of what the circuits right below ask to be guaranteed beyond the least, in parts of
    /// 2^32; none where they get it all.
    pub cut: Option<u32>,
}

/// Whose a class is.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The link: parent of everything in its queue.
    Link,
    /// Traffic that no circuit claims.
    Unclaimed,
    /// A node.
    Node(NodeId),
    /// A circuit.
    Circuit(CircuitId),
}

/// The queueing discipline under a leaf class. Never `Leaf::None`, which is no qdisc of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafPlan {
    /// Its handle.
    pub handle: TcHandle,
    /// Which one.
    pub kind: Leaf,
    /// Which way its packets travel: a discipline that deals with hosts evenly takes the customers'.
    pub direction: units::Direction,
    /// Bytes it may hold, where the discipline takes a limit in bytes.
    pub limit: Bytes,
    /// When it drops, where the discipline knows `CoDel`.
    pub codel: Codel,
}

/// What `CoDel` drops for (RFC 8289, section 3), in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Codel {
    /// How long packets may wait.
    pub target: Duration,
    /// How long they may wait for longer than that.
    pub interval: Duration,
}

/// Where a circuit lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CircuitPlan {
    /// Which circuit.
    pub id: CircuitId,
    /// Its row in the kernel's arrays.
    pub slot: CircuitSlot,
    /// The CPU that forwards its packets.
    pub cpu: CpuId,
    /// Transmit queue, each on its direction's NIC.
    pub queue: PerDirection<QueueId>,
    /// HTB class, each on its direction's NIC; [`TcHandle::default`] when observing.
    pub class: PerDirection<TcHandle>,
}

/// What an address block leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressPlan {
    /// The block.
    pub prefix: IpPrefix,
    /// What its packets are.
    pub target: Target,
}

/// What an address's packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The circuit in this row.
    Circuit(CircuitSlot),
    /// Left alone.
    Ignored,
    /// A customers' range: hosts with no circuit are listed as unknown.
    Customers,
}
