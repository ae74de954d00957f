//! Whether a plan keeps its promises, found out without the planner.
//!
//! Nothing here uses the planner's arithmetic or its constants: each rule is derived anew from the
//! configuration and from what the kernel takes, so that a mistake has to be made twice to pass.

mod addresses;
mod circuits;
mod leaves;
mod rates;
mod structure;

use std::collections::HashMap;
use std::fmt;

use config::{Config, Mode};
use units::{Direction, PerDirection, TcHandle};

use crate::facts::{Facts, NicFacts};
use crate::model::{ClassPlan, NicPlan, Owner, Plan, QueuePlan};

/// A promise that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub rule: Rule,
    /// The NIC, queue, class, circuit or address.
    pub subject: String,
    /// What is wrong with it.
    pub why: String,
}

/// The promises of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The NICs and the mode are those of the configuration and the machine.
    Nics,
    /// Queues exist, lie on the right NIC, and come in pairs on one CPU.
    Queues,
    /// Handles are unique, in their ranges, and belong together.
    Handles,
    /// Every class hangs from the link, parents come first, and HTB takes the depth.
    Tree,
    /// Each real node and circuit has one class in each direction, under its own parent.
    Owners,
    /// Ceilings are the configured limits, none above its parent's.
    Ceilings,
    /// Guaranteed rates add up to no more than what they share, and none is cut without cause.
    Guarantees,
    /// Quanta are in the range that HTB takes, in the order of min rates.
    Quanta,
    /// Bursts last neither too short nor too long.
    Bursts,
    /// Leaves are wanted, available, and only where packets wait.
    Leaves,
    /// The circuits are the configured ones, each in one place with a row of its own.
    Circuits,
    /// The addresses are those of the devices and ranges, each once.
    Addresses,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}: {}", self.rule, self.subject, self.why)
    }
}

/// Every promise that `plan` breaks, given what it was made from; none for a sound plan.
pub fn check(plan: &Plan, config: &Config, facts: &Facts) -> Vec<Violation> {
    let mut view = View { plan, config, facts, found: Vec::new() };
    structure::check(&mut view);
    let wanted = PerDirection::from_fn(|direction| rates::Wanted::new(config, direction));
    for nic in &plan.nics {
        for queue in &nic.queues {
            let shelf = Shelf::new(nic, queue, view.nic_facts(nic));
            structure::check_queue(&mut view, &shelf);
            rates::check(&mut view, &shelf, &wanted[queue.direction]);
        }
    }
    leaves::check(&mut view);
    circuits::check(&mut view);
    addresses::check(&mut view);
    view.found
}

/// What is checked, and what was found.
struct View<'a> {
    plan: &'a Plan,
    config: &'a Config,
    facts: &'a Facts,
    found: Vec<Violation>,
}

impl<'a> View<'a> {
    /// Notes a violation unless `holds`.
    fn expect(
        &mut self,
        holds: bool,
        rule: Rule,
        subject: impl fmt::Display,
        why: impl FnOnce() -> String,
    ) {
        if !holds {
            self.found.push(Violation { rule, subject: subject.to_string(), why: why() });
        }
    }

    fn nic_facts(&self, nic: &NicPlan) -> &'a NicFacts {
        if self.facts.internet.ifindex == nic.ifindex {
            &self.facts.internet
        } else {
            &self.facts.customers
        }
    }

    fn shapes(&self) -> bool {
        self.config.interfaces.mode != Mode::Observe
    }

    /// One direction's queues with their NICs, by shard.
    fn queues(&self, direction: Direction) -> Vec<(&'a NicPlan, &'a QueuePlan)> {
        let all = self.plan.nics.iter().flat_map(|nic| nic.queues.iter().map(move |q| (nic, q)));
        all.filter(|(_, queue)| queue.direction == direction).collect()
    }

    /// The index of the nearest real node at or above this one.
    fn real(&self, mut node: Option<usize>) -> Option<usize> {
        while let Some(i) = node {
            let n = self.config.network.nodes.get(i)?;
            if !n.is_virtual {
                return Some(i);
            }
            node = n.parent;
        }
        None
    }

    /// Who the class above a node or circuit with this parent must belong to.
    fn owner_above(&self, parent: Option<usize>) -> Owner {
        let real = self.real(parent);
        real.map_or(Owner::Link, |i| Owner::Node(self.config.network.nodes[i].id.clone()))
    }
}

/// One queue with its classes by handle.
struct Shelf<'a> {
    nic: &'a NicPlan,
    facts: &'a NicFacts,
    queue: &'a QueuePlan,
    by_handle: HashMap<TcHandle, &'a ClassPlan>,
}

impl<'a> Shelf<'a> {
    fn new(nic: &'a NicPlan, queue: &'a QueuePlan, facts: &'a NicFacts) -> Self {
        let by_handle = queue.classes.iter().map(|class| (class.handle, class)).collect();
        Self { nic, facts, queue, by_handle }
    }

    fn parent(&self, class: &ClassPlan) -> Option<&'a ClassPlan> {
        self.by_handle.get(&class.parent).copied()
    }

    /// The classes above one, nearest first, at most as many as there are.
    fn above(&self, class: &ClassPlan) -> impl Iterator<Item = &'a ClassPlan> {
        let first = self.parent(class);
        std::iter::successors(first, |at| self.parent(at)).take(self.queue.classes.len())
    }

    fn name<'n>(&'n self, class: &'n ClassPlan) -> Name<'n> {
        Name { nic: &self.nic.name, class }
    }
}

/// What a violation calls a class; written only when there is one.
#[derive(Clone, Copy)]
struct Name<'a> {
    nic: &'a str,
    class: &'a ClassPlan,
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} class {} ({})", self.nic, self.class.handle, self.class.owner)
    }
}
