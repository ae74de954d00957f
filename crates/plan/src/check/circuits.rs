//! Places of circuits and nodes.

use std::collections::{HashMap, HashSet};

use config::Circuit;
use units::{CpuId, Direction, PerDirection, QueueId, TcHandle};

use super::{Rule, Shelf, View};
use crate::model::{CircuitPlan, ClassPlan, Owner};

/// Where a class is: its shard, and whose class is above it.
struct Found<'a> {
    shard: usize,
    queue: QueueId,
    class: &'a ClassPlan,
    above: Option<&'a Owner>,
}

type Classes<'a> = HashMap<&'a Owner, Found<'a>>;

pub(super) fn check(view: &mut View<'_>) {
    same_circuits(view);
    rows(view);
    if !view.shapes() {
        for circuit in &view.plan.circuits {
            let classless = circuit.class == PerDirection::both(TcHandle::default());
            view.expect(classless, Rule::Circuits, &circuit.id, || {
                "has a class although nothing is shaped".to_owned()
            });
        }
        return;
    }
    let classes = PerDirection::from_fn(|direction| classes(view, direction));
    let cpus: Vec<CpuId> =
        view.queues(Direction::Download).iter().map(|(_, queue)| queue.cpu).collect();
    nodes(view, &classes);
    let configured: HashMap<_, _> =
        view.config.network.circuits.iter().map(|circuit| (&circuit.id, circuit)).collect();
    for circuit in &view.plan.circuits {
        if let Some(wanted) = configured.get(&circuit.id) {
            place(view, circuit, wanted, &classes, &cpus);
        }
    }
}

/// The plan's circuits are the configured ones, ascending.
fn same_circuits(view: &mut View<'_>) {
    let mut wanted: Vec<_> = view.config.network.circuits.iter().map(|c| &c.id).collect();
    wanted.sort();
    let planned: Vec<_> = view.plan.circuits.iter().map(|circuit| &circuit.id).collect();
    view.expect(planned == wanted, Rule::Circuits, "plan", || {
        format!("has {} circuits in its order, {} are configured", planned.len(), wanted.len())
    });
}

/// Each circuit has a row of its own that the kernel's arrays have.
fn rows(view: &mut View<'_>) {
    let mut taken = HashSet::new();
    for circuit in &view.plan.circuits {
        let slot = circuit.slot.get();
        let fits = slot < view.config.limits.circuits && taken.insert(slot);
        view.expect(fits, Rule::Circuits, &circuit.id, || {
            format!("row {slot} is taken or beyond the limit")
        });
    }
}

/// One direction's classes by owner. A second class of an owner is a violation.
fn classes<'a>(view: &mut View<'a>, direction: Direction) -> Classes<'a> {
    let mut classes: Classes<'a> = HashMap::new();
    for (shard, (nic, queue)) in view.queues(direction).into_iter().enumerate() {
        let shelf = Shelf::new(nic, queue, view.nic_facts(nic));
        for class in &queue.classes {
            if matches!(class.owner, Owner::Link | Owner::Unclaimed) {
                continue;
            }
            let above = shelf.parent(class).map(|parent| &parent.owner);
            let found = Found { shard, queue: queue.queue, class, above };
            let first = classes.insert(&class.owner, found).is_none();
            view.expect(first, Rule::Owners, &class.owner, || {
                format!("has several classes for {direction}s")
            });
        }
    }
    classes
}

/// Each real node has a class in both directions, on one shard, under its own parent's; nobody
/// else has one.
fn nodes(view: &mut View<'_>, classes: &PerDirection<Classes<'_>>) {
    let network = &view.config.network;
    let real: Vec<_> = network.nodes.iter().filter(|node| !node.is_virtual).collect();
    for direction in Direction::ALL {
        let count = classes[direction].len();
        let wanted = real.len() + network.circuits.len();
        view.expect(count == wanted, Rule::Owners, direction, || {
            format!("{count} nodes and circuits have classes, {wanted} should")
        });
    }
    for node in real {
        let owner = Owner::Node(node.id.clone());
        let above = view.owner_above(node.parent);
        let found = classes.as_ref().map(|classes| classes.get(&owner));
        let (Some(down), Some(up)) = (found.down, found.up) else {
            view.expect(false, Rule::Owners, &owner, || "lacks a class".to_owned());
            continue;
        };
        view.expect(down.shard == up.shard, Rule::Owners, &owner, || {
            format!("is on shard {} for downloads, {} for uploads", down.shard, up.shard)
        });
        let right = down.above == Some(&above) && up.above == Some(&above);
        view.expect(right, Rule::Owners, &owner, || format!("does not hang from {above}"));
    }
}

/// A circuit's place is where its classes are, under its parent, and one CPU serves it.
fn place(
    view: &mut View<'_>,
    circuit: &CircuitPlan,
    wanted: &Circuit,
    classes: &PerDirection<Classes<'_>>,
    cpus: &[CpuId],
) {
    let owner = Owner::Circuit(circuit.id.clone());
    let above = view.owner_above(wanted.parent);
    let mut shards = HashSet::new();
    for direction in Direction::ALL {
        let Some(found) = classes[direction].get(&owner) else {
            view.expect(false, Rule::Owners, &owner, || format!("has no class for {direction}s"));
            continue;
        };
        shards.insert(found.shard);
        let (queue, class) = (circuit.queue[direction], circuit.class[direction]);
        let there = queue == found.queue && class == found.class.handle;
        view.expect(there, Rule::Circuits, &owner, || {
            format!("is sent to queue {queue} class {class}, which is not its own")
        });
        view.expect(found.above == Some(&above), Rule::Owners, &owner, || {
            format!("does not hang from {above}")
        });
        view.expect(cpus.get(found.shard) == Some(&circuit.cpu), Rule::Circuits, &owner, || {
            format!("CPU {} does not serve its shard", circuit.cpu)
        });
    }
    view.expect(shards.len() <= 1, Rule::Circuits, &owner, || {
        "is on different shards in its directions".to_owned()
    });
}
