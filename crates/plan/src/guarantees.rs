//! What each class is guaranteed.
//!
//! HTB lets a class that is below its own rate send whatever its parents say
//! (`htb_class_mode` and `htb_dequeue` in `net/sched/sch_htb.c`). A parent's ceiling therefore
//! holds only where the rates of its children add up to no more than its own rate, all the way up.
//! So a node is guaranteed what its circuits are guaranteed together, and where that exceeds its
//! ceiling the guarantees of everything below are cut in proportion.
//!
//! Every class keeps at least [`LEAST_RATE`], as HTB takes no less; only what exceeds it is cut.
//!
//! Where a limit is exhausted, each circuit more would change the guarantees of all. So circuits are cut a
//! little deeper than they must be, and their cut stays while it is nearly right, and while the limit is nearly
//! exhausted: what they are guaranteed less they borrow.

use config::Config;
use units::{BitsPerSec, Direction};

use crate::ceilings::{Ceilings, framed};
use crate::htb::{DEFAULT_PERCENT, LEAST_RATE};
use crate::model::Owner;
use crate::placement::Placement;
use crate::previous::Previous;
use crate::problem::Problem;
use crate::shards::Shards;
use crate::tree::Tree;

/// Guaranteed rates of one direction.
pub(crate) struct Guarantees {
    pub(crate) node: Vec<BitsPerSec>,
    pub(crate) circuit: Vec<BitsPerSec>,
    /// What is guaranteed to what no circuit claims, on each shard.
    pub(crate) default: BitsPerSec,
    /// How the circuits right below each node are cut.
    pub(crate) node_cut: Vec<Option<Cut>>,
    /// How the circuits right below each shard's link are cut.
    pub(crate) link_cut: Vec<Option<Cut>>,
}

/// What is left of what circuits ask for beyond the least, in parts of 2^32.
pub(crate) type Cut = u32;

/// The cut that `must` be at least as deep: the one `before` while it leaves seven eighths of what could
/// be left, otherwise one that leaves a thirty-second for those to come.
fn cut(must: Cut, before: Option<Cut>) -> Cut {
    let nearly_right = must - must / 8..=must;
    before.filter(|before| nearly_right.contains(before)).unwrap_or(must - must / 32)
}

/// What the children of one class ask for together, and what there is for them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Share {
    /// Sum of what they ask for.
    asked: u128,
    /// Sum of the least that they take.
    least: u128,
    /// What they get together.
    given: u64,
}

impl Share {
    fn add(&mut self, asked: u64, least: u64) {
        self.asked += u128::from(asked);
        self.least += u128::from(least);
    }

    /// What they ask for, cut to what there is.
    fn bounded_asked(&self) -> u64 {
        within(self.asked, self.given)
    }

    /// The least that they take, cut to what there is.
    fn bounded_least(&self) -> u64 {
        within(self.least, self.given)
    }

    /// What is left of what exceeds the least, where not all can have what they ask for.
    fn cut(&self) -> Option<Cut> {
        let all = u128::from(self.given);
        let above_least = self.asked.saturating_sub(self.least).max(1);
        let left = all.saturating_sub(self.least);
        (self.asked > all).then(|| u32::try_from((left << 32) / above_least).unwrap_or(u32::MAX))
    }

    /// Whether what they ask for, cut like this, is still nearly all that there is: so that one circuit more or
    /// less at the limit does not change all others each time. The guarantees that this leaves are above
    /// seven eighths of the limit, with room for rounding.
    fn is_nearly_exhausted(&self, cut: Cut) -> bool {
        let above_least = self.asked.saturating_sub(self.least);
        let sum = self.least + ((above_least * u128::from(cut)) >> 32);
        32 * sum >= 29 * u128::from(self.given)
    }

    /// The part of a node that asks for `asked` and takes no less than `least`.
    fn part(&self, asked: u64, least: u64) -> u64 {
        let all = u128::from(self.given);
        if self.asked <= all {
            return asked;
        }
        let above_least = u128::from(asked.saturating_sub(least));
        let given = all.saturating_sub(self.least);
        let wanted = self.asked.saturating_sub(self.least).max(1);
        // At most `asked`, as `given` is below `wanted` here.
        least.saturating_add((above_least * given / wanted) as u64)
    }
}

/// A sum cut to what there is, or to what a rate can hold.
fn within(sum: u128, most: u64) -> u64 {
    u64::try_from(sum).unwrap_or(u64::MAX).min(most)
}

/// The guarantee that a circuit asks for.
pub(crate) fn asked_rate(min: BitsPerSec, ceil: BitsPerSec, config: &Config) -> BitsPerSec {
    framed(min, config).max(LEAST_RATE).min(ceil)
}

/// What the guarantees follow from besides the ceilings.
pub(crate) struct Sharing<'a> {
    pub(crate) tree: &'a Tree<'a>,
    pub(crate) config: &'a Config,
    pub(crate) shards: &'a Shards<'a>,
    pub(crate) placement: &'a Placement,
    pub(crate) previous: &'a Previous<'a>,
}

impl Sharing<'_> {
    /// Computes the guarantees of one direction. A limit that cannot give every class below it
    /// the least is a problem, one that cannot give every circuit its min rate a warning.
    pub(crate) fn share(
        &self,
        ceilings: &Ceilings,
        direction: Direction,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Guarantees {
        let (asked, nodes) =
            ask(self.tree, self.config, ceilings, direction, (&mut *problems, &mut *warnings));
        let mut report = Report { direction, problems, warnings };
        let link = self.config.queues.link[direction];
        let default = link.percent(DEFAULT_PERCENT).max(LEAST_RATE);
        if default > link {
            report.too_small("link".to_owned(), link, default.get());
        }
        let links = self.ask_links(&nodes, &asked, link - default);
        for (shard, share) in self.shards.list.iter().zip(&links) {
            report.share(&format!("link on queue {}", shard.queue[direction]), share);
        }
        let sum: BitsPerSec = asked.iter().map(|asked| BitsPerSec::new(*asked)).sum();
        if self.shards.list.len() > 1 && sum > link - default {
            report.warnings.push(Problem::LinkOversold { direction, sum, link });
        }
        self.give_downwards(nodes, &links, &asked, default, direction)
    }

    /// What the top-level nodes and parentless circuits of each shard ask of the link.
    fn ask_links(&self, nodes: &[Share], asked: &[u64], available: BitsPerSec) -> Vec<Share> {
        let tree = self.tree;
        let link = Share { given: available.get(), ..Share::default() };
        let mut links = vec![link; self.shards.list.len()];
        for i in tree.real_nodes().filter(|i| tree.parent[*i].is_none()) {
            links[self.placement.node[i]].add(nodes[i].bounded_asked(), nodes[i].bounded_least());
        }
        for (i, _) in tree.circuits().filter(|(i, _)| tree.circuit_parent[*i].is_none()) {
            links[self.placement.circuit[i]].add(asked[i], LEAST_RATE.get());
        }
        links
    }

    fn give_downwards(
        &self,
        mut nodes: Vec<Share>,
        links: &[Share],
        asked: &[u64],
        default: BitsPerSec,
        direction: Direction,
    ) -> Guarantees {
        let (tree, placement) = (self.tree, self.placement);
        let limits = nodes.clone();
        let mut has_nodes = vec![false; nodes.len()];
        for parent in tree.real_nodes().filter_map(|i| tree.parent[i]) {
            has_nodes[parent] = true;
        }
        for i in tree.real_nodes() {
            let above = tree.parent[i].map_or(links[placement.node[i]], |p| nodes[p]);
            nodes[i].given = above.part(nodes[i].bounded_asked(), nodes[i].bounded_least());
        }
        let cut_below = |share: &Share, shard, owner: &Owner| {
            let before = self.previous.cut(direction, shard, owner);
            (share.cut().map(|must| cut(must, before)), before)
        };
        let mut node_cut = vec![None; nodes.len()];
        for i in tree.real_nodes() {
            let owner = Owner::Node(tree.network.nodes[i].id.clone());
            let (needed, before) = cut_below(&nodes[i], placement.node[i], &owner);
            // what nodes below give their circuits is less than they ask for where it is cut as well
            let stays = |cut: &Cut| !has_nodes[i] && limits[i].is_nearly_exhausted(*cut);
            node_cut[i] = needed.or(before.filter(stays));
        }
        let each = links.iter().enumerate();
        let cuts = each.map(|(shard, link)| cut_below(link, shard, &Owner::Link).0);
        let link_cut = cuts.collect::<Vec<_>>();
        let circuits = tree.circuits().map(|(i, _)| {
            let parent = tree.circuit_parent[i];
            let cut = parent.map_or(link_cut[placement.circuit[i]], |p| node_cut[p]);
            let least = LEAST_RATE.get().min(asked[i]);
            let above_least = u128::from(asked[i] - least);
            cut.map_or(asked[i], |cut| least + ((above_least * u128::from(cut)) >> 32) as u64)
        });
        let circuit: Vec<_> = circuits.map(BitsPerSec::new).collect();
        Guarantees { node: self.add_up(&circuit), circuit, default, node_cut, link_cut }
    }

    /// What the circuits below each node are guaranteed together; the least where there are none.
    fn add_up(&self, circuits: &[BitsPerSec]) -> Vec<BitsPerSec> {
        let tree = self.tree;
        let mut nodes = vec![BitsPerSec::ZERO; tree.network.nodes.len()];
        for (i, _) in tree.circuits() {
            if let Some(parent) = tree.circuit_parent[i] {
                nodes[parent] = nodes[parent] + circuits[i];
            }
        }
        for i in tree.real_nodes().rev() {
            nodes[i] = nodes[i].max(LEAST_RATE);
            if let Some(parent) = tree.parent[i] {
                nodes[parent] = nodes[parent] + nodes[i];
            }
        }
        nodes
    }
}

/// What each circuit asks for, and what each node's children do, in one direction. Says where the nodes'
/// limits are too small for that.
pub(crate) fn ask(
    tree: &Tree<'_>,
    config: &Config,
    ceilings: &Ceilings,
    direction: Direction,
    (problems, warnings): (&mut Vec<Problem>, &mut Vec<Problem>),
) -> (Vec<u64>, Vec<Share>) {
    let mut report = Report { direction, problems, warnings };
    let mut asked = Vec::with_capacity(ceilings.circuit.len());
    for (circuit, ceil) in tree.network.circuits.iter().zip(&ceilings.circuit) {
        if framed(circuit.max[direction], config) < LEAST_RATE {
            let subject = format!("circuit {:?}", circuit.id.as_str());
            report.too_small(subject, *ceil, LEAST_RATE.get());
        }
        asked.push(asked_rate(circuit.min[direction], *ceil, config).get());
    }
    let nodes = ask_upwards(tree, ceilings, &asked, &mut report);
    (asked, nodes)
}

/// What each node's children ask for, with the node's ceiling as what it can give.
fn ask_upwards(
    tree: &Tree<'_>,
    ceilings: &Ceilings,
    asked: &[u64],
    report: &mut Report<'_>,
) -> Vec<Share> {
    let mut nodes = vec![Share::default(); tree.network.nodes.len()];
    for (i, _) in tree.circuits() {
        if let Some(parent) = tree.circuit_parent[i] {
            nodes[parent].add(asked[i], LEAST_RATE.get());
        }
    }
    for i in tree.real_nodes().rev() {
        let mine = &mut nodes[i];
        if mine.least == 0 {
            mine.add(LEAST_RATE.get(), LEAST_RATE.get());
        }
        mine.given = ceilings.node[i].get();
        report.share(&format!("node {:?}", tree.network.nodes[i].name), mine);
        let mine = *mine;
        if let Some(parent) = tree.parent[i] {
            nodes[parent].add(mine.bounded_asked(), mine.bounded_least());
        }
    }
    nodes
}

struct Report<'a> {
    direction: Direction,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl Report<'_> {
    fn share(&mut self, subject: &str, share: &Share) {
        let limit = BitsPerSec::new(share.given);
        if share.least > share.given.into() {
            self.too_small(subject.to_owned(), limit, within(share.least, u64::MAX));
        } else if share.asked > share.given.into() {
            self.warnings.push(Problem::CannotBeMet {
                subject: subject.to_owned(),
                direction: self.direction,
                sum: BitsPerSec::new(within(share.asked, u64::MAX)),
                limit,
            });
        }
    }

    fn too_small(&mut self, subject: String, limit: BitsPerSec, needs: u64) {
        self.problems.push(Problem::LimitTooSmall {
            subject,
            direction: self.direction,
            limit,
            needs: BitsPerSec::new(needs),
        });
    }
}
