//! Class minors and leaf majors.

use config::Leaf;
use units::ours::{FIRST_LEAF, LINK_MINOR};
use units::{Direction, PerDirection};

use crate::htb::{FIRST_MINOR, LAST_LEAF, LAST_MINOR, MOST_LEAVES};
use crate::leaves::Leaves;
use crate::model::{LeafPlan, Owner};
use crate::placement::Placement;
use crate::pool::Pool;
use crate::previous::Previous;
use crate::problem::Problem;
use crate::shards::Shards;
use crate::tree::Tree;

/// The numbers of one direction's classes and leaves, by index of node and circuit.
#[derive(Default)]
pub(crate) struct Numbers {
    pub(crate) node: Vec<Option<u16>>,
    pub(crate) circuit: Vec<Option<u16>>,
    /// Majors of the circuits' leaves; none where no leaf of ours is wanted.
    pub(crate) circuit_leaf: Vec<Option<u16>>,
    /// By shard, majors of the leaves for what no circuit claims.
    pub(crate) default_leaf: Vec<Option<u16>>,
}

/// Numbers both directions. What had a number keeps it where it still hangs from the same class,
/// as the kernel never moves a class to another parent: `htb_change_class` takes the request, changes
/// the rates and ignores the parent. Nor does it keep it when its leaf is to be of another kind: what
/// waits in the old leaf can go out only if that stays for a while beside the new one.
pub(crate) fn number(
    tree: &Tree<'_>,
    shards: &Shards<'_>,
    placement: &Placement,
    leaves: &Leaves,
    previous: &Previous<'_>,
    problems: &mut Vec<Problem>,
) -> PerDirection<Numbers> {
    let mut pools: Vec<Pool> = (0..shards.nics.len())
        .map(|nic| {
            let sends = |d: &Direction| shards.nic_index(*d) == nic;
            let directions = Direction::ALL.into_iter().filter(sends);
            let before = directions.flat_map(|direction| previous.leaves(direction));
            Pool::new(FIRST_LEAF.into(), LAST_LEAF.into(), before)
        })
        .collect();
    let mut drafts = PerDirection::from_fn(|direction| {
        let leaf_pool = &mut pools[shards.nic_index(direction)];
        Draft { tree, placement, leaves, direction }.keep(shards.list.len(), previous, leaf_pool)
    });
    let mut asked = vec![0; shards.nics.len()];
    for direction in Direction::ALL {
        let nic = shards.nic_index(direction);
        let draft = Draft { tree, placement, leaves, direction };
        let (numbers, minors) = &mut drafts[direction];
        asked[nic] += draft.fill(numbers, minors, &mut pools[nic]);
    }
    for (nic, asked) in shards.nics.iter().zip(asked).filter(|(_, asked)| *asked > MOST_LEAVES) {
        problems.push(Problem::TooManyLeaves { nic: nic.name.clone(), asked, most: MOST_LEAVES });
    }
    drafts.map(|(numbers, _)| numbers)
}

struct Draft<'a> {
    tree: &'a Tree<'a>,
    placement: &'a Placement,
    leaves: &'a Leaves,
    direction: Direction,
}

impl Draft<'_> {
    /// Claims what can stay. Returns it with each shard's pool of minors.
    fn keep(
        &self,
        shards: usize,
        previous: &Previous<'_>,
        leaf_pool: &mut Pool,
    ) -> (Numbers, Vec<Pool>) {
        let direction = self.direction;
        let mut minors: Vec<Pool> = (0..shards)
            .map(|shard| {
                let before = previous.minors(direction, shard);
                Pool::new(FIRST_MINOR.into(), LAST_MINOR.into(), before)
            })
            .collect();
        let network = self.tree.network;
        let mut numbers = Numbers {
            node: vec![None; network.nodes.len()],
            circuit: vec![None; network.circuits.len()],
            circuit_leaf: vec![None; network.circuits.len()],
            default_leaf: vec![None; shards],
        };
        let mut keep = |owner: Owner, shard: usize, parent: Option<u16>, kind: Leaf| {
            let old = previous.class(direction, &owner)?;
            let stays = old.shard == shard
                && Some(old.parent) == parent
                && old.leaf.map_or(Leaf::None, |leaf| leaf.kind) == kind
                && minors[shard].keep(old.minor.into());
            stays.then_some(old)
        };
        for i in self.tree.real_nodes() {
            let parent = self.tree.parent[i].map_or(Some(LINK_MINOR), |p| numbers.node[p]);
            let owner = Owner::Node(network.nodes[i].id.clone());
            let old = keep(owner, self.placement.node[i], parent, Leaf::None);
            numbers.node[i] = old.map(|old| old.minor);
        }
        for (i, circuit) in self.tree.circuits() {
            let above = self.tree.circuit_parent[i];
            let parent = above.map_or(Some(LINK_MINOR), |p| numbers.node[p]);
            let owner = Owner::Circuit(circuit.id.clone());
            let kind = self.leaves.circuit[i][direction];
            if let Some(old) = keep(owner, self.placement.circuit[i], parent, kind) {
                numbers.circuit[i] = Some(old.minor);
                numbers.circuit_leaf[i] = keep_leaf(leaf_pool, kind, old.leaf);
            }
        }
        for (shard, leaf) in numbers.default_leaf.iter_mut().enumerate() {
            let old = previous.default_leaf(direction, shard);
            *leaf = keep_leaf(leaf_pool, self.leaves.default[direction], old);
        }
        (numbers, minors)
    }

    /// Gives numbers to all that has none, and counts the leaves that are asked for. Whoever
    /// gets no number for want of numbers is counted here or was by the placement.
    fn fill(&self, numbers: &mut Numbers, minors: &mut [Pool], leaf_pool: &mut Pool) -> usize {
        let mut asked = 0;
        let mut fill_leaf = |number: &mut Option<u16>, kind: Leaf| {
            if kind != Leaf::None {
                asked += 1;
                *number = number.or_else(|| take(leaf_pool));
            }
        };
        for i in self.tree.real_nodes() {
            let pool = &mut minors[self.placement.node[i]];
            numbers.node[i] = numbers.node[i].or_else(|| take(pool));
        }
        for leaf in &mut numbers.default_leaf {
            fill_leaf(leaf, self.leaves.default[self.direction]);
        }
        for (i, _) in self.tree.circuits() {
            let pool = &mut minors[self.placement.circuit[i]];
            numbers.circuit[i] = numbers.circuit[i].or_else(|| take(pool));
            fill_leaf(&mut numbers.circuit_leaf[i], self.leaves.circuit[i][self.direction]);
        }
        asked
    }
}

/// The major of a leaf that can stay: one of the same kind.
fn keep_leaf(pool: &mut Pool, kind: Leaf, old: Option<LeafPlan>) -> Option<u16> {
    let old = old.filter(|old| old.kind == kind)?;
    pool.keep(old.handle.major().into()).then(|| old.handle.major())
}

fn take(pool: &mut Pool) -> Option<u16> {
    pool.take().and_then(|n| u16::try_from(n).ok())
}
