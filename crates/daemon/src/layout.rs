//! Whose the counters are, from configuration and plan.

use std::collections::HashMap;
use std::sync::Arc;

use config::Config;
use plan::{CircuitPlan, NicPlan, Owner, Plan, QueuePlan};
use state::{CircuitLayout, ClassRef, Layout, NodeLayout, QueueLayout};
use units::{BitsPerSec, CircuitId, Direction, IfIndex, PerDirection, TcHandle};

/// The layout of a plan that was made from `config`.
pub fn layout(generation: u64, config: &Config, plan: &Plan) -> Layout {
    let places: HashMap<&CircuitId, &CircuitPlan> =
        plan.circuits.iter().map(|circuit| (&circuit.id, circuit)).collect();
    let nics = nics_by_direction(plan);
    let mut circuits: Vec<_> = config
        .network
        .circuits
        .iter()
        .filter_map(|circuit| Some(circuit_layout(circuit, places.get(&circuit.id)?, nics)))
        .collect();
    circuits.sort_by(|a, b| a.id.cmp(&b.id));
    Layout::new(generation, circuits, nodes(config), queues(plan))
}

/// The NIC that carries each direction's classes; none when not shaping.
fn nics_by_direction(plan: &Plan) -> PerDirection<Option<IfIndex>> {
    PerDirection::from_fn(|direction| {
        let carries = |nic: &&NicPlan| nic.queues.iter().any(|queue| queue.direction == direction);
        plan.nics.iter().find(carries).map(|nic| nic.ifindex)
    })
}

fn circuit_layout(
    circuit: &config::Circuit,
    place: &CircuitPlan,
    nics: PerDirection<Option<IfIndex>>,
) -> CircuitLayout {
    let class = |direction| {
        let handle = place.class[direction];
        let nic = nics[direction].filter(|_| handle != TcHandle::default())?;
        Some(ClassRef { nic, handle })
    };
    let prefixes = circuit.devices.iter().flat_map(|device| &device.prefixes);
    CircuitLayout {
        id: circuit.id.clone(),
        name: Arc::clone(&circuit.name),
        node: circuit.parent,
        slot: place.slot,
        min: circuit.min,
        max: circuit.max,
        class: PerDirection::from_fn(class),
        queue: place.queue,
        cpu: place.cpu,
        addresses: prefixes.map(|prefix| prefix.to_string().into()).collect(),
    }
}

/// The nodes with the rates that they are held to: their own, or their nearest ancestor's.
fn nodes(config: &Config) -> Vec<NodeLayout> {
    let link = config.queues.link;
    let mut nodes: Vec<NodeLayout> = Vec::with_capacity(config.network.nodes.len());
    for node in &config.network.nodes {
        let above = node.parent.map_or(link, |parent| nodes[parent].limit);
        let limit = |direction: Direction| -> BitsPerSec {
            node.rate[direction].map_or(above[direction], |rate| rate.min(above[direction]))
        };
        nodes.push(NodeLayout {
            id: node.id.clone(),
            name: Arc::clone(&node.name),
            kind: node.kind.clone(),
            is_virtual: node.is_virtual,
            parent: node.parent,
            limit: PerDirection::from_fn(limit),
        });
    }
    nodes
}

fn queues(plan: &Plan) -> Vec<QueueLayout> {
    let of_nic = |nic: &NicPlan| {
        let (name, ifindex) = (Arc::<str>::from(nic.name.as_str()), nic.ifindex);
        nic.queues.iter().map(move |queue| queue_layout(&name, ifindex, queue)).collect::<Vec<_>>()
    };
    plan.nics.iter().flat_map(of_nic).collect()
}

fn queue_layout(name: &Arc<str>, nic: IfIndex, queue: &QueuePlan) -> QueueLayout {
    let link = queue.classes.iter().find(|class| class.owner == Owner::Link);
    QueueLayout {
        nic_name: Arc::clone(name),
        nic,
        queue: queue.queue,
        cpu: queue.cpu,
        direction: queue.direction,
        htb: queue.htb,
        unclaimed: TcHandle::new(queue.htb.major(), queue.default_class),
        link: link.map_or(BitsPerSec::ZERO, |class| class.ceil),
        classes: queue.classes.len() as u32,
        leaves: queue.classes.iter().filter(|class| class.leaf.is_some()).count() as u32,
    }
}
