//! Which leaf each circuit gets.

use std::collections::BTreeMap;

use config::{Config, Leaf, Queues};
use units::{BitsPerSec, PerDirection};

use crate::facts::Facts;
use crate::problem::Problem;

/// The leaf of each circuit, by its index, and of the class for what no circuit claims.
pub(crate) struct Leaves {
    pub(crate) circuit: Vec<PerDirection<Leaf>>,
    pub(crate) default: PerDirection<Leaf>,
}

/// What was wanted but is not there: by leaf, the circuits that want it.
type Missing = BTreeMap<Leaf, usize>;

impl Leaves {
    /// Chooses among what the kernel has. Reports each leaf that it lacks once.
    pub(crate) fn choose(
        config: &Config,
        facts: &Facts,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let queues = &config.queues;
        let mut missing = Missing::new();
        let mut resolve = |wanted: PerDirection<Leaf>, circuits: usize| {
            let absent = |leaf: Leaf| !is_available(leaf, facts);
            if absent(wanted.down) {
                *missing.entry(wanted.down).or_default() += circuits;
            }
            if absent(wanted.up) && wanted.up != wanted.down {
                *missing.entry(wanted.up).or_default() += circuits;
            }
            wanted
                .map(|leaf| if absent(leaf) { queues.leaf_fallback.unwrap_or(leaf) } else { leaf })
        };
        let circuit = config
            .network
            .circuits
            .iter()
            .map(|c| resolve(PerDirection::from_fn(|d| wanted(queues, c.leaf[d], c.max[d])), 1))
            .collect();
        let default = resolve(queues.link.map(|link| wanted(queues, None, link)), 0);
        report(missing, queues.leaf_fallback, facts, problems, warnings);
        Self { circuit, default }
    }
}

/// The leaf for a class with this maximum, before the kernel is asked: the circuit's own, else
/// the one for fast circuits, else the general one.
pub(crate) fn wanted(queues: &Queues, own: Option<Leaf>, max: BitsPerSec) -> Leaf {
    let fast = queues.fast_leaf.filter(|fast| max >= fast.from).map(|fast| fast.leaf);
    own.or(fast).unwrap_or(queues.leaf)
}

/// Whether the kernel can make it. Every kernel with traffic control has FIFOs.
fn is_available(leaf: Leaf, facts: &Facts) -> bool {
    match leaf {
        Leaf::Cake(_) => facts.qdiscs.contains("cake"),
        Leaf::FqCodel => facts.qdiscs.contains("fq_codel"),
        Leaf::Fifo | Leaf::None => true,
    }
}

fn report(
    missing: Missing,
    fallback: Option<Leaf>,
    facts: &Facts,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) {
    for (leaf, circuits) in missing {
        match fallback {
            Some(used) if is_available(used, facts) => {
                warnings.push(Problem::LeafFellBack { leaf, used, circuits });
            }
            _ => problems.push(Problem::LeafMissing { leaf, circuits, fallback }),
        }
    }
}
