//! What each class is guaranteed.
//!
//! HTB lets a class that is below its own rate send whatever its parents say
//! (`htb_class_mode` and `htb_dequeue` in `net/sched/sch_htb.c`). A parent's ceiling therefore
//! holds only where the rates of its children add up to no more than its own rate, all the way up.
//! So a node is guaranteed what its circuits are guaranteed together, and where that exceeds its
//! ceiling everything below is scaled down in proportion.
//!
//! Every class keeps at least [`LEAST_RATE`], as HTB takes no less; only what exceeds it is scaled.

use config::Config;
use units::{BitsPerSec, Direction};

use crate::ceilings::{Ceilings, framed};
use crate::htb::{DEFAULT_PERCENT, LEAST_RATE};
use crate::placement::Placement;
use crate::problem::Problem;
use crate::shards::Shards;
use crate::tree::Tree;

/// Guaranteed rates of one direction.
pub(crate) struct Guarantees {
    pub(crate) node: Vec<BitsPerSec>,
    pub(crate) circuit: Vec<BitsPerSec>,
    /// What is guaranteed to what no circuit claims, on each shard.
    pub(crate) default: BitsPerSec,
}

/// What the children of one class ask for together, and what there is for them.
#[derive(Clone, Copy, Default)]
struct Share {
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

    /// The part of a child that asks for `asked` and takes no less than `least`.
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
        let mut report = Report { direction, problems, warnings };
        let asked = self.asked(ceilings, &mut report);
        let nodes = ask_upwards(self.tree, ceilings, &asked, &mut report);
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
        self.give_downwards(nodes, &links, &asked, default)
    }

    fn asked(&self, ceilings: &Ceilings, report: &mut Report<'_>) -> Vec<u64> {
        let mut asked = Vec::with_capacity(ceilings.circuit.len());
        for (circuit, ceil) in self.tree.network.circuits.iter().zip(&ceilings.circuit) {
            if framed(circuit.max[report.direction], self.config) < LEAST_RATE {
                let subject = format!("circuit {:?}", circuit.id.as_str());
                report.too_small(subject, *ceil, LEAST_RATE.get());
            }
            asked.push(asked_rate(circuit.min[report.direction], *ceil, self.config).get());
        }
        asked
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
    ) -> Guarantees {
        let (tree, placement) = (self.tree, self.placement);
        let mut node = vec![BitsPerSec::ZERO; nodes.len()];
        for i in tree.real_nodes() {
            let above = tree.parent[i].map_or(links[placement.node[i]], |p| nodes[p]);
            let part = above.part(nodes[i].bounded_asked(), nodes[i].bounded_least());
            node[i] = BitsPerSec::new(part);
            nodes[i].given = part;
        }
        let circuits = tree.circuits().map(|(i, _)| {
            let parent = tree.circuit_parent[i];
            let above = parent.map_or(links[placement.circuit[i]], |p| nodes[p]);
            BitsPerSec::new(above.part(asked[i], LEAST_RATE.get().min(asked[i])))
        });
        Guarantees { node, circuit: circuits.collect(), default }
    }
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
