//! Which shard each part of the network lives on.

use std::cmp::Reverse;

use units::{BitsPerSec, PerDirection};

use crate::ceilings::Ceilings;
use crate::htb::MOST_CLASSES;
use crate::previous::Previous;
use crate::problem::Problem;
use crate::shards::Shards;
use crate::tree::{Tree, Unit};

/// A part that carries less than this is never reported: one CPU serves it without effort.
const NOTABLE_LOAD: u64 = 1_000_000_000;

/// The shard of each real node and circuit, by their indices.
pub(crate) struct Placement {
    pub(crate) node: Vec<usize>,
    pub(crate) circuit: Vec<usize>,
}

/// What must stay together, with what it weighs.
#[derive(Clone, Copy)]
struct Part {
    unit: Unit,
    load: u64,
    classes: usize,
}

/// What one shard holds so far.
#[derive(Clone, Copy, Default)]
struct Bin {
    load: u64,
    classes: usize,
}

impl Bin {
    fn add(&mut self, part: &Part) {
        self.load = self.load.saturating_add(part.load);
        self.classes += part.classes;
    }

    fn takes(&self, part: &Part) -> bool {
        self.classes + part.classes <= MOST_CLASSES
    }
}

/// Loads that the packing expects, in bits per second, both directions together.
///
/// A circuit weighs its ceilings, a node the sum of what is below it but no more than its own: the
/// most that can flow, as what will flow is not known.
pub(crate) struct Loads {
    node: Vec<u64>,
    circuit: Vec<u64>,
}

impl Loads {
    pub(crate) fn expect(tree: &Tree<'_>, ceilings: &PerDirection<Ceilings>) -> Self {
        let each = ceilings.as_ref().map(|c| directed_loads(tree, c));
        let circuit = tree
            .circuits()
            .map(|(i, _)| sum(ceilings.down.circuit[i].get(), ceilings.up.circuit[i].get()))
            .collect();
        let node = each.down.iter().zip(&each.up).map(|(d, u)| sum(*d, *u)).collect();
        Self { node, circuit }
    }

    /// The load of one part.
    pub(crate) fn of(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Node(i) => self.node[i],
            Unit::Circuit(i) => self.circuit[i],
        }
    }
}

fn sum(a: u64, b: u64) -> u64 {
    a.saturating_add(b)
}

fn directed_loads(tree: &Tree<'_>, ceilings: &Ceilings) -> Vec<u64> {
    let mut load = vec![0_u64; ceilings.node.len()];
    for (i, _) in tree.circuits() {
        if let Some(parent) = tree.circuit_parent[i] {
            load[parent] = sum(load[parent], ceilings.circuit[i].get());
        }
    }
    for i in tree.real_nodes().rev() {
        load[i] = load[i].min(ceilings.node[i].get());
        if let Some(parent) = tree.parent[i] {
            load[parent] = sum(load[parent], load[i]);
        }
    }
    load
}

impl Placement {
    /// Packs the parts: what the previous plan placed stays; the others go, largest first, where
    /// the load is least (then the classes, then the shard's number). Where the previous plan had
    /// fewer shards, no more stays on one than its share, or the new ones would stay idle. Parts
    /// that fit nowhere are problems.
    pub(crate) fn pack(
        tree: &Tree<'_>,
        loads: &Loads,
        shards: &Shards<'_>,
        previous: &Previous<'_>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let mut bins = vec![Bin::default(); shards.list.len()];
        let mut home = Homes::new(tree);
        let mut homeless = Vec::new();
        let mut parts = parts(tree, loads);
        let by_load = |part: &Part| (Reverse(part.load), name(tree, part.unit), part.unit);
        let mut share_max = u64::MAX;
        if (1..bins.len()).contains(&previous.shards()) {
            share_max =
                parts.iter().fold(0, |total, part| sum(total, part.load)) / bins.len() as u64;
            parts.sort_by_cached_key(by_load);
        }
        let stays = |bin: &Bin, part: &Part| {
            bin.takes(part) && (bin.classes == 0 || sum(bin.load, part.load) <= share_max)
        };
        for part in &parts {
            match previous.shard(tree.network, part.unit) {
                Some(shard) if shard < bins.len() && stays(&bins[shard], part) => {
                    bins[shard].add(part);
                    home.set(part.unit, shard);
                }
                _ => homeless.push(*part),
            }
        }
        homeless.sort_by_cached_key(by_load);
        let mut unplaced = 0;
        for part in &homeless {
            let least = (0..bins.len())
                .filter(|shard| bins[*shard].takes(part))
                .min_by_key(|shard| (bins[*shard].load, bins[*shard].classes, *shard));
            match (least, part.unit) {
                (Some(shard), _) => {
                    bins[shard].add(part);
                    home.set(part.unit, shard);
                }
                (None, Unit::Node(i)) if part.classes > MOST_CLASSES => {
                    let node = tree.network.nodes[i].name.to_string();
                    let (classes, most) = (part.classes, MOST_CLASSES);
                    problems.push(Problem::NodeTooLarge { node, classes, most });
                }
                (None, _) => unplaced += part.classes,
            }
        }
        if unplaced > 0 {
            let classes = parts.iter().map(|part| part.classes).sum();
            let queues = bins.len();
            problems.push(Problem::TooManyClasses {
                unplaced,
                classes,
                queues,
                most: MOST_CLASSES,
            });
        }
        report_heavy(tree, &parts, &home, shards, warnings);
        home.placement(tree)
    }
}

/// Warns of nodes that load one shard far beyond what each would carry if all carried the same.
fn report_heavy(
    tree: &Tree<'_>,
    parts: &[Part],
    home: &Homes,
    shards: &Shards<'_>,
    warnings: &mut Vec<Problem>,
) {
    let total = parts.iter().fold(0, |total, part| sum(total, part.load));
    let fair = total / shards.list.len() as u64;
    for part in parts {
        let heavy = part.load >= NOTABLE_LOAD && part.load > fair.saturating_add(fair / 2);
        if let Unit::Node(i) = part.unit
            && heavy
        {
            warnings.push(Problem::Unbalanced {
                node: tree.network.nodes[i].name.to_string(),
                load: BitsPerSec::new(part.load),
                fair: BitsPerSec::new(fair),
                cpu: shards.list[home.node[i]].cpu,
            });
        }
    }
}

/// Every part with its weight, in the order of the files.
fn parts(tree: &Tree<'_>, loads: &Loads) -> Vec<Part> {
    let mut classes = vec![0_usize; tree.network.nodes.len()];
    let mut parts = Vec::new();
    for i in tree.real_nodes() {
        if let Unit::Node(top) = tree.unit_of_node(i) {
            classes[top] += 1;
        }
    }
    for (i, _) in tree.circuits() {
        match tree.unit_of_circuit(i) {
            Unit::Node(top) => classes[top] += 1,
            unit @ Unit::Circuit(_) => parts.push(Part { unit, load: loads.of(unit), classes: 1 }),
        }
    }
    let nodes = classes.into_iter().enumerate().filter(|(_, classes)| *classes > 0);
    parts.extend(nodes.map(|(i, classes)| {
        let unit = Unit::Node(i);
        Part { unit, load: loads.of(unit), classes }
    }));
    parts
}

fn name<'a>(tree: &Tree<'a>, unit: Unit) -> &'a str {
    match unit {
        Unit::Node(i) => tree.network.nodes[i].id.as_str(),
        Unit::Circuit(i) => tree.network.circuits[i].id.as_str(),
    }
}

/// The shard of each part; the first where none was found, which is a problem by then.
struct Homes {
    node: Vec<usize>,
    circuit: Vec<usize>,
}

impl Homes {
    fn new(tree: &Tree<'_>) -> Self {
        let network = tree.network;
        Self { node: vec![0; network.nodes.len()], circuit: vec![0; network.circuits.len()] }
    }

    fn set(&mut self, unit: Unit, shard: usize) {
        match unit {
            Unit::Node(i) => self.node[i] = shard,
            Unit::Circuit(i) => self.circuit[i] = shard,
        }
    }

    fn of(&self, unit: Unit) -> usize {
        match unit {
            Unit::Node(i) => self.node[i],
            Unit::Circuit(i) => self.circuit[i],
        }
    }

    fn placement(self, tree: &Tree<'_>) -> Placement {
        let node = (0..self.node.len()).map(|i| self.of(tree.unit_of_node(i))).collect();
        let circuit = tree.circuits().map(|(i, _)| self.of(tree.unit_of_circuit(i))).collect();
        Placement { node, circuit }
    }
}
