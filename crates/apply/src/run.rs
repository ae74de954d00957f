//! Applying, verifying, going back, and taking down.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use kernel::Kernel;
use kernel::tc::{Failed, Request, TrafficControl};
use plan::{NicPlan, Owner, Plan};
use tracing::warn;
use units::{IfIndex, TcHandle};

use crate::compare::{Difference, Mismatch, compare_queue, compare_root};
use crate::diff::{Operation, State, changed_addresses, changed_circuits, diff, nics, tables};
use crate::error::{ApplyError, Failure, Left, TeardownError};
use crate::narrow::{expected, narrow};
use crate::observed::Observed;
use crate::queues::from_nothing;
use crate::root::{is_ours, is_planned};

/// How long classes that are to be removed may take to send what waits in them.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How often it is looked at. Longer than a packet is on its way from its look at the tables to its
/// class.
const DRAIN_INTERVAL: Duration = Duration::from_millis(5);

/// What an apply did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests sent for qdiscs and classes.
    pub operations: usize,
    /// Packets that still waited in classes when those were removed.
    pub undrained: u64,
    /// Circuits' rows written or cleared.
    pub circuits: usize,
    /// Address blocks written or removed.
    pub addresses: usize,
}

/// Brings the kernel to `plan` and verifies it. What was there is read, not believed: `previous`
/// says what to go back to when `plan` cannot be carried out.
///
/// # Errors
/// Which operation failed and why, and what the kernel was left with.
pub fn apply<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
) -> Result<Report, ApplyError> {
    apply_on(kernel, previous, plan, Report::default())
}

/// The same after what `report` tells was done.
fn apply_on<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
    mut report: Report,
) -> Result<Report, ApplyError> {
    let Err(failure) = bring(kernel, previous, plan, &mut report) else {
        return Ok(report);
    };
    if report == Report::default() {
        return Err(ApplyError { failure, left: Left::Untouched });
    }
    warn!(error = %failure, "an apply failed and is taken back");
    let left = match previous.map(|old| bring(kernel, Some(plan), old, &mut Report::default())) {
        Some(Ok(())) => Left::Previous,
        Some(Err(_)) | None => match teardown(kernel, plan) {
            Ok(()) => Left::Nothing,
            Err(error) => Left::Unknown(Box::new(error)),
        },
    };
    Err(ApplyError { failure, left })
}

/// Brings a kernel that has `previous` to `plan`, as [`apply`] does, but reads no more of it than what was
/// touched. The tables are not read back: programs see what was written.
///
/// Where much differs, and where it turns out that the kernel has something else, it is [`apply`].
///
/// # Errors
/// As for [`apply`].
pub fn change<K: Kernel>(
    kernel: &mut K,
    previous: &Plan,
    plan: &Plan,
) -> Result<Report, ApplyError> {
    let mut report = Report::default();
    if let Some((before, after)) = narrow(previous, plan) {
        match change_narrow(kernel, &before, &after, &mut report) {
            Ok(()) => return Ok(report),
            Err(failure) => warn!(error = %failure, "the kernel is not as it was left"),
        }
    }
    apply_on(kernel, Some(previous), plan, report)
}

fn change_narrow<K: Kernel>(
    kernel: &mut K,
    before: &Plan,
    after: &Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    for operation in diff(&expected(before), Some(before), after)? {
        carry_out(kernel, Some(before), after, &operation, report)?;
    }
    match verify_narrow(kernel, before, after)? {
        mismatches if mismatches.is_empty() => Ok(()),
        mismatches => Err(Failure::Unverified(mismatches)),
    }
}

/// Which of the classes in two plans are not as the second one says.
fn verify_narrow<K: Kernel>(
    kernel: &mut K,
    before: &Plan,
    after: &Plan,
) -> Result<Vec<Mismatch>, Failure> {
    let mut mismatches = Vec::new();
    for ((nic, mut observed), old) in after.nics.iter().zip(expected(after).nics).zip(&before.nics)
    {
        let touched = [nic, old].map(|nic| nic.queues.iter().flat_map(|queue| &queue.classes));
        let touched: BTreeSet<_> =
            touched.into_iter().flatten().map(|class| class.handle).collect();
        let mut found = BTreeMap::new();
        for handle in touched {
            let class = kernel.class(nic.ifindex, handle).map_err(Failure::Unread)?;
            found.extend(class.map(|class| (handle, class)));
        }
        observed.classes = found;
        mismatches.extend(nic.queues.iter().flat_map(|queue| compare_queue(&observed, nic, queue)));
    }
    Ok(mismatches)
}

/// Removes all that `plan` put into the kernel: addresses, circuits, trees. The NICs get the
/// kernel's default queues back. Goes on after a failure to remove as much as it can.
///
/// # Errors
/// The first failure.
pub fn teardown<K: Kernel>(kernel: &mut K, plan: &Plan) -> Result<(), TeardownError> {
    let mut first = clear_tables(kernel).err();
    for nic in &plan.nics {
        let removed = remove_tree(kernel, nic);
        first = first.or(removed.err());
    }
    first.map_or(Ok(()), |failure| Err(TeardownError(failure)))
}

/// Removes the trees from these NICs that Tidegate has made, whichever plan they belonged to. Goes on after a
/// failure to remove as much as it can.
///
/// # Errors
/// The first failure.
pub fn remove_trees<T: TrafficControl>(
    kernel: &mut T,
    nics: &[IfIndex],
) -> Result<(), TeardownError> {
    let remove = |kernel: &mut T, nic: IfIndex| -> Result<(), Failure> {
        let observed = Observed::read(kernel, &[nic]).map_err(Failure::Unread)?;
        let mut roots = observed.iter().filter_map(|observed| Some((observed, observed.root()?)));
        if roots.any(|(observed, root)| is_ours(observed, root)) {
            let delete = Request::DeleteQdisc { parent: TcHandle::ROOT };
            kernel.tc(nic, &[delete]).map_err(|source| failed([].into_iter(), source))?;
        }
        Ok(())
    };
    let first = nics.iter().fold(None, |first: Option<Failure>, nic| {
        let removed = remove(kernel, *nic);
        first.or(removed.err())
    });
    first.map_or(Ok(()), |failure| Err(TeardownError(failure)))
}

/// What of `plan` the kernel does not have; nothing when all is in place.
///
/// # Errors
/// When the kernel cannot be read.
pub fn verify<K: Kernel>(kernel: &mut K, plan: &Plan) -> Result<Vec<Mismatch>, Failure> {
    let shaped: Vec<_> = plan.nics.iter().filter(|nic| !nic.queues.is_empty()).collect();
    let indices: Vec<_> = shaped.iter().map(|nic| nic.ifindex).collect();
    let state = State::read(kernel, &indices)?;
    let mut mismatches = Vec::new();
    for (nic, observed) in shaped.iter().zip(&state.nics) {
        mismatches.extend(compare_root(observed, nic));
        mismatches.extend(nic.queues.iter().flat_map(|q| compare_queue(observed, nic, q)));
    }
    let mut in_tables = |count, difference: fn(usize) -> Difference| {
        if count > 0 {
            let (nic, handle) = (String::new(), TcHandle::default());
            mismatches.push(Mismatch { nic, handle, difference: difference(count) });
        }
    };
    in_tables(changed_circuits(&state, plan).len(), Difference::Circuits);
    in_tables(changed_addresses(&state, plan).len(), Difference::Addresses);
    Ok(mismatches)
}

/// Every request that building `plan` from nothing sends, by NIC and in order.
pub fn requests(plan: &Plan) -> Vec<(IfIndex, Vec<Request>)> {
    let shaped = plan.nics.iter().filter(|nic| !nic.queues.is_empty());
    shaped.map(|nic| (nic.ifindex, from_nothing(nic).concat())).collect()
}

/// Writes the tables as `plan` says, and nothing else: for tables that are new while the classes of
/// `plan` are there.
///
/// # Errors
/// When a table cannot be read or written.
pub fn point<K: Kernel>(kernel: &mut K, plan: &Plan) -> Result<(), ApplyError> {
    let written = State::read(kernel, &[]).and_then(|state| {
        tables(&state, plan)
            .iter()
            .try_for_each(|one| carry_out(kernel, None, plan, one, &mut Report::default()))
    });
    written.map_err(|failure| ApplyError { failure, left: Left::Untouched })
}

/// What [`apply`] would do now.
///
/// # Errors
/// When the kernel cannot be read, or somebody else's qdisc is at a root.
pub fn steps<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
) -> Result<Vec<Operation>, Failure> {
    // all NICs are looked at before any is touched
    let state = State::read(kernel, &nics(previous, plan))?;
    diff(&state, previous, plan)
}

/// Brings the kernel to `plan` without going back on failure. `report` tells what was tried.
fn bring<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    for operation in steps(kernel, previous, plan)? {
        carry_out(kernel, previous, plan, &operation, report)?;
    }
    match verify(kernel, plan)? {
        mismatches if mismatches.is_empty() => Ok(()),
        mismatches => Err(Failure::Unverified(mismatches)),
    }
}

fn carry_out<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
    operation: &Operation,
    report: &mut Report,
) -> Result<(), Failure> {
    match operation {
        Operation::Queues { nic, requests } => {
            report.operations += requests.len();
            kernel.tc(*nic, requests).map_err(|source| {
                let plans = [Some(plan), previous].into_iter().flatten();
                failed(plans.flat_map(|plan| &plan.nics).filter(|one| one.ifindex == *nic), source)
            })
        }
        Operation::Circuits(rows) => {
            report.circuits += rows.len();
            kernel.set_circuits(rows).map_err(Failure::Tables)
        }
        Operation::Addresses(blocks) => {
            report.addresses += blocks.len();
            kernel.set_addresses(blocks).map_err(Failure::Tables)
        }
        Operation::Drain(classes) => {
            let waiting = drain(kernel, classes)?;
            report.undrained += waiting;
            if waiting > 0 {
                warn!(packets = waiting, "classes to be removed did not empty in time");
            }
            Ok(())
        }
    }
}

/// Waits until each class was empty at two looks in a row. Tells how many packets still wait when
/// the time is over.
fn drain<K: Kernel>(kernel: &mut K, classes: &[(IfIndex, TcHandle)]) -> Result<u64, Failure> {
    let deadline = Instant::now() + DRAIN_MAX;
    let mut left: Vec<_> = classes.iter().map(|class| (*class, 0_u32)).collect();
    loop {
        let mut packets = 0;
        let mut still_left = Vec::new();
        for ((nic, class), empty) in left {
            let Some(found) = kernel.class(nic, class).map_err(Failure::Unread)? else { continue };
            let waiting = found.stats.backlog_packets;
            packets += u64::from(waiting);
            let empty = if waiting == 0 { empty + 1 } else { 0 };
            if empty < 2 {
                still_left.push(((nic, class), empty));
            }
        }
        left = still_left;
        if left.is_empty() || Instant::now() >= deadline {
            return Ok(packets);
        }
        thread::sleep(DRAIN_INTERVAL);
    }
}

fn clear_tables<K: Kernel>(kernel: &mut K) -> Result<(), Failure> {
    let found = kernel.addresses().map_err(Failure::Tables)?;
    let blocks: Vec<_> = found.into_iter().map(|(prefix, _)| (prefix, None)).collect();
    kernel.set_addresses(&blocks).map_err(Failure::Tables)?;
    let found = kernel.circuits().map_err(Failure::Tables)?;
    let rows: Vec<_> = found.into_iter().map(|(slot, _)| (slot, None)).collect();
    kernel.set_circuits(&rows).map_err(Failure::Tables)
}

/// Deletes a NIC's root if it is ours: the one that was planned, or one that a plan before left.
fn remove_tree<K: Kernel>(kernel: &mut K, nic: &NicPlan) -> Result<(), Failure> {
    let observed = Observed::read(kernel, &[nic.ifindex]).map_err(Failure::Unread)?;
    let root = observed.iter().find_map(|observed| Some((observed, observed.root()?)));
    if root.is_some_and(|(observed, root)| is_planned(nic, root) || is_ours(observed, root)) {
        let delete = Request::DeleteQdisc { parent: TcHandle::ROOT };
        kernel.tc(nic.ifindex, &[delete]).map_err(|source| failed([nic].into_iter(), source))?;
    }
    Ok(())
}

/// A failure on a NIC, which one plan or several say something of.
fn failed<'p>(mut nics: impl Iterator<Item = &'p NicPlan>, source: Failed) -> Failure {
    let mut name = None;
    let subject = match &source {
        Failed::Refused { request, .. } => nics.find_map(|nic| {
            name.get_or_insert_with(|| nic.name.clone());
            owner(nic, request)
        }),
        Failed::Unknown { .. } | Failed::Unread { .. } => None,
    };
    let nic = name.or_else(|| nics.next().map(|nic| nic.name.clone())).unwrap_or_default();
    Failure::Queues { nic, subject, source }
}

/// For whom a request is.
fn owner(nic: &NicPlan, request: &Request) -> Option<String> {
    let handle = match request {
        Request::AddClass { handle, .. }
        | Request::ChangeClass { handle, .. }
        | Request::DeleteClass { handle } => handle,
        Request::AddQdisc { parent, .. }
        | Request::ReplaceQdisc { parent, .. }
        | Request::DeleteQdisc { parent } => parent,
    };
    let mut classes = nic.queues.iter().flat_map(|queue| &queue.classes);
    Some(match &classes.find(|class| class.handle == *handle)?.owner {
        Owner::Link => "the link".to_owned(),
        Owner::Unclaimed => "unclaimed traffic".to_owned(),
        Owner::Node(id) => format!("node {id}"),
        Owner::Circuit(id) => format!("circuit {id}"),
    })
}
