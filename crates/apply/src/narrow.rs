//! What two plans do not have in common.
//!
//! A kernel that is known to have one plan need not be read to be brought to another: where both say the
//! same, nothing has to be done. What remains of them is a plan of a few classes, and the kernel as the
//! old one describes it.

use std::hash::Hash;

use foldhash::HashMap;
use kernel::tc::{ClassState, Discipline, HtbParameters, Qdisc, QdiscState, Stats};
use plan::{ClassPlan, NicPlan, Plan, QueuePlan};
use units::{IfIndex, TcHandle};

use crate::diff::State;
use crate::observed::Observed;
use crate::root::{has_mq, place_of};
use crate::translate::{address, htb, htb_class, leaf_qdisc, place};

/// Classes that are looked at one by one in any case, and what part of all of them is: looking at one takes
/// some 10 us, reading all of them 4 us each of 20,000 and 28 us of 100,000.
const CLASSES_MAX: usize = 1_000;
const PART_MAX: usize = 8;

/// The parts of both plans that differ; nothing where too much does, or something that only a kernel that
/// was read can be brought from one to the other.
pub(crate) fn narrow(old: &Plan, new: &Plan) -> Option<(Plan, Plan)> {
    if old.mode != new.mode || old.nics.len() != new.nics.len() {
        return None;
    }
    let (mut classes, mut all) = (0, 0);
    let mut nics = (Vec::new(), Vec::new());
    for (old, new) in old.nics.iter().zip(&new.nics) {
        let (before, after) = narrow_nic(old, new)?;
        let of = |nic: &NicPlan| nic.queues.iter().map(|queue| queue.classes.len()).sum::<usize>();
        classes += of(&before).max(of(&after));
        all += of(new);
        nics.0.push(before);
        nics.1.push(after);
    }
    let circuits = differing(&old.circuits, &new.circuits, |circuit| circuit.slot);
    let addresses = differing(&old.addresses, &new.addresses, |address| address.prefix);
    let plan = |nics, circuits, addresses| Plan { mode: new.mode, nics, circuits, addresses };
    let both = (plan(nics.0, circuits.0, addresses.0), plan(nics.1, circuits.1, addresses.1));
    (classes <= CLASSES_MAX.max(all / PART_MAX)).then_some(both)
}

fn narrow_nic(old: &NicPlan, new: &NicPlan) -> Option<(NicPlan, NicPlan)> {
    let is_same = (old.ifindex, old.mq) == (new.ifindex, new.mq);
    if !is_same || old.queues.len() != new.queues.len() {
        return None;
    }
    let queues = old.queues.iter().zip(&new.queues).map(|(old, new)| narrow_queue(old, new));
    let (before, after) = queues.collect::<Option<_>>()?;
    let nic = |queues| NicPlan { name: new.name.clone(), queues, ..*new };
    Some((nic(before), nic(after)))
}

fn narrow_queue(old: &QueuePlan, new: &QueuePlan) -> Option<(QueuePlan, QueuePlan)> {
    let head = |queue: &QueuePlan| (queue.queue, queue.direction, queue.htb, queue.default_class);
    let (before, after) = differing(&old.classes, &new.classes, |class| class.handle);
    // what hangs elsewhere under its old number has others below it, which are not told apart here
    let parents: HashMap<_, _> = before.iter().map(|class| (class.handle, class.parent)).collect();
    let stays =
        |class: &ClassPlan| parents.get(&class.handle).is_none_or(|parent| *parent == class.parent);
    let is_possible = head(old) == head(new) && after.iter().all(stays);
    let queue = |classes| QueuePlan { classes, ..*new };
    is_possible.then(|| (queue(before), queue(after)))
}

/// What each list has that the other has not; whatever has a key has it alone in its list.
fn differing<T: Clone + PartialEq, K: Eq + Hash>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> K,
) -> (Vec<T>, Vec<T>) {
    let mut before: HashMap<K, &T> = old.iter().map(|one| (key(one), one)).collect();
    let mut after = Vec::new();
    for one in new {
        match before.get(&key(one)) {
            Some(old) if *old == one => drop(before.remove(&key(one))),
            _ => after.push(one.clone()),
        }
    }
    // in the order of the list, as parents come before children there
    let before = old.iter().filter(|one| before.contains_key(&key(one))).cloned().collect();
    (before, after)
}

/// The kernel as `plan` describes it.
pub(crate) fn expected(plan: &Plan) -> State {
    let rows = plan.circuits.iter();
    let rows = rows.filter_map(|circuit| Some((circuit.slot, place(circuit)?)));
    let mut addresses: Vec<_> = plan.addresses.iter().map(address).collect();
    addresses.sort_unstable_by_key(|(prefix, _)| *prefix);
    State {
        nics: plan.nics.iter().map(expected_nic).collect(),
        circuits: rows.collect(),
        addresses,
    }
}

fn expected_nic(nic: &NicPlan) -> Observed {
    let mut observed = Observed::default();
    let mut put = |handle, parent, qdisc| {
        let state = qdisc_state(nic.ifindex, handle, parent, qdisc);
        observed.qdiscs.insert(handle, state);
    };
    if has_mq(nic) {
        put(nic.mq, TcHandle::ROOT, Qdisc::Mq);
    }
    for queue in &nic.queues {
        put(queue.htb, place_of(nic, queue), htb(queue));
        for class in &queue.classes {
            if let Some((handle, qdisc)) = class.leaf.as_ref().and_then(leaf_qdisc) {
                put(handle, class.handle, qdisc);
            }
        }
    }
    let classes = nic.queues.iter().flat_map(|queue| &queue.classes);
    observed.classes = classes.map(|class| (class.handle, class_state(class))).collect();
    observed
}

fn qdisc_state(nic: IfIndex, handle: TcHandle, parent: TcHandle, qdisc: Qdisc) -> QdiscState {
    let discipline = Discipline::Known(qdisc);
    QdiscState { nic, handle, parent, discipline, stats: Stats::default() }
}

fn class_state(class: &ClassPlan) -> ClassState {
    let leaf = class.leaf.as_ref().and_then(leaf_qdisc);
    ClassState {
        handle: class.handle,
        parent: if class.parent.minor() == 0 { TcHandle::ROOT } else { class.parent },
        leaf: leaf.map(|(handle, _)| handle).unwrap_or_default(),
        parameters: HtbParameters::from(&htb_class(class)),
        stats: Stats::default(),
    }
}
