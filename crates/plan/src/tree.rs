//! The network without its virtual nodes, as HTB will know it.

use config::{Circuit, Network};

use crate::htb::NODE_LEVELS;
use crate::problem::Problem;

/// How many too-deep paths are told one by one.
const TOO_DEEP_SHOWN: usize = 5;

/// The network without its virtual nodes: each real node and circuit with its nearest real ancestor.
pub(crate) struct Tree<'a> {
    pub(crate) network: &'a Network,
    /// For each node its nearest real ancestor, itself excluded.
    pub(crate) parent: Vec<Option<usize>>,
    /// For each node the real nodes from the top down to it, itself included when real.
    level: Vec<usize>,
    /// For each node its top-level real ancestor, itself included; none for a virtual top.
    top: Vec<Option<usize>>,
    /// For each circuit its nearest real ancestor.
    pub(crate) circuit_parent: Vec<Option<usize>>,
}

/// A part of the network that has to stay together on one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unit {
    /// A top-level real node with all that is below it.
    Node(usize),
    /// A circuit without a real ancestor.
    Circuit(usize),
}

impl<'a> Tree<'a> {
    pub(crate) fn new(network: &'a Network) -> Self {
        let nodes = &network.nodes;
        let mut parent: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
        let mut level: Vec<usize> = Vec::with_capacity(nodes.len());
        let mut top: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let anchor = node.parent.and_then(|p| anchor(network, &parent, p));
            let above = anchor.map_or(0, |a| level[a]);
            parent.push(anchor);
            level.push(above + usize::from(!node.is_virtual));
            top.push(anchor.and_then(|a| top[a]).or((!node.is_virtual).then_some(i)));
        }
        let circuit_parent = network
            .circuits
            .iter()
            .map(|circuit| circuit.parent.and_then(|p| anchor(network, &parent, p)))
            .collect();
        Self { network, parent, level, top, circuit_parent }
    }

    /// Indices of the nodes that have classes, parents before children.
    pub(crate) fn real_nodes(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let nodes = &self.network.nodes;
        (0..nodes.len()).filter(|i| !nodes[*i].is_virtual)
    }

    pub(crate) fn circuits(&self) -> impl Iterator<Item = (usize, &'a Circuit)> + '_ {
        self.network.circuits.iter().enumerate()
    }

    /// The part that a real node belongs to.
    pub(crate) fn unit_of_node(&self, node: usize) -> Unit {
        Unit::Node(self.top[node].unwrap_or(node))
    }

    /// The part that a circuit belongs to.
    pub(crate) fn unit_of_circuit(&self, circuit: usize) -> Unit {
        self.circuit_parent[circuit].map_or(Unit::Circuit(circuit), |node| self.unit_of_node(node))
    }

    /// A problem for each deepest path with more levels than HTB takes, the first few in full.
    pub(crate) fn too_deep(&self) -> Vec<Problem> {
        let mut has_deeper_child = vec![false; self.level.len()];
        let mut deepest = Vec::new();
        for i in self.real_nodes().rev() {
            if self.level[i] <= NODE_LEVELS {
                continue;
            }
            if !has_deeper_child[i] {
                deepest.push(i);
            }
            if let Some(parent) = self.parent[i] {
                has_deeper_child[parent] = true;
            }
        }
        deepest.reverse();
        let more = deepest.len().saturating_sub(TOO_DEEP_SHOWN);
        let mut problems: Vec<Problem> = deepest
            .into_iter()
            .take(TOO_DEEP_SHOWN)
            .map(|i| Problem::TooDeep { path: self.path(i), most: NODE_LEVELS })
            .collect();
        if more > 0 {
            problems.push(Problem::MoreTooDeep { count: more });
        }
        problems
    }

    /// Names of the real nodes from the top down to `node`.
    fn path(&self, node: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = Some(node);
        while let Some(i) = at {
            names.push(self.network.nodes[i].name.to_string());
            at = self.parent[i];
        }
        names.reverse();
        names
    }
}

/// The nearest real node at or above `node`, whose own `parent` is known already.
fn anchor(network: &Network, parent: &[Option<usize>], node: usize) -> Option<usize> {
    if network.nodes[node].is_virtual { parent[node] } else { Some(node) }
}
