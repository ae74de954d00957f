//! What of a plan is not as it should be.

use std::fmt;

use kernel::tc::{Discipline, HtbParameters, Qdisc};
use plan::{ClassPlan, NicPlan, Owner, QueuePlan};
use units::TcHandle;

use crate::observed::Observed;
use crate::root::{has_mq, place_of};
use crate::translate::{htb, htb_class, leaf_qdisc};

/// One thing that is not as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the NIC; empty for the tables.
    pub nic: String,
    /// The qdisc or class; 0 for the tables.
    pub handle: TcHandle,
    /// What differs.
    pub difference: Difference,
}

/// What differs between plan and kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The root or a queue's HTB is missing, elsewhere, or has other settings.
    Qdisc {
        /// What was planned.
        wanted: Qdisc,
    },
    /// A class is missing.
    ClassMissing,
    /// A class is not in the plan.
    ClassUnexpected,
    /// A class hangs elsewhere.
    Parent {
        /// Where it was planned.
        wanted: TcHandle,
        /// Where it is.
        found: TcHandle,
    },
    /// A class has other rates, bursts, quantum or priority.
    Parameters {
        /// What was planned.
        wanted: HtbParameters,
        /// What is there.
        found: HtbParameters,
    },
    /// Another leaf is under a class, or none, or one of another kind.
    Leaf {
        /// What was planned; none for HTB's own.
        wanted: Option<(TcHandle, Qdisc)>,
        /// What is there.
        found: Option<(TcHandle, Discipline)>,
    },
    /// The leaf is the right one but for settings that can be changed in place.
    LeafSettings {
        /// What was planned.
        wanted: Qdisc,
        /// What is there.
        found: Qdisc,
    },
    /// Circuits' rows that are not as planned.
    Circuits(usize),
    /// Address blocks that are not as planned.
    Addresses(usize),
}

/// What of the `mq` at the root is not as planned. Where an HTB is the root, its queue tells.
pub(crate) fn compare_root(observed: &Observed, nic: &NicPlan) -> Option<Mismatch> {
    if !has_mq(nic) {
        return None;
    }
    let wanted = Qdisc::Mq;
    let is_right = observed.qdiscs.get(&nic.mq).is_some_and(|mq| {
        mq.parent == TcHandle::ROOT && mq.discipline == Discipline::Known(wanted)
    });
    (!is_right).then(|| mismatch(nic, nic.mq, Difference::Qdisc { wanted }))
}

/// What of one queue is not as planned.
pub(crate) fn compare_queue(
    observed: &Observed,
    nic: &NicPlan,
    queue: &QueuePlan,
) -> Vec<Mismatch> {
    if !has_htb(observed, nic, queue) {
        return vec![mismatch(nic, queue.htb, Difference::Qdisc { wanted: htb(queue) })];
    }
    let differences = queue.classes.iter().flat_map(|class| {
        compare_class(observed, class)
            .into_iter()
            .map(|difference| mismatch(nic, class.handle, difference))
    });
    let mut all: Vec<_> = differences.collect();
    let planned: std::collections::HashSet<_> = queue.classes.iter().map(|c| c.handle).collect();
    all.extend(
        observed
            .classes_of(queue.htb)
            .filter(|class| !planned.contains(&class.handle))
            .map(|class| mismatch(nic, class.handle, Difference::ClassUnexpected)),
    );
    all
}

/// Whether a queue's HTB is where it was planned, whatever is below it.
pub(crate) fn has_htb(observed: &Observed, nic: &NicPlan, queue: &QueuePlan) -> bool {
    observed.qdiscs.get(&queue.htb).is_some_and(|found| {
        found.parent == place_of(nic, queue) && found.discipline == Discipline::Known(htb(queue))
    })
}

/// What of one class is not as planned.
pub(crate) fn compare_class(observed: &Observed, class: &ClassPlan) -> Vec<Difference> {
    let Some(found) = observed.classes.get(&class.handle) else {
        return vec![Difference::ClassMissing];
    };
    let mut differences = Vec::new();
    // The kernel calls the parent of a class right below its HTB the root.
    let parent = if class.parent.minor() == 0 { TcHandle::ROOT } else { class.parent };
    if found.parent != parent {
        differences.push(Difference::Parent { wanted: parent, found: found.parent });
    }
    let mut wanted = HtbParameters::from(&htb_class(class));
    if matches!(class.owner, Owner::Link | Owner::Node(_)) {
        // what has children keeps the quantum that it was made with, and has no use for it
        // (`htb_change_class` in `net/sched/sch_htb.c`)
        wanted.quantum = found.parameters.quantum;
    }
    if found.parameters != wanted {
        differences.push(Difference::Parameters { wanted, found: found.parameters });
    }
    differences.extend(compare_leaf(observed, class, found.leaf));
    differences
}

fn compare_leaf(observed: &Observed, class: &ClassPlan, leaf: TcHandle) -> Option<Difference> {
    let wanted = class.leaf.as_ref().and_then(leaf_qdisc);
    let found = observed.qdiscs.get(&leaf).map(|qdisc| (leaf, qdisc.discipline.clone()));
    match (wanted, &found) {
        (None, None) => None,
        (Some((handle, wanted)), Some((_, Discipline::Known(found)))) if handle == leaf => {
            if wanted == *found {
                None
            } else if found.can_become(&wanted) {
                Some(Difference::LeafSettings { wanted, found: *found })
            } else {
                Some(leaf_difference(Some((handle, wanted)), found_known(leaf, *found)))
            }
        }
        _ => Some(leaf_difference(wanted, found)),
    }
}

fn found_known(handle: TcHandle, qdisc: Qdisc) -> Option<(TcHandle, Discipline)> {
    Some((handle, Discipline::Known(qdisc)))
}

fn leaf_difference(
    wanted: Option<(TcHandle, Qdisc)>,
    found: Option<(TcHandle, Discipline)>,
) -> Difference {
    Difference::Leaf { wanted, found }
}

fn mismatch(nic: &NicPlan, handle: TcHandle, difference: Difference) -> Mismatch {
    Mismatch { nic: nic.name.clone(), handle, difference }
}

/// The settings that differ, each with what is there and what was planned.
fn differing(wanted: &HtbParameters, found: &HtbParameters) -> String {
    let HtbParameters { rate, ceil, buffer_ticks, cbuffer_ticks, quantum, priority } = *found;
    let settings = [
        ("rate", rate, wanted.rate, " bytes per second"),
        ("ceil", ceil, wanted.ceil, " bytes per second"),
        ("burst", buffer_ticks.into(), wanted.buffer_ticks.into(), " ticks"),
        ("cburst", cbuffer_ticks.into(), wanted.cbuffer_ticks.into(), " ticks"),
        ("quantum", quantum.into(), wanted.quantum.into(), " bytes"),
        ("priority", priority.into(), wanted.priority.into(), ""),
    ];
    let differing = settings.iter().filter(|(_, found, wanted, _)| found != wanted);
    let text: Vec<_> = differing
        .map(|(name, found, wanted, unit)| format!("{name} {found}, not {wanted}{unit}"))
        .collect();
    text.join(", and ")
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nic, handle, difference } = self;
        match difference {
            Difference::Qdisc { wanted } => {
                write!(f, "{nic}: {} {handle} is missing or not as planned", wanted.kind())
            }
            Difference::ClassMissing => write!(f, "{nic}: class {handle} is missing"),
            Difference::ClassUnexpected => write!(f, "{nic}: class {handle} is not in the plan"),
            Difference::Parent { wanted, found } => {
                write!(f, "{nic}: class {handle} is under {found}, not {wanted}")
            }
            Difference::Parameters { wanted, found } => {
                write!(f, "{nic}: class {handle} has {}", differing(wanted, found))
            }
            Difference::Leaf { wanted, found } => write!(
                f,
                "{nic}: class {handle} has leaf {}, not {}",
                found.as_ref().map_or("none", |(_, found)| found.kind()),
                wanted.as_ref().map_or("none", |(_, wanted)| wanted.kind())
            ),
            Difference::LeafSettings { .. } => {
                write!(f, "{nic}: the leaf of class {handle} has other settings")
            }
            Difference::Circuits(rows) => write!(f, "{rows} circuits are not at their places"),
            Difference::Addresses(blocks) => {
                write!(f, "{blocks} address blocks lead elsewhere than planned")
            }
        }
    }
}
