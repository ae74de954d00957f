//! What the plan before decided, so that what need not change does not.

use config::Network;
use foldhash::HashMap;
use units::{CircuitId, CircuitSlot, Direction, PerDirection};

use crate::htb::LINK_MINOR;
use crate::model::{ClassPlan, LeafPlan, Owner, Plan, QueuePlan};
use crate::tree::Unit;

/// The plan before, found by owner. Empty when there is none.
///
/// Only looked up, never relied on: whatever it says is taken over only where it fits.
#[derive(Default)]
pub(crate) struct Previous<'a> {
    slots: HashMap<&'a CircuitId, CircuitSlot>,
    classes: PerDirection<HashMap<&'a Owner, OldClass>>,
    queues: PerDirection<Vec<&'a QueuePlan>>,
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

impl<'a> Previous<'a> {
    pub(crate) fn new(plan: Option<&'a Plan>) -> Self {
        let Some(plan) = plan else { return Self::default() };
        let queues = PerDirection::from_fn(|direction| {
            let all = plan.nics.iter().flat_map(|nic| &nic.queues);
            all.filter(|queue| queue.direction == direction).collect::<Vec<_>>()
        });
        let classes = queues.as_ref().map(|queues| {
            let each = queues.iter().enumerate().flat_map(|(shard, queue)| {
                queue.classes.iter().map(move |class| {
                    let (minor, parent) = (class.handle.minor(), class.parent.minor());
                    let ClassPlan { leaf, cut, .. } = *class;
                    (&class.owner, OldClass { shard, minor, parent, leaf, cut })
                })
            });
            let count = queues.iter().map(|queue| queue.classes.len()).sum();
            let mut classes = HashMap::with_capacity_and_hasher(count, Default::default());
            classes.extend(
                each.filter(|(owner, _)| matches!(owner, Owner::Node(_) | Owner::Circuit(_))),
            );
            classes
        });
        let slots = plan.circuits.iter().map(|circuit| (&circuit.id, circuit.slot)).collect();
        Self { slots, classes, queues }
    }

    /// The row that a circuit had.
    pub(crate) fn slot(&self, id: &CircuitId) -> Option<CircuitSlot> {
        self.slots.get(id).copied()
    }

    /// Every row that was in use.
    pub(crate) fn slots(&self) -> impl Iterator<Item = CircuitSlot> + '_ {
        self.slots.values().copied()
    }

    /// Where a node's or circuit's class was.
    pub(crate) fn class(&self, direction: Direction, owner: &Owner) -> Option<OldClass> {
        self.classes[direction].get(owner).copied()
    }

    /// The shard that a part of the network was on as a part of its own. What used to hang from
    /// another node needs a new class anyway and may go where there is most room: so a node that
    /// is made virtual has its children spread.
    pub(crate) fn shard(&self, network: &Network, unit: Unit) -> Option<usize> {
        if self.classes.down.is_empty() {
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
        let queue = self.queues[direction].get(shard)?;
        queue.classes.iter().find(|class| class.owner == Owner::Unclaimed)?.leaf
    }

    /// How the circuits right below a node, or a shard's link, were cut.
    pub(crate) fn cut(&self, direction: Direction, shard: usize, owner: &Owner) -> Option<u32> {
        if *owner == Owner::Link {
            return self.queues[direction].get(shard)?.classes.first()?.cut;
        }
        self.class(direction, owner)?.cut
    }

    /// The scale of the quanta.
    pub(crate) fn quantum_shift(&self, direction: Direction) -> Option<u32> {
        self.queues[direction].first().map(|queue| queue.quantum_shift)
    }

    /// Minors that were in use on a shard.
    pub(crate) fn minors(&self, direction: Direction, shard: usize) -> impl Iterator<Item = u32> {
        let queue = self.queues[direction].get(shard);
        let classes = queue.into_iter().flat_map(|queue| &queue.classes);
        classes.map(|class| class.handle.minor().into())
    }

    /// Majors of leaves that were in use.
    pub(crate) fn leaves(&self, direction: Direction) -> impl Iterator<Item = u32> + '_ {
        let classes = self.queues[direction].iter().flat_map(|queue| &queue.classes);
        classes.filter_map(|class| class.leaf.map(|leaf| leaf.handle.major().into()))
    }
}
