//! What one plan changes of another, in the operator's words.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use config::Leaf;
use serde::Serialize;
use units::{BitsPerSec, CircuitSlot, Direction, IpPrefix, PerDirection, QueueId, TcHandle};

use crate::display::leaf_name;
use crate::model::{ClassPlan, Owner, Plan, QueuePlan, Target};

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// For whom.
    pub who: Owner,
    /// What.
    pub what: What,
}

/// What is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was not there before.
    New(Place),
    /// It is not there any more.
    Gone,
    /// It sits elsewhere.
    Moved {
        /// Where it was.
        from: Place,
        /// Where it will be.
        to: Place,
    },
    /// Its ceiling, of Ethernet frames.
    Limit(Shift<BitsPerSec>),
    /// What it is guaranteed when all is busy, of Ethernet frames.
    Guarantee(Shift<BitsPerSec>),
    /// The queue under its class.
    Leaf(Shift<&'static str>),
    /// Blocks of addresses that it gets and loses.
    Addresses {
        /// Those that were not its own before.
        added: Vec<IpPrefix>,
        /// Those that are not its own any more.
        removed: Vec<IpPrefix>,
    },
}

/// From one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shift<T> {
    /// Of which traffic.
    pub direction: Direction,
    /// What it was.
    pub from: T,
    /// What it will be.
    pub to: T,
}

/// Where something sits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Below what.
    pub under: Owner,
    /// On which transmit queue of each direction's NIC.
    pub queue: PerDirection<QueueId>,
}

/// What `new` changes of `old`, nodes first, ascending by owner; what is guaranteed, of which one change may
/// entail many, comes last. Quanta and bursts follow from rates and are not told.
pub fn changes(old: &Plan, new: &Plan) -> Vec<Change> {
    let (before, after) = (Tenants::of(old), Tenants::of(new));
    let owners: BTreeSet<_> = before.classes.keys().chain(after.classes.keys()).collect();
    let mut all = Vec::new();
    for who in owners {
        let mut tell = |what| all.push(Change { who: (*who).clone(), what });
        match (before.classes.get(who), after.classes.get(who)) {
            (None, Some(classes)) => tell(What::New(after.place(classes))),
            (Some(_), None) => tell(What::Gone),
            (Some(was), Some(is)) => compare(&before, was, &after, is, &mut tell),
            (None, None) => {}
        }
        let nothing = BTreeSet::new();
        let [had, has] = [&before, &after].map(|plan| plan.blocks.get(who).unwrap_or(&nothing));
        let added: Vec<_> = has.difference(had).copied().collect();
        let removed: Vec<_> = had.difference(has).copied().collect();
        if before.classes.contains_key(who)
            && after.classes.contains_key(who)
            && added.len() + removed.len() > 0
        {
            tell(What::Addresses { added, removed });
        }
    }
    all.sort_by_key(|change| matches!(change.what, What::Guarantee(_)));
    all
}

/// Classes of one owner: those of the first queue in each direction stand for all of them.
type Classes<'p> = PerDirection<Option<(&'p QueuePlan, &'p ClassPlan)>>;

/// Whose is what in a plan.
struct Tenants<'p> {
    classes: BTreeMap<&'p Owner, Classes<'p>>,
    by_handle: HashMap<(Direction, TcHandle), &'p Owner>,
    blocks: BTreeMap<Owner, BTreeSet<IpPrefix>>,
}

impl<'p> Tenants<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut classes: BTreeMap<&Owner, Classes<'_>> = BTreeMap::new();
        let mut by_handle = HashMap::new();
        for queue in plan.nics.iter().flat_map(|nic| &nic.queues) {
            for class in &queue.classes {
                let entry = classes.entry(&class.owner).or_default();
                entry[queue.direction].get_or_insert((queue, class));
                by_handle.insert((queue.direction, class.handle), &class.owner);
            }
        }
        let slots: HashMap<CircuitSlot, _> =
            plan.circuits.iter().map(|circuit| (circuit.slot, &circuit.id)).collect();
        let mut blocks: BTreeMap<Owner, BTreeSet<IpPrefix>> = BTreeMap::new();
        for address in &plan.addresses {
            if let Target::Circuit(slot) = address.target
                && let Some(id) = slots.get(&slot)
            {
                let owner = Owner::Circuit((*id).clone());
                blocks.entry(owner).or_default().insert(address.prefix);
            }
        }
        Self { classes, by_handle, blocks }
    }

    fn place(&self, classes: &Classes<'_>) -> Place {
        let under = classes.down.or(classes.up).and_then(|(queue, class)| {
            self.by_handle.get(&(queue.direction, class.parent)).map(|owner| (*owner).clone())
        });
        Place {
            under: under.unwrap_or(Owner::Link),
            queue: PerDirection::from_fn(|direction| {
                classes[direction].map(|(queue, _)| queue.queue).unwrap_or_default()
            }),
        }
    }
}

fn compare(
    before: &Tenants<'_>,
    was: &Classes<'_>,
    after: &Tenants<'_>,
    is: &Classes<'_>,
    tell: &mut impl FnMut(What),
) {
    let (from, to) = (before.place(was), after.place(is));
    if from != to {
        tell(What::Moved { from, to });
    }
    for direction in Direction::ALL {
        let (Some((_, old)), Some((_, new))) = (was[direction], is[direction]) else { continue };
        if old.ceil != new.ceil {
            tell(What::Limit(Shift { direction, from: old.ceil, to: new.ceil }));
        }
        if old.rate != new.rate {
            tell(What::Guarantee(Shift { direction, from: old.rate, to: new.rate }));
        }
        let leaf = |class: &ClassPlan| class.leaf.map_or(Leaf::None, |leaf| leaf.kind);
        if leaf(old) != leaf(new) {
            let (from, to) = (leaf_name(leaf(old)), leaf_name(leaf(new)));
            tell(What::Leaf(Shift { direction, from, to }));
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, what } = self;
        match what {
            What::New(place) => write!(f, "{who}: new, {place}"),
            What::Gone => write!(f, "{who}: goes"),
            What::Moved { from, to } => write!(f, "{who}: moves from {from}, to {to}"),
            What::Limit(step) => write!(f, "{who}: limited to {step}"),
            What::Guarantee(step) => write!(f, "{who}: guaranteed {step}"),
            What::Leaf(step) => write!(f, "{who}: queues in {step}"),
            What::Addresses { added, removed } => {
                let parts = [("gets", added), ("loses", removed)];
                let parts: Vec<_> = parts
                    .into_iter()
                    .filter(|(_, blocks)| !blocks.is_empty())
                    .map(|(verb, blocks)| {
                        let blocks: Vec<_> = blocks.iter().map(ToString::to_string).collect();
                        format!("{verb} {}", blocks.join(", "))
                    })
                    .collect();
                write!(f, "{who}: {}", parts.join("; "))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { under, queue } = self;
        if queue.down == queue.up {
            return write!(f, "under {under} on queue {}", queue.down);
        }
        write!(f, "under {under} on queues {} (down) and {} (up)", queue.down, queue.up)
    }
}

impl<T: fmt::Display> fmt::Display for Shift<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Download => "down",
            Direction::Upload => "up",
        };
        write!(f, "{} instead of {} {direction}", self.to, self.from)
    }
}
