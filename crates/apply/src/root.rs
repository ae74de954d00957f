//! What is at a NIC's root: what the plan wants there, and whether what is there is Tidegate's.

use kernel::tc::{Discipline, Qdisc, QdiscState};
use plan::{NicPlan, QueuePlan};
use units::TcHandle;
use units::ours::{DEFAULT_MINOR, FIRST_LEAF, LINK_MINOR, MQ, ONLY_HTB};

use crate::observed::Observed;
use crate::translate::htb;

/// Whether queues hang from an `mq`. A NIC with a single queue takes none: its HTB is the root.
pub(crate) fn has_mq(nic: &NicPlan) -> bool {
    nic.mq != TcHandle::default()
}

/// Where a queue's HTB belongs.
pub(crate) fn place_of(nic: &NicPlan, queue: &QueuePlan) -> TcHandle {
    if has_mq(nic) { TcHandle::new(nic.mq.major(), queue.queue.get() + 1) } else { TcHandle::ROOT }
}

/// Handle and kind of the planned root; nothing where nothing is shaped.
pub(crate) fn planned(nic: &NicPlan) -> Option<(TcHandle, &'static str)> {
    let queue = nic.queues.first()?;
    Some(if has_mq(nic) { (nic.mq, Qdisc::Mq.kind()) } else { (queue.htb, htb(queue).kind()) })
}

/// Whether a qdisc is the root that was planned for this NIC.
pub(crate) fn is_planned(nic: &NicPlan, qdisc: &QdiscState) -> bool {
    qdisc.parent == TcHandle::ROOT && planned(nic) == Some((qdisc.handle, qdisc.discipline.kind()))
}

/// Whether the root was made by Tidegate, whichever plan it belonged to: after a crash there is no plan to ask,
/// least of all where nothing is to be shaped any more.
///
/// Nobody else has reason to name an `mq` as ours is named. `1:` is what most people call their
/// HTB, so that one has to look like a planned tree, whole or as far as it was built, as well.
pub(crate) fn is_ours(observed: &Observed, root: &QdiscState) -> bool {
    match root.discipline {
        Discipline::Known(Qdisc::Mq) => root.handle == MQ,
        Discipline::Known(Qdisc::Htb { default_minor: DEFAULT_MINOR }) => {
            root.handle == ONLY_HTB && has_planned_shape(observed)
        }
        _ => false,
    }
}

/// Only the link's class is at the top, the one for unclaimed traffic below it may use the whole
/// link, and leaves have numbers that plans give.
fn has_planned_shape(observed: &Observed) -> bool {
    let class = |minor| observed.classes.get(&TcHandle::new(ONLY_HTB.major(), minor));
    let top = observed.classes.values().filter(|class| class.parent == TcHandle::ROOT);
    let leaves = observed.qdiscs.values().filter(|qdisc| qdisc.parent.major() == ONLY_HTB.major());
    top.map(|class| class.handle.minor()).all(|minor| minor == LINK_MINOR)
        && class(LINK_MINOR).is_none_or(|link| link.parameters.rate == link.parameters.ceil)
        && class(DEFAULT_MINOR).is_none_or(|unclaimed| {
            class(LINK_MINOR).is_some_and(|link| unclaimed.parameters.ceil == link.parameters.ceil)
        })
        && leaves.into_iter().all(|leaf| leaf.handle.major() >= FIRST_LEAF)
}
