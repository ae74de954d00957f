//! What one network has otherwise than another: counted, and with the first names.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bus::ChangeCounts;
use config::{Circuit, Network, Node};

/// The most names that are told of what was added, of what was removed and of what was changed.
const NAMED_MAX: usize = 5;

/// What one network has otherwise than another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// By their ids.
    pub circuits: Changes,
    /// By their names.
    pub nodes: Changes,
}

/// What is otherwise among circuits, or among nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that were not there before.
    pub added: Named,
    /// Those that are no longer there.
    pub removed: Named,
    /// Those that are otherwise.
    pub changed: Named,
}

/// How many there are, and the names of the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// How many there are.
    pub count: usize,
    first: Vec<String>,
}

impl Difference {
    /// What `after` has otherwise than `before`. A parent is another one if its id is.
    pub fn between(before: &Network, after: &Network) -> Self {
        fn node(network: &Network, index: Option<usize>) -> Option<&Node> {
            network.nodes.get(index?)
        }
        let same_parent = |was: Option<usize>, is: Option<usize>| {
            node(before, was).map(|node| &node.id) == node(after, is).map(|node| &node.id)
        };
        let same_circuit = |was: &Circuit, is: &Circuit| {
            let moved = || Circuit { parent: is.parent, ..was.clone() };
            same_parent(was.parent, is.parent) && (was == is || moved() == *is)
        };
        let same_node = |was: &Node, is: &Node| {
            let moved = || Node { parent: is.parent, ..was.clone() };
            same_parent(was.parent, is.parent) && (was == is || moved() == *is)
        };
        Self {
            circuits: Changes::among(
                (&before.circuits, &after.circuits),
                |circuit| (circuit.id.as_str(), circuit.id.as_str()),
                same_circuit,
            ),
            nodes: Changes::among(
                (&before.nodes, &after.nodes),
                |node| (node.id.as_str(), &node.name),
                same_node,
            ),
        }
    }
}

impl Changes {
    /// How many there are of each.
    pub const fn counts(&self) -> ChangeCounts {
        let Self { added, removed, changed } = self;
        ChangeCounts {
            added: added.count as u32,
            removed: removed.count as u32,
            changed: changed.count as u32,
        }
    }

    /// Compares by what `identity` says first; what it says then is the name.
    fn among<T>(
        (before, after): (&[T], &[T]),
        identity: impl Fn(&T) -> (&str, &str),
        same: impl Fn(&T, &T) -> bool,
    ) -> Self {
        let id = |one: &T| identity(one).0.to_owned();
        let mut changes = Self::default();
        // most changes leave most rows where they were
        let pairs = || before.iter().zip(after);
        let kept = pairs().take_while(|(was, is)| identity(was).0 == identity(is).0).count();
        for (_, is) in pairs().take(kept).filter(|(was, is)| !same(was, is)) {
            changes.changed.add(identity(is).1);
        }
        let old: HashMap<String, &T> = before[kept..].iter().map(|was| (id(was), was)).collect();
        let mut found = HashSet::new();
        for is in &after[kept..] {
            match old.get(identity(is).0) {
                None => changes.added.add(identity(is).1),
                Some(was) => {
                    found.insert(id(is));
                    if !same(was, is) {
                        changes.changed.add(identity(is).1);
                    }
                }
            }
        }
        for was in before[kept..].iter().filter(|was| !found.contains(identity(was).0)) {
            changes.removed.add(identity(was).1);
        }
        changes
    }
}

impl Named {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(name.to_owned());
        }
    }
}

impl fmt::Display for Difference {
    /// On one line; what has no change is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("circuits", &self.circuits), ("nodes", &self.nodes)];
        let mut separator = "";
        for (kind, changes) in kinds.iter().filter(|(_, changes)| **changes != Changes::default()) {
            write!(f, "{separator}{kind}: {changes}")?;
            separator = "; ";
        }
        if separator.is_empty() { f.write_str("no circuit or node changed") } else { Ok(()) }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, changed } = self;
        let mut separator = "";
        for (named, what) in [(added, "added"), (removed, "removed"), (changed, "changed")] {
            let Named { count, first } = named;
            if *count > 0 {
                let more = if *count > first.len() { ", ..." } else { "" };
                write!(f, "{separator}{count} {what} ({}{more})", first.join(", "))?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plan::synthetic::{circuit, node};

    use super::*;

    fn network() -> Network {
        let nodes = vec![node("Hill", None, Some(500)), node("Mill", None, Some(300))];
        let circuits = (0..8).map(|i| circuit(i, Some(i % 2), [1, 10, 1, 10])).collect();
        Network { nodes, circuits }
    }

    #[test]
    fn what_is_otherwise_is_counted_and_the_first_are_named() {
        let (before, mut after) = (network(), network());
        let none = Difference::between(&before, &after);
        assert_eq!(
            (none.to_string(), none),
            ("no circuit or node changed".into(), Difference::default())
        );
        after.nodes[1] = node("Mill", None, Some(2_000));
        after.circuits[3].name = "another".into();
        after.circuits.remove(5);
        after.circuits.push(circuit(9, None, [1, 10, 1, 10]));
        let told = "circuits: 1 added (c000009), 1 removed (c000005), 1 changed (c000003); \
                    nodes: 1 changed (Mill)";
        assert_eq!(Difference::between(&before, &after).to_string(), told);
        after.circuits.clear();
        let told = Difference::between(&before, &after).circuits.to_string();
        assert_eq!(told, "8 removed (c000000, c000001, c000002, c000003, c000004, ...)");
    }

    #[test]
    fn a_parent_at_another_place_is_the_same_one() {
        let (before, mut after) = (network(), network());
        after.nodes.insert(0, node("New", None, None));
        after
            .circuits
            .iter_mut()
            .for_each(|circuit| circuit.parent = circuit.parent.map(|i| i + 1));
        let told = "nodes: 1 added (New)";
        assert_eq!(Difference::between(&before, &after).to_string(), told);
    }
}
