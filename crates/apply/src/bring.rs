//! The operations that bring one NIC from what it has to what is planned.

use std::collections::HashSet;

use kernel::tc::{Discipline, Qdisc, Request};
use plan::{NicPlan, QueuePlan};
use units::TcHandle;

use crate::compare::{Difference, Mismatch, compare_queue, compare_root};
use crate::error::Failure;
use crate::observed::Observed;
use crate::root::{has_mq, is_ours, is_planned, place_of};
use crate::translate::{fill, htb, htb_class};

/// The batches for one NIC, to be carried out in order.
pub(crate) fn batches(
    observed: &Observed,
    nic: &NicPlan,
    previous: Option<&NicPlan>,
) -> Result<Vec<Vec<Request>>, Failure> {
    let Some(root) = observed.root() else {
        return Ok(if nic.queues.is_empty() { Vec::new() } else { from_nothing(nic) });
    };
    let is_ours = is_ours(observed, root) || previous.is_some_and(|nic| is_planned(nic, root));
    if nic.queues.is_empty() {
        let remove = vec![vec![Request::DeleteQdisc { parent: TcHandle::ROOT }]];
        return Ok(if is_ours { remove } else { Vec::new() });
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
        return Ok(all);
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

/// Whether what is at the root has to go. An HTB there that cannot be changed in place goes as
/// well: where a root is deleted, the kernel has its default one ready.
fn must_start_over(observed: &Observed, nic: &NicPlan) -> bool {
    if has_mq(nic) {
        return compare_root(observed, nic).is_some();
    }
    let mut mismatches = nic.queues.iter().flat_map(|queue| compare_queue(observed, nic, queue));
    mismatches.any(|mismatch| !mismatch.difference.can_change())
}

fn queue_by_queue(observed: &Observed, nic: &NicPlan) -> Vec<Vec<Request>> {
    let mut spare = spare_handles(observed, nic);
    let (mut vacate, mut change, mut build) = (Vec::new(), Vec::new(), Vec::new());
    for (class, _) in trees(observed, nic) {
        if !nic.queues.iter().any(|queue| place_of(nic, queue) == class) {
            vacate.push(fifo(class, spare.next()));
        }
    }
    for queue in &nic.queues {
        let mismatches = compare_queue(observed, nic, queue);
        if mismatches.iter().all(|mismatch| mismatch.difference.can_change()) {
            change.extend(mismatches.iter().filter_map(|m| change_request(queue, m)));
            continue;
        }
        let parent = place_of(nic, queue);
        if trees(observed, nic).any(|(class, _)| class == parent) {
            // Its handles may be wanted again at once, in this tree or another.
            vacate.push(fifo(parent, spare.next()));
        }
        let htb = Request::ReplaceQdisc { parent, handle: Some(queue.htb), qdisc: htb(queue) };
        build.push(std::iter::once(htb).chain(fill(queue)).collect());
    }
    let batches = [vacate, change].into_iter().chain(build);
    batches.filter(|batch| !batch.is_empty()).collect()
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

fn fifo(parent: TcHandle, handle: Option<TcHandle>) -> Request {
    Request::ReplaceQdisc { parent, handle, qdisc: Qdisc::Pfifo }
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

fn change_request(queue: &QueuePlan, mismatch: &Mismatch) -> Option<Request> {
    let class = queue.classes.iter().find(|class| class.handle == mismatch.handle)?;
    match mismatch.difference {
        Difference::Parameters { .. } => Some(Request::ChangeClass {
            handle: class.handle,
            parent: class.parent,
            class: htb_class(class),
        }),
        Difference::LeafLimit { wanted, .. } => Some(Request::ReplaceQdisc {
            parent: class.handle,
            handle: Some(class.leaf?.handle),
            qdisc: wanted,
        }),
        _ => None,
    }
}
