//! Why a circuit sits where it sits.

use std::collections::HashMap;
use std::fmt;

use config::{Circuit, Config};
use schemars::JsonSchema;
use serde::Serialize;
use units::{
    BitsPerSec, CircuitId, CircuitSlot, CpuId, Direction, PerDirection, QueueId, TcHandle,
};

use crate::ceilings::{Ceilings, Squashed};
use crate::display::{inert, leaf_name};
use crate::leaves::wanted;
use crate::model::{CircuitPlan, ClassPlan, LeafPlan, NicPlan, Owner, Plan, QueuePlan};
use crate::placement::Loads;
use crate::tree::{Tree, Unit};

/// Why a circuit sits where it sits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Which circuit.
    pub circuit: CircuitId,
    /// Its name.
    pub name: String,
    /// Its row in the kernel's arrays.
    pub slot: CircuitSlot,
    /// The CPU that forwards its packets.
    pub cpu: CpuId,
    /// Why this shard; none where nothing is shaped.
    pub shard: Option<ShardReason>,
    /// The way through each direction's tree; none where nothing is shaped.
    pub paths: PerDirection<Option<Path>>,
}

/// Why a circuit is on its shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShardReason {
    /// The shard.
    pub shard: usize,
    /// What was packed as one: the circuit's top-level node, or itself.
    pub part: Owner,
    /// What that may carry, both directions together.
    pub part_load: BitsPerSec,
    /// What all that is on each shard may carry, both directions together.
    pub shard_loads: Vec<BitsPerSec>,
}

/// The way through one direction's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Path {
    /// The NIC's name.
    pub nic: String,
    /// The transmit queue.
    pub queue: QueueId,
    /// The leaf, where one of ours is wanted.
    pub leaf: Option<LeafPlan>,
    /// Why this leaf.
    pub leaf_reason: String,
    /// From the link down to the circuit.
    pub steps: Vec<Step>,
}

/// One element on the way from the link to the circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// Whose class it is.
    pub owner: Owner,
    /// Its name.
    pub name: String,
    /// Its limit or max rate as configured.
    pub configured: Option<BitsPerSec>,
    /// Its class; none for virtual nodes.
    pub class: Option<StepClass>,
}

/// The class of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepClass {
    /// Its handle.
    pub handle: TcHandle,
    /// Its guaranteed rate.
    pub rate: BitsPerSec,
    /// Its ceiling.
    pub ceil: BitsPerSec,
    /// Whether the ceiling is below what is configured, as something above carries no more.
    pub squashed: bool,
}

/// Tells why a circuit sits where it sits. Nothing if the plan or the configuration lacks it.
pub fn explain(plan: &Plan, config: &Config, circuit: &CircuitId) -> Option<Explanation> {
    let place = plan.circuits.iter().find(|place| place.id == *circuit)?;
    let (index, wanted) =
        config.network.circuits.iter().enumerate().find(|(_, wanted)| wanted.id == *circuit)?;
    Some(Explanation {
        circuit: circuit.clone(),
        name: wanted.name.to_string(),
        slot: place.slot,
        cpu: place.cpu,
        shard: shard_reason(plan, config, place, index),
        paths: PerDirection::from_fn(|direction| path(plan, config, place, wanted, direction)),
    })
}

fn queues(plan: &Plan, direction: Direction) -> impl Iterator<Item = (&NicPlan, &QueuePlan)> {
    let all = plan.nics.iter().flat_map(|nic| nic.queues.iter().map(move |queue| (nic, queue)));
    all.filter(move |(_, queue)| queue.direction == direction)
}

/// Weighs the parts as the packing does, and adds up what each shard holds.
fn shard_reason(
    plan: &Plan,
    config: &Config,
    place: &CircuitPlan,
    index: usize,
) -> Option<ShardReason> {
    let tree = Tree::new(&config.network);
    let mut squashed = Squashed::default();
    let ceilings = PerDirection::from_fn(|d| Ceilings::squash(&tree, config, d, &mut squashed));
    let loads = Loads::expect(&tree, &ceilings);
    let network = &config.network;
    let nodes: HashMap<_, _> = network.nodes.iter().enumerate().map(|(i, n)| (&n.id, i)).collect();
    let circuits: HashMap<_, _> =
        network.circuits.iter().enumerate().map(|(i, c)| (&c.id, i)).collect();
    let load = |owner: &Owner| match owner {
        Owner::Node(id) => nodes.get(id).map_or(0, |i| loads.of(Unit::Node(*i))),
        Owner::Circuit(id) => circuits.get(id).map_or(0, |i| loads.of(Unit::Circuit(*i))),
        Owner::Link | Owner::Unclaimed => 0,
    };
    let shard_loads = queues(plan, Direction::Download).map(|(_, queue)| {
        let link = queue.classes.iter().find(|class| class.owner == Owner::Link);
        let parts = queue.classes.iter().filter(|c| link.is_some_and(|l| c.parent == l.handle));
        BitsPerSec::new(parts.map(|class| load(&class.owner)).fold(0, u64::saturating_add))
    });
    let part = match tree.unit_of_circuit(index) {
        Unit::Node(i) => Owner::Node(network.nodes[i].id.clone()),
        Unit::Circuit(_) => Owner::Circuit(place.id.clone()),
    };
    let at = |(_, queue): (&NicPlan, &QueuePlan)| queue.queue == place.queue.down;
    Some(ShardReason {
        shard: queues(plan, Direction::Download).position(at)?,
        part_load: BitsPerSec::new(load(&part)),
        part,
        shard_loads: shard_loads.collect(),
    })
}

fn path(
    plan: &Plan,
    config: &Config,
    place: &CircuitPlan,
    circuit: &Circuit,
    direction: Direction,
) -> Option<Path> {
    let at = |(_, queue): &(&NicPlan, &QueuePlan)| queue.queue == place.queue[direction];
    let (nic, queue) = queues(plan, direction).find(at)?;
    let class = |owner: &Owner| queue.classes.iter().find(|class| class.owner == *owner);
    let owner = Owner::Circuit(circuit.id.clone());
    let own = class(&owner)?;
    let mut steps =
        vec![step(own.owner.clone(), &circuit.name, Some(circuit.max[direction]), Some(own))];
    let mut above = circuit.parent;
    while let Some(node) = above.and_then(|i| config.network.nodes.get(i)) {
        let owner = Owner::Node(node.id.clone());
        let class = if node.is_virtual { None } else { class(&owner) };
        steps.push(step(owner, &node.name, node.rate[direction], class));
        above = node.parent;
    }
    let link = Some(config.queues.link[direction]);
    steps.push(step(Owner::Link, "link", link, class(&Owner::Link)));
    steps.reverse();
    Some(Path {
        nic: nic.name.clone(),
        queue: queue.queue,
        leaf: own.leaf,
        leaf_reason: leaf_reason(config, circuit, direction, own.leaf),
        steps,
    })
}

fn step(
    owner: Owner,
    name: &str,
    configured: Option<BitsPerSec>,
    class: Option<&ClassPlan>,
) -> Step {
    let class = class.map(|class| StepClass {
        handle: class.handle,
        rate: class.rate,
        ceil: class.ceil,
        squashed: configured.is_some_and(|configured| class.ceil < configured),
    });
    Step { owner, name: name.to_owned(), configured, class }
}

fn leaf_reason(
    config: &Config,
    circuit: &Circuit,
    direction: Direction,
    leaf: Option<LeafPlan>,
) -> String {
    let max = circuit.max[direction];
    let wanted = wanted(&config.queues, circuit.leaf[direction], max);
    let planned = leaf.map_or(config::Leaf::None, |leaf| leaf.kind);
    if planned != wanted {
        return format!("the fall-back, as the kernel lacks {}", leaf_name(wanted));
    }
    match (circuit.leaf[direction], config.queues.fast_leaf) {
        (Some(_), _) => "the circuit asks for it".to_owned(),
        (None, Some(fast)) if max >= fast.from => {
            format!("the one for circuits from {} on", fast.from)
        }
        (None, _) => "the general one".to_owned(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, name) = (inert(self.circuit.as_str()), inert(&self.name));
        writeln!(f, "circuit {id} ({name}): row {}, CPU {}", self.slot, self.cpu)?;
        match &self.shard {
            Some(reason) => writeln!(f, "{reason}")?,
            None => writeln!(f, "nothing is shaped, packets are only counted")?,
        }
        for direction in Direction::ALL {
            if let Some(path) = &self.paths[direction] {
                write!(f, "\n{direction}: {path}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ShardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shard, part, load) = (self.shard, &self.part, self.part_load);
        write!(f, "queue pair {shard}: ")?;
        match part {
            Owner::Circuit(_) => write!(f, "it has no parent with a class and may carry {load}")?,
            _ => write!(f, "it goes with {part}, which may carry {load}")?,
        }
        let mine = self.shard_loads.get(shard).copied().unwrap_or_default();
        write!(f, "; this pair may carry {mine}")?;
        let others: Vec<String> = (0..self.shard_loads.len())
            .filter(|i| *i != shard)
            .map(|i| format!("pair {i} {}", self.shard_loads[i]))
            .collect();
        if others.is_empty() { Ok(()) } else { write!(f, ", {}", others.join(", ")) }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} queue {}", self.nic, self.queue)?;
        for (depth, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:1$}{step}", "", 2 + depth * 2)?;
        }
        match self.leaf {
            Some(leaf) => writeln!(f, "  leaf {leaf}: {}", self.leaf_reason),
            None => writeln!(f, "  no leaf: {}", self.leaf_reason),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(class) = &self.class else {
            return write!(f, "{}: virtual, has no class and no limit", self.owner);
        };
        let StepClass { handle, rate, ceil, squashed } = class;
        write!(f, "{}: class {handle}, guaranteed {rate}, at most {ceil}", self.owner)?;
        match self.configured {
            Some(configured) if *squashed => {
                write!(f, " (squashed to its parent's; {configured} is configured)")
            }
            Some(configured) if *ceil > configured => {
                write!(f, " ({configured} and the frames' headers)")
            }
            Some(_) => Ok(()),
            None => write!(f, " (its parent's, it has no limit of its own)"),
        }
    }
}
