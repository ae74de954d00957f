//! Applying, verifying, going back, and taking down.

use std::collections::{BTreeMap, HashSet};

use kernel::Kernel;
use kernel::tables::{AddressTarget, CircuitPlace};
use kernel::tc::{Failed, Request};
use plan::{NicPlan, Owner, Plan};
use tracing::{debug, warn};
use units::{CircuitSlot, IfIndex, IpPrefix, TcHandle};

use crate::bring::{batches, from_nothing};
use crate::compare::{Difference, Mismatch, compare_queue, compare_root};
use crate::error::{ApplyError, Failure, Left, TeardownError};
use crate::observed::Observed;
use crate::root::{is_ours, is_planned};
use crate::translate::{address, place};

/// What an apply did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests sent for qdiscs and classes.
    pub operations: usize,
    /// Circuits' rows written or cleared.
    pub circuits: usize,
    /// Whether the address tables were written.
    pub addresses_changed: bool,
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
    let mut report = Report::default();
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

/// What of `plan` the kernel does not have; nothing when all is in place.
///
/// # Errors
/// When the kernel cannot be read.
pub fn verify<K: Kernel>(kernel: &mut K, plan: &Plan) -> Result<Vec<Mismatch>, Failure> {
    let shaped: Vec<_> = plan.nics.iter().filter(|nic| !nic.queues.is_empty()).collect();
    let indices: Vec<_> = shaped.iter().map(|nic| nic.ifindex).collect();
    let observed = Observed::read(kernel, &indices).map_err(Failure::Unread)?;
    let mut mismatches = Vec::new();
    for (nic, observed) in shaped.iter().zip(&observed) {
        mismatches.extend(compare_root(observed, nic));
        mismatches.extend(nic.queues.iter().flat_map(|q| compare_queue(observed, nic, q)));
    }
    let mut in_tables = |count, difference: fn(usize) -> Difference| {
        if count > 0 {
            let (nic, handle) = (String::new(), TcHandle::default());
            mismatches.push(Mismatch { nic, handle, difference: difference(count) });
        }
    };
    in_tables(changed_circuits(kernel, plan)?.len(), Difference::Circuits);
    let (wanted, found) = (addresses(plan), kernel.addresses().map_err(Failure::Tables)?);
    let wrong = wanted
        .iter()
        .filter(|row| {
            found.binary_search_by_key(&row.0, |f| f.0).map_or(true, |at| found[at] != **row)
        })
        .count();
    in_tables(wrong.max(found.len().abs_diff(wanted.len())), Difference::Addresses);
    Ok(mismatches)
}

/// Every request that building `plan` from nothing sends, by NIC and in order.
pub fn requests(plan: &Plan) -> Vec<(IfIndex, Vec<Request>)> {
    let shaped = plan.nics.iter().filter(|nic| !nic.queues.is_empty());
    shaped.map(|nic| (nic.ifindex, from_nothing(nic).concat())).collect()
}

/// Brings the kernel to `plan` without going back on failure. `report` tells what was tried.
fn bring<K: Kernel>(
    kernel: &mut K,
    previous: Option<&Plan>,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    let indices: Vec<_> = plan.nics.iter().map(|nic| nic.ifindex).collect();
    let observed = Observed::read(kernel, &indices).map_err(Failure::Unread)?;
    let previous_nic = |ifindex| previous?.nics.iter().find(|nic| nic.ifindex == ifindex);
    let mut work = Vec::new();
    // All NICs are looked at before any is touched.
    for (nic, observed) in plan.nics.iter().zip(&observed) {
        work.push((nic, batches(observed, nic, previous_nic(nic.ifindex))?));
    }
    drop(observed);
    for (nic, batches) in work {
        for batch in batches {
            report.operations += batch.len();
            kernel.tc(nic.ifindex, &batch).map_err(|source| failed(nic, source))?;
        }
        debug!(nic = nic.name, operations = report.operations, "queues are in place");
    }
    for nic in previous.iter().flat_map(|plan| &plan.nics) {
        if !indices.contains(&nic.ifindex) {
            report.operations += 1;
            remove_tree(kernel, nic)?;
        }
    }
    write_tables(kernel, plan, report)?;
    match verify(kernel, plan)? {
        mismatches if mismatches.is_empty() => Ok(()),
        mismatches => Err(Failure::Unverified(mismatches)),
    }
}

fn write_tables<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    let rows = changed_circuits(kernel, plan)?;
    let wanted = addresses(plan);
    let found = kernel.addresses().map_err(Failure::Tables)?;
    // A row that changes may have a new owner. An address that leaves the row must do so before,
    // or its packets would pass as the new owner's; for a moment they pass as unclaimed.
    let remaining = without_leavers(&found, &wanted, &rows);
    if remaining.len() < found.len() {
        report.addresses_changed = true;
        kernel.set_addresses(&remaining).map_err(Failure::Tables)?;
    }
    if !rows.is_empty() {
        report.circuits = rows.len();
        kernel.set_circuits(&rows).map_err(Failure::Tables)?;
    }
    if !rows.is_empty() || found != wanted {
        report.addresses_changed = true;
        kernel.set_addresses(&wanted).map_err(Failure::Tables)?;
    }
    Ok(())
}

/// Of the addresses that are there, those that do not leave a row that is written anew.
fn without_leavers(
    found: &[(IpPrefix, AddressTarget)],
    wanted: &[(IpPrefix, AddressTarget)],
    rows: &[(CircuitSlot, Option<CircuitPlace>)],
) -> Vec<(IpPrefix, AddressTarget)> {
    let rewritten: HashSet<_> =
        rows.iter().filter_map(|(slot, place)| place.map(|_| *slot)).collect();
    let leaves = |row: &&(IpPrefix, AddressTarget)| {
        matches!(row.1, AddressTarget::Circuit(slot) if rewritten.contains(&slot))
            && wanted.binary_search_by_key(&row.0, |w| w.0).map_or(true, |at| wanted[at] != **row)
    };
    found.iter().filter(|row| !leaves(row)).copied().collect()
}

/// Rows that must be written or cleared.
fn changed_circuits<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
) -> Result<Vec<(CircuitSlot, Option<CircuitPlace>)>, Failure> {
    let found = kernel.circuits().map_err(Failure::Tables)?;
    let mut found: BTreeMap<_, _> = found.into_iter().collect();
    let mut rows = Vec::new();
    for circuit in &plan.circuits {
        let wanted = place(circuit);
        if found.remove(&circuit.slot) != wanted {
            rows.push((circuit.slot, wanted));
        }
    }
    rows.extend(found.into_keys().map(|slot| (slot, None)));
    Ok(rows)
}

fn addresses(plan: &Plan) -> Vec<(IpPrefix, AddressTarget)> {
    let mut all: Vec<_> = plan.addresses.iter().map(address).collect();
    all.sort_unstable_by_key(|(prefix, _)| *prefix);
    all
}

fn clear_tables<K: Kernel>(kernel: &mut K) -> Result<(), Failure> {
    kernel.set_addresses(&[]).map_err(Failure::Tables)?;
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
        kernel.tc(nic.ifindex, &[delete]).map_err(|source| failed(nic, source))?;
    }
    Ok(())
}

fn failed(nic: &NicPlan, source: Failed) -> Failure {
    let subject = match &source {
        Failed::Refused { request, .. } => owner(nic, request),
        Failed::Unknown { .. } | Failed::Unread { .. } => None,
    };
    Failure::Queues { nic: nic.name.clone(), subject, source }
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
