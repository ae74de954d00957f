//! `tidegate tree`: the nodes with what flows through each.

use std::path::Path;

use bus::{NodeRow, Topic, TreeQuery, TreeView, View};
use clap::Args;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{count, milliseconds, pair, percent, rate, sum};
use crate::output::{Look, Output};
use crate::quality::sent_again;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, text, toned, unbroken};

use super::circuits::{drops_tone, share_tone};

/// Which part of the tree.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this node, given by name or id, and what is below it.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    /// How many levels below the topmost nodes to show.
    #[arg(long, value_name = "LEVELS")]
    levels: Option<u16>,

    #[command(flatten)]
    watch: Watch,
}

/// Shows the tree, or a part of it.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = TreeQuery { node: options.node.clone(), levels: options.levels };
    read::<TreeView>(socket, Topic::Tree(query), options.watch.watch, output)
}

const HEADS: [Head; 11] = [
    Head::Text("node"),
    Head::Text("kind"),
    Head::Figure("circuits"),
    Head::Figure("limit down / up"),
    Head::Figure("down / up now"),
    Head::Figure("share down / up"),
    Head::Figure("drops/s"),
    Head::Figure("drops in all"),
    Head::Figure("p50 RTT customer"),
    Head::Figure("p50 RTT Internet"),
    Head::Figure("sent again now down / up"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 5] =
    ["drops in all", "kind", "circuits", "p50 RTT Internet", "sent again now down / up"];

impl Shown for TreeView {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        if self.nodes.is_empty() {
            return "no nodes: the network is flat\n".to_owned();
        }
        let rows = in_depth(&self.nodes).into_iter().map(|(node, branch)| {
            let limit =
                if node.is_virtual { "virtual".to_owned() } else { pair(node.limit_bps, rate) };
            let median = node.rtt.map(|rtt| milliseconds(rtt.map(|rtt| rtt.p50_us)));
            vec![
                text(&format!("{}{}", unbroken(&branch), node.name)),
                text(node.kind.as_deref().unwrap_or("-")),
                figure(count(node.circuits.into())),
                figure(limit),
                figure(pair(node.rate_bps, rate)),
                toned(figure(pair(node.share_percent, percent)), share_tone(node.share_percent)),
                toned(figure(count(sum(node.drops_per_sec))), drops_tone(node.drops_per_sec)),
                figure(count(sum(node.drops))),
                figure(median.customer),
                figure(median.internet),
                sent_again(&node.retransmits),
            ]
        });
        fitted(&HEADS, &SPARE, rows, look)
    }
}

/// Each node followed by what is below it, with the branch that leads to it. A parent that does not
/// come before its child counts as none.
fn in_depth(nodes: &[NodeRow]) -> Vec<(&NodeRow, String)> {
    let parent = |i: usize| nodes[i].parent.map(|p| p as usize).filter(|p| *p < i);
    let mut children = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for i in 0..nodes.len() {
        match parent(i) {
            Some(above) => children[above].push(i),
            None => roots.push(i),
        }
    }
    let mut rows = Vec::with_capacity(nodes.len());
    // the last one is next: position, what is left of its branch, whether it is its parent's last
    let mut open: Vec<(usize, String, Option<bool>)> =
        roots.into_iter().rev().map(|i| (i, String::new(), None)).collect();
    while let Some((i, left, last)) = open.pop() {
        let (own, below) = match last {
            None => ("", ""),
            Some(false) => ("├─ ", "│  "),
            Some(true) => ("└─ ", "   "),
        };
        rows.push((&nodes[i], format!("{left}{own}")));
        let ends = children[i].last().copied();
        let inner = children[i].iter().rev();
        open.extend(
            inner.map(|child| (*child, format!("{left}{below}"), Some(Some(*child) == ends))),
        );
    }
    rows
}
