//! The steps that bring one NIC's queues from what they are to what is planned.
//!
//! Within an HTB that is as planned they go class by class, make before break. Only where a number
//! that is wanted belongs to something else, that goes first. An HTB that is missing or not as planned is
//! built anew with all that is below it.

use std::collections::HashSet;

use kernel::tc::{ClassState, Discipline, Qdisc, Request};
use plan::{ClassPlan, NicPlan, Owner, QueuePlan};
use units::TcHandle;

use crate::compare::{Difference, compare_class, compare_root, has_htb};
use crate::error::Failure;
use crate::observed::Observed;
use crate::root::{has_mq, is_ours, is_planned, place_of};
use crate::translate::{add_class, add_leaf, fill, htb, htb_class};

/// What has to be done on one NIC. Batches are in the order in which they are carried out, and so are
/// their requests.
#[derive(Debug, Default)]
pub(crate) struct QueueSteps {
    /// Before circuits are pointed elsewhere: what packets will be pointed at is made.
    pub(crate) make: Vec<Vec<Request>>,
    /// After that, leaf classes at which nothing is pointed any more. What waits there has to go out
    /// before they are removed.
    pub(crate) drain: Vec<TcHandle>,
    /// At last: what is not in the plan is removed.
    pub(crate) remove: Vec<Request>,
}

/// The steps for one NIC.
///
/// # Errors
/// When somebody else's qdisc is at the root.
pub(crate) fn steps(
    observed: &Observed,
    nic: &NicPlan,
    previous: Option<&NicPlan>,
) -> Result<QueueSteps, Failure> {
    let make = |make| Ok(QueueSteps { make, ..QueueSteps::default() });
    let Some(root) = observed.root() else {
        return make(if nic.queues.is_empty() { Vec::new() } else { from_nothing(nic) });
    };
    let is_ours = is_ours(observed, root) || previous.is_some_and(|nic| is_planned(nic, root));
    if nic.queues.is_empty() {
        let remove = vec![vec![Request::DeleteQdisc { parent: TcHandle::ROOT }]];
        return make(if is_ours { remove } else { Vec::new() });
    }
    if !is_ours {
        return Err(Failure::ForeignRoot {
            nic: nic.name.clone(),
            kind: root.discipline.kind().to_owned(),
            handle: root.handle,
        });
    }
    if must_start_over(observed, nic) {
        let mut all = vec![vec![Request::DeleteQdisc { parent: TcHandle::ROOT }]];
        all.extend(from_nothing(nic));
        return make(all);
    }
    Ok(queue_by_queue(observed, nic))
}

/// The whole tree, on a NIC with its default root.
pub(crate) fn from_nothing(nic: &NicPlan) -> Vec<Vec<Request>> {
    let mq = has_mq(nic).then(|| {
        vec![Request::AddQdisc { parent: TcHandle::ROOT, handle: nic.mq, qdisc: Qdisc::Mq }]
    });
    let tree = |queue: &QueuePlan| {
        let parent = place_of(nic, queue);
        let htb = Request::AddQdisc { parent, handle: queue.htb, qdisc: htb(queue) };
        std::iter::once(htb).chain(fill(queue)).collect()
    };
    mq.into_iter().chain(nic.queues.iter().map(tree)).collect()
}

/// Whether what is at the root has to go. Where a root is deleted, the kernel has its default one
/// ready.
fn must_start_over(observed: &Observed, nic: &NicPlan) -> bool {
    match nic.queues.first() {
        Some(queue) if !has_mq(nic) => !has_htb(observed, nic, queue),
        _ => compare_root(observed, nic).is_some(),
    }
}

fn queue_by_queue(observed: &Observed, nic: &NicPlan) -> QueueSteps {
    let (kept, rebuilt): (Vec<_>, Vec<_>) =
        nic.queues.iter().partition(|queue| has_htb(observed, nic, queue));
    let vacate = vacate(observed, nic, &kept);
    let in_the_way = in_the_way(observed, nic, &kept);
    let clear = delete(observed, in_the_way.iter().copied());
    let mut change = Vec::new();
    let mut steps = QueueSteps::default();
    for queue in &kept {
        change.extend(class_by_class(observed, queue, &in_the_way));
        let gone: Vec<_> = unplanned(observed, queue)
            .map(|class| class.handle)
            .filter(|class| !in_the_way.contains(class))
            .collect();
        steps.drain.extend(gone.iter().filter(|class| is_leaf(observed, **class)));
        steps.remove.extend(delete(observed, gone.into_iter()));
    }
    let build = rebuilt.into_iter().map(|queue| {
        let parent = place_of(nic, queue);
        let htb = Request::ReplaceQdisc { parent, handle: Some(queue.htb), qdisc: htb(queue) };
        std::iter::once(htb).chain(fill(queue)).collect()
    });
    let batches = [vacate, clear, change].into_iter().chain(build);
    steps.make = batches.filter(|batch| !batch.is_empty()).collect();
    steps
}

/// Puts a FIFO in the place of each tree that is not kept: the handles that it has may be wanted
/// at once, for this queue or another.
fn vacate(observed: &Observed, nic: &NicPlan, kept: &[&QueuePlan]) -> Vec<Request> {
    let mut spare = spare_handles(observed, nic);
    trees(observed, nic)
        .filter(|(_, htb)| !kept.iter().any(|queue| queue.htb == *htb))
        .map(|(parent, _)| Request::ReplaceQdisc {
            parent,
            handle: spare.next(),
            qdisc: Qdisc::Pfifo,
        })
        .collect()
}

/// The `mq` classes that have an HTB, with its handle.
fn trees(observed: &Observed, nic: &NicPlan) -> impl Iterator<Item = (TcHandle, TcHandle)> {
    let major = nic.mq.major();
    observed
        .qdiscs
        .values()
        .filter(move |qdisc| qdisc.parent.major() == major && qdisc.parent != TcHandle::ROOT)
        .filter(|qdisc| matches!(qdisc.discipline, Discipline::Known(Qdisc::Htb { .. })))
        .map(|qdisc| (qdisc.parent, qdisc.handle))
}

/// Handles that neither the kernel nor the plan uses. Left to itself the kernel would choose one
/// that a leaf may be planned to have.
fn spare_handles(observed: &Observed, nic: &NicPlan) -> impl Iterator<Item = TcHandle> {
    let leaves = nic.queues.iter().flat_map(|queue| &queue.classes).filter_map(|c| c.leaf);
    let mut used: HashSet<_> = leaves.map(|leaf| leaf.handle.major()).collect();
    used.extend(nic.queues.iter().map(|queue| queue.htb.major()));
    used.extend(observed.qdiscs.keys().map(|handle| handle.major()));
    (1..0xfff0).rev().filter(move |major| !used.contains(major)).map(|m| TcHandle::new(m, 0))
}

/// Classes that have to go before anything is made, as something planned needs their place: those
/// that hang elsewhere than planned, those that have a leaf's handle, those below what is to be a leaf; and
/// all that is below them. Plans give no number anew that was in use, as long as there are others, so
/// mostly there are none.
fn in_the_way(observed: &Observed, nic: &NicPlan, kept: &[&QueuePlan]) -> HashSet<TcHandle> {
    let mut tops = HashSet::new();
    for queue in kept {
        let holds_packets =
            |c: &&ClassPlan| matches!(c.owner, Owner::Circuit(_) | Owner::Unclaimed);
        let leaves = queue.classes.iter().filter(holds_packets);
        let leaves: HashSet<_> = leaves.map(|class| class.handle).collect();
        let below = observed.classes_of(queue.htb).filter(|class| leaves.contains(&class.parent));
        tops.extend(below.map(|class| class.handle));
        let elsewhere = queue.classes.iter().filter(|class| hangs_elsewhere(observed, class));
        tops.extend(elsewhere.map(|class| class.handle));
    }
    for class in nic.queues.iter().flat_map(|queue| &queue.classes) {
        let holder = class.leaf.and_then(|leaf| observed.qdiscs.get(&leaf.handle));
        tops.extend(holder.map(|qdisc| qdisc.parent).filter(|parent| *parent != class.handle));
    }
    let is_below = |class: &&ClassState| {
        tops.contains(&class.handle)
            || observed.above(class).any(|above| tops.contains(&above.handle))
    };
    let of_queue = |queue: &&QueuePlan| observed.classes_of(queue.htb);
    kept.iter().flat_map(of_queue).filter(is_below).map(|class| class.handle).collect()
}

fn hangs_elsewhere(observed: &Observed, class: &ClassPlan) -> bool {
    compare_class(observed, class)
        .iter()
        .any(|difference| matches!(difference, Difference::Parent { .. }))
}

/// Requests that delete these classes, children first.
fn delete(observed: &Observed, classes: impl Iterator<Item = TcHandle>) -> Vec<Request> {
    let depth = |handle: &TcHandle| {
        observed.classes.get(handle).map_or(0, |class| observed.above(class).count())
    };
    let mut classes: Vec<_> = classes.map(|class| (depth(&class), class)).collect();
    classes.sort_unstable_by(|(a, one), (b, other)| b.cmp(a).then(one.cmp(other)));
    classes.into_iter().map(|(_, handle)| Request::DeleteClass { handle }).collect()
}

fn unplanned<'o>(
    observed: &'o Observed,
    queue: &QueuePlan,
) -> impl Iterator<Item = &'o ClassState> {
    let planned: HashSet<_> = queue.classes.iter().map(|class| class.handle).collect();
    observed.classes_of(queue.htb).filter(move |class| !planned.contains(&class.handle))
}

fn is_leaf(observed: &Observed, class: TcHandle) -> bool {
    !observed.classes_of(TcHandle::new(class.major(), 0)).any(|child| child.parent == class)
}

/// Makes what is missing of a queue, and changes what is there: classes first, parents before
/// children, then leaves.
fn class_by_class(
    observed: &Observed,
    queue: &QueuePlan,
    in_the_way: &HashSet<TcHandle>,
) -> Vec<Request> {
    let (mut classes, mut leaves) = (Vec::new(), Vec::new());
    for class in &queue.classes {
        if in_the_way.contains(&class.handle) {
            classes.push(add_class(class));
            leaves.extend(add_leaf(class));
            continue;
        }
        for difference in compare_class(observed, class) {
            match difference {
                Difference::ClassMissing => {
                    classes.push(add_class(class));
                    leaves.extend(add_leaf(class));
                }
                Difference::Parameters { .. } => classes.push(Request::ChangeClass {
                    handle: class.handle,
                    parent: class.parent,
                    class: htb_class(class),
                }),
                difference => leaves.extend(change_leaf(class, &difference)),
            }
        }
    }
    classes.into_iter().chain(leaves).collect()
}

/// Brings the leaf of a class that is there into line. What waits in one of another kind is lost: a plan
/// gives a circuit whose leaf is to be of another kind another class.
fn change_leaf(class: &ClassPlan, difference: &Difference) -> Vec<Request> {
    let parent = class.handle;
    let remove = Request::DeleteQdisc { parent };
    let put = |(handle, qdisc)| Request::ReplaceQdisc { parent, handle: Some(handle), qdisc };
    match *difference {
        Difference::LeafSettings { wanted, .. } => {
            class.leaf.map(|leaf| put((leaf.handle, wanted))).into_iter().collect()
        }
        Difference::Leaf { wanted: None, .. } => vec![remove],
        Difference::Leaf { wanted: Some(_), found: None } => add_leaf(class).into_iter().collect(),
        Difference::Leaf { wanted: Some(wanted), found: Some((found, _)) } => {
            if wanted.0 == found {
                // the kernel does not make one kind of another
                [remove].into_iter().chain(add_leaf(class)).collect()
            } else {
                vec![put(wanted)]
            }
        }
        _ => Vec::new(),
    }
}
