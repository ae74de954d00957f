//! Which node a row hangs from.
//!
//! A node is found by `Parent Node ID` where that is given and known, otherwise by `Parent Node`,
//! its name; where both are empty, by `Anchor Node ID`. An id and a name that lead to different
//! nodes are an error; an unknown id beside a known name, or the reverse, is a warning.

use std::collections::HashMap;

use super::layout::Column;
use super::row::RawDevice;
use crate::nearest::did_you_mean;
use crate::network::Tree;
use crate::problem::Report;

/// The most different unknown parents for which near names are sought: each search looks at every
/// node.
const SEARCHES_MAX: usize = 50;

/// What a row says of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// That it has none.
    None,
    /// This node.
    Node(usize),
    /// Nothing that makes sense; reported.
    Unknown,
}

/// Finds parents in a tree.
pub(crate) struct Parents<'t> {
    tree: &'t Tree,
    suggestions: HashMap<String, Option<String>>,
    /// Rows that name a parent though the network has no nodes.
    pub(crate) in_flat_network: u32,
}

impl<'t> Parents<'t> {
    pub(crate) fn new(tree: &'t Tree) -> Self {
        Self { tree, suggestions: HashMap::new(), in_flat_network: 0 }
    }

    /// The parent that a row names.
    pub(crate) fn find(&mut self, row: RawDevice<'_, '_>, report: &mut Report<'_>) -> Parent {
        let name = given(row.get(Column::ParentNode));
        let id = given(row.get(Column::ParentNodeId));
        let anchor = given(row.get(Column::AnchorNodeId));
        if name.is_none() && id.is_none() && anchor.is_none() {
            return Parent::None;
        }
        if self.tree.nodes.is_empty() {
            self.in_flat_network += 1;
            return Parent::None;
        }
        match (id, name, anchor) {
            (None, None, Some(anchor)) => {
                self.by_id(row.line, Column::AnchorNodeId, anchor, report)
            }
            (Some(id), None, _) => self.by_id(row.line, Column::ParentNodeId, id, report),
            (None, Some(name), _) => self.by_name(row.line, name, report),
            (Some(id), Some(name), _) => self.by_both(row.line, id, name, report),
            (None, None, None) => Parent::None,
        }
    }

    fn by_id(&self, line: u32, column: Column, id: &str, report: &mut Report<'_>) -> Parent {
        match self.tree.identified(id) {
            Some(node) => Parent::Node(node),
            None => {
                report
                    .error(line, column.title(), format!("no node has the id {id:?}"))
                    .help("network.json gives ids with the key \"id\"".to_owned());
                Parent::Unknown
            }
        }
    }

    fn by_both(&mut self, line: u32, id: &str, name: &str, report: &mut Report<'_>) -> Parent {
        let Some(identified) = self.tree.identified(id) else {
            let parent = self.by_name(line, name, report);
            if parent != Parent::Unknown {
                let why = format!("no node has the id {id:?}; the parent was found by its name");
                report.warning(line, Column::ParentNodeId.title(), why);
            }
            return parent;
        };
        let holder = &self.tree.nodes[identified].name;
        let named = self.tree.named(name).or_else(|| match self.tree.named_in_any_case(name) {
            [only] => Some(*only),
            _ => None,
        });
        match named {
            Some(named) if named == identified => Parent::Node(identified),
            Some(_) => {
                report
                    .error(
                        line,
                        Column::ParentNodeId.title(),
                        format!("{id:?} is {holder:?}, but the Parent Node is {name:?}"),
                    )
                    .help("make both name the same node, or leave one of them empty".to_owned());
                Parent::Unknown
            }
            None => {
                let why = format!(
                    "no node is called {name:?}; the parent {holder:?} was found by its id"
                );
                report.warning(line, Column::ParentNode.title(), why);
                Parent::Node(identified)
            }
        }
    }

    fn by_name(&mut self, line: u32, name: &str, report: &mut Report<'_>) -> Parent {
        if let Some(node) = self.tree.named(name) {
            return Parent::Node(node);
        }
        let title = Column::ParentNode.title();
        match self.tree.named_in_any_case(name) {
            [only] => {
                let exact = &self.tree.nodes[*only].name;
                report.warning(
                    line,
                    title,
                    format!("{name:?} is written {exact:?} in network.json"),
                );
                Parent::Node(*only)
            }
            [] => {
                report
                    .error(line, title, format!("no node is called {name:?}"))
                    .help(self.suggestion(name));
                Parent::Unknown
            }
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|node| format!("{:?}", self.tree.nodes[*node].name))
                    .collect();
                report.error(line, title, format!("{name:?} could be any of {}", names.join(", ")));
                Parent::Unknown
            }
        }
    }

    fn suggestion(&mut self, name: &str) -> Option<String> {
        if let Some(known) = self.suggestions.get(name) {
            return known.clone();
        }
        if self.suggestions.len() >= SEARCHES_MAX {
            return None;
        }
        let names = self.tree.nodes.iter().map(|node| node.name.as_ref());
        let found = did_you_mean(name, names);
        self.suggestions.insert(name.to_owned(), found.clone());
        found
    }
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty() && !text.eq_ignore_ascii_case("none")).then_some(text)
}
