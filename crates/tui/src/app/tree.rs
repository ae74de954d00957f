//! The tree of nodes, parts of which are folded away.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{NodeRow, TreeView};

use super::list::{List, Row};

/// A node where the tree is shown, and the branch that leads to it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The node.
    pub node: NodeRow,
    /// The lines before its name.
    pub branch: String,
    /// Whether there is something below it.
    pub has_children: bool,
    /// Whether that is folded away.
    pub folded: bool,
}

impl Row for Leaf {
    type Id = Arc<str>;

    fn id(&self) -> Arc<str> {
        Arc::clone(&self.node.id)
    }
}

/// The tree of nodes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The nodes in sight, each followed by what is below it.
    pub list: List<Leaf>,
    view: TreeView,
    folded: BTreeSet<Arc<str>>,
}

impl Tree {
    /// Takes a view.
    pub(super) fn receive(&mut self, view: TreeView, height: u16) {
        self.view = view;
        self.lay_out(height);
    }

    /// Folds what is below the chosen node; where nothing is, or it is folded, goes to its parent.
    pub(super) fn fold(&mut self, height: u16) {
        let Some(leaf) = self.list.chosen_row() else { return };
        if leaf.has_children && !leaf.folded {
            self.folded.insert(leaf.id());
            self.lay_out(height);
        } else if let Some(parent) = parent_of(&self.view.nodes, leaf) {
            let id = Arc::clone(&self.view.nodes[parent].id);
            self.choose(&id, height);
        }
    }

    /// Unfolds what is below the chosen node.
    pub(super) fn unfold(&mut self, height: u16) {
        if let Some(id) = self.list.chosen() {
            self.folded.remove(&id);
            self.lay_out(height);
        }
    }

    /// Folds or unfolds.
    pub(super) fn toggle(&mut self, height: u16) {
        match self.list.chosen_row() {
            Some(leaf) if leaf.folded => self.unfold(height),
            Some(leaf) if leaf.has_children => self.fold(height),
            _ => {}
        }
    }

    /// Folds all.
    pub(super) fn fold_all(&mut self, height: u16) {
        let nodes = &self.view.nodes;
        let parents = nodes.iter().filter_map(|node| nodes.get(node.parent? as usize));
        self.folded = parents.map(|node| Arc::clone(&node.id)).collect();
        let top = self.list.chosen_row().map(|leaf| topmost(nodes, leaf));
        self.lay_out(height);
        if let Some(Some(id)) = top {
            self.choose(&id, height);
        }
    }

    /// Unfolds all.
    pub(super) fn unfold_all(&mut self, height: u16) {
        self.folded.clear();
        self.lay_out(height);
    }

    fn choose(&mut self, id: &Arc<str>, height: u16) {
        let found = self.list.rows().iter().position(|leaf| leaf.node.id == *id);
        if let Some(position) = found {
            self.list.choose(u32::try_from(position).unwrap_or(u32::MAX), height);
        }
    }

    fn lay_out(&mut self, height: u16) {
        let leaves = in_depth(&self.view.nodes, &self.folded);
        let count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let total = u32::try_from(self.view.nodes.len()).unwrap_or(u32::MAX);
        self.list.receive(0, leaves, count, total, height);
    }
}

fn parent_of(nodes: &[NodeRow], leaf: &Leaf) -> Option<usize> {
    leaf.node.parent.map(|parent| parent as usize).filter(|parent| *parent < nodes.len())
}

/// The node's ancestor that has no parent.
fn topmost(nodes: &[NodeRow], leaf: &Leaf) -> Option<Arc<str>> {
    let mut at = parent_of(nodes, leaf)?;
    // parents come before their children, or the chain is broken and ends here
    while let Some(above) = nodes[at].parent.map(|above| above as usize).filter(|it| *it < at) {
        at = above;
    }
    Some(Arc::clone(&nodes[at].id))
}

/// Each node followed by what is below it unless it is folded. A parent that does not come before its
/// child counts as none.
fn in_depth(nodes: &[NodeRow], folded: &BTreeSet<Arc<str>>) -> Vec<Leaf> {
    let mut children = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        match node.parent.map(|parent| parent as usize).filter(|parent| *parent < i) {
            Some(above) => children[above].push(i),
            None => roots.push(i),
        }
    }
    let mut leaves = Vec::with_capacity(nodes.len());
    // the last one is next: position, what is left of its branch, whether it is its parent's last
    let mut open: Vec<(usize, String, Option<bool>)> =
        roots.into_iter().rev().map(|i| (i, String::new(), None)).collect();
    while let Some((i, left, last)) = open.pop() {
        let (own, below) = match last {
            None => ("", ""),
            Some(false) => ("├─", "│ "),
            Some(true) => ("└─", "  "),
        };
        let has_children = !children[i].is_empty();
        let folded = has_children && folded.contains(&nodes[i].id);
        let branch = format!("{left}{own}");
        leaves.push(Leaf { node: nodes[i].clone(), branch, has_children, folded });
        if !folded {
            let ends = children[i].last().copied();
            let inner = children[i].iter().rev();
            open.extend(
                inner.map(|&child| (child, format!("{left}{below}"), Some(Some(child) == ends))),
            );
        }
    }
    leaves
}
