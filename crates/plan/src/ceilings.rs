//! What each node and circuit may carry at most.

use config::Config;
use units::{BitsPerSec, Direction};

use crate::problem::Problem;
use crate::tree::Tree;

/// Ceilings of one direction, squashed: none exceeds its parent's.
pub(crate) struct Ceilings {
    pub(crate) node: Vec<BitsPerSec>,
    pub(crate) circuit: Vec<BitsPerSec>,
}

impl Ceilings {
    /// A node's ceiling is its limit, a circuit's its max rate with the framing allowance; both
    /// are cut to the parent's.
    pub(crate) fn squash(
        tree: &Tree<'_>,
        config: &Config,
        direction: Direction,
        squashed: &mut Squashed,
    ) -> Self {
        let link = config.queues.link[direction];
        let mut node: Vec<BitsPerSec> = Vec::with_capacity(tree.parent.len());
        for (i, n) in tree.network.nodes.iter().enumerate() {
            let above = tree.parent[i].map_or(link, |p| node[p]);
            let limit = n.rate[direction].filter(|_| !n.is_virtual).unwrap_or(above);
            if limit > above {
                squashed.node.note(&n.name, limit, above, direction);
            }
            node.push(limit.min(above));
        }
        let circuit = tree
            .circuits()
            .map(|(i, c)| {
                let above = tree.circuit_parent[i].map_or(link, |p| node[p]);
                if c.max[direction] > above {
                    squashed.circuit.note(c.id.as_str(), c.max[direction], above, direction);
                }
                framed(c.max[direction], config).min(above)
            })
            .collect();
        Self { node, circuit }
    }
}

/// A circuit's rate with the allowance for frame headers.
pub(crate) fn framed(rate: BitsPerSec, config: &Config) -> BitsPerSec {
    rate.percent(100 + u64::from(config.queues.framing_percent))
}

/// What had to be cut to its parent's ceiling, gathered so that a thousand of them are one warning.
#[derive(Default)]
pub(crate) struct Squashed {
    node: Cut,
    circuit: Cut,
}

#[derive(Default)]
struct Cut {
    first: Option<(String, BitsPerSec, BitsPerSec, Direction)>,
    count: usize,
}

impl Cut {
    fn note(&mut self, name: &str, asked: BitsPerSec, given: BitsPerSec, direction: Direction) {
        self.count += 1;
        self.first.get_or_insert_with(|| (name.to_owned(), asked, given, direction));
    }
}

impl Squashed {
    /// One warning for the nodes and one for the circuits, where there are any.
    pub(crate) fn warnings(self) -> impl Iterator<Item = Problem> {
        [("node", self.node), ("circuit", self.circuit)].into_iter().filter_map(|(what, cut)| {
            let (first, asked, given, direction) = cut.first?;
            Some(Problem::Squashed { what, first, asked, given, direction, count: cut.count })
        })
    }
}
