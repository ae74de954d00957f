//! What the plan before decided, so that what need not change does not.

use config::Network;
use foldhash::HashMap;
use units::ours::LINK_MINOR;
use units::{CircuitId, CircuitSlot, Direction, NodeId, PerDirection};

use crate::model::{CircuitPlan, ClassPlan, LeafPlan, Owner, Plan, QueuePlan};
use crate::tree::Unit;

/// The plan before, found by owner. Empty when there is none.
///
/// Only looked up, never relied on: whatever it says is taken over only where it fits.
#[derive(Default)]
pub(crate) struct Previous<'a> {
    circuits: HashMap<&'a CircuitId, &'a CircuitPlan>,
    nodes: PerDirection<HashMap<&'a NodeId, OldClass>>,
    queues: PerDirection<Vec<OldQueue<'a>>>,
}

/// A queue with where the class of each minor is in it.
struct OldQueue<'a> {
    plan: &'a QueuePlan,
    by_minor: Vec<u32>,
}

/// No class has this minor.
const NOWHERE: u32 = u32::MAX;

impl<'a> OldQueue<'a> {
    fn of(plan: &'a QueuePlan) -> Self {
        let minors = || plan.classes.iter().map(|class| usize::from(class.handle.minor()));
        let mut by_minor = vec![NOWHERE; minors().max().map_or(0, |last| last + 1)];
        minors().zip(0..).for_each(|(minor, at)| by_minor[minor] = at);
        Self { plan, by_minor }
    }

    fn class(&self, minor: u16) -> Option<&'a ClassPlan> {
        let at = *self.by_minor.get(usize::from(minor)).filter(|at| **at != NOWHERE)?;
        self.plan.classes.get(at as usize)
    }
}

/// Where a class was.
#[derive(Clone, Copy)]
pub(crate) struct OldClass {
    pub(crate) shard: usize,
    pub(crate) minor: u16,
    /// Minor of its parent.
    pub(crate) parent: u16,
    pub(crate) leaf: Option<LeafPlan>,
    pub(crate) cut: Option<u32>,
}

impl OldClass {
    const fn of(class: &ClassPlan, shard: usize) -> Self {
        let ClassPlan { handle, parent, leaf, cut, .. } = class;
        Self { shard, minor: handle.minor(), parent: parent.minor(), leaf: *leaf, cut: *cut }
    }
}

impl<'a> Previous<'a> {
    pub(crate) fn new(plan: Option<&'a Plan>) -> Self {
        let Some(plan) = plan else { return Self::default() };
        let queues = PerDirection::from_fn(|direction| {
            let all = plan.nics.iter().flat_map(|nic| &nic.queues);
            all.filter(|queue| queue.direction == direction).map(OldQueue::of).collect::<Vec<_>>()
        });
        let nodes = queues.as_ref().map(|queues| {
            let mut nodes = HashMap::default();
            for (shard, queue) in queues.iter().enumerate() {
                nodes.extend(queue.plan.classes.iter().filter_map(|class| match &class.owner {
                    Owner::Node(id) => Some((id, OldClass::of(class, shard))),
                    _ => None,
                }));
            }
            nodes
        });
        let circuits = plan.circuits.iter().map(|circuit| (&circuit.id, circuit)).collect();
        Self { circuits, nodes, queues }
    }

    /// How many shards there were.
    pub(crate) fn shards(&self) -> usize {
        self.queues.down.len()
    }

    /// The row that a circuit had.
    pub(crate) fn slot(&self, id: &CircuitId) -> Option<CircuitSlot> {
        self.circuits.get(id).map(|circuit| circuit.slot)
    }

    /// Every row that was in use.
    pub(crate) fn slots(&self) -> impl Iterator<Item = CircuitSlot> + '_ {
        self.circuits.values().map(|circuit| circuit.slot)
    }

    /// Where a node's or circuit's class was.
    pub(crate) fn class(&self, direction: Direction, owner: &Owner) -> Option<OldClass> {
        match owner {
            Owner::Node(id) => self.nodes[direction].get(id).copied(),
            Owner::Circuit(id) => self.circuit(direction, id),
            Owner::Link | Owner::Unclaimed => None,
        }
    }

    fn circuit(&self, direction: Direction, id: &CircuitId) -> Option<OldClass> {
        let circuit = self.circuits.get(id)?;
        let queues = &self.queues[direction];
        let is_its = |queue: &OldQueue<'_>| queue.plan.queue == circuit.queue[direction];
        let shard = queues.iter().position(is_its)?;
        let class = queues[shard].class(circuit.class[direction].minor())?;
        let is_own = matches!(&class.owner, Owner::Circuit(owner) if owner == id);
        is_own.then(|| OldClass::of(class, shard))
    }

    /// The shard that a part of the network was on as a part of its own. What used to hang from
    /// another node needs a new class anyway and may go where there is most room: so a node that
    /// is made virtual has its children spread.
    pub(crate) fn shard(&self, network: &Network, unit: Unit) -> Option<usize> {
        if self.circuits.is_empty() && self.nodes.down.is_empty() {
            return None;
        }
        let owner = match unit {
            Unit::Node(i) => Owner::Node(network.nodes[i].id.clone()),
            Unit::Circuit(i) => Owner::Circuit(network.circuits[i].id.clone()),
        };
        let old = self.class(Direction::Download, &owner)?;
        (old.parent == LINK_MINOR).then_some(old.shard)
    }

    /// The leaf of a shard's class for what no circuit claims.
    pub(crate) fn default_leaf(&self, direction: Direction, shard: usize) -> Option<LeafPlan> {
        let queue = self.queues[direction].get(shard)?.plan;
        queue.classes.iter().find(|class| class.owner == Owner::Unclaimed)?.leaf
    }

    /// How the circuits right below a node, or a shard's link, were cut.
    pub(crate) fn cut(&self, direction: Direction, shard: usize, owner: &Owner) -> Option<u32> {
        if *owner == Owner::Link {
            return self.queues[direction].get(shard)?.plan.classes.first()?.cut;
        }
        self.class(direction, owner)?.cut
    }

    /// The scale of the quanta.
    pub(crate) fn quantum_shift(&self, direction: Direction) -> Option<u32> {
        self.queues[direction].first().map(|queue| queue.plan.quantum_shift)
    }

    /// Minors that were in use on a shard.
    pub(crate) fn minors(&self, direction: Direction, shard: usize) -> impl Iterator<Item = u32> {
        let queue = self.queues[direction].get(shard);
        let classes = queue.into_iter().flat_map(|queue| &queue.plan.classes);
        classes.map(|class| class.handle.minor().into())
    }

    /// Majors of leaves that were in use.
    pub(crate) fn leaves(&self, direction: Direction) -> impl Iterator<Item = u32> + '_ {
        let classes = self.queues[direction].iter().flat_map(|queue| &queue.plan.classes);
        classes.filter_map(|class| class.leaf.map(|leaf| leaf.handle.major().into()))
    }
}
