//! What has to be done, as data.

use std::collections::{BTreeMap, HashSet};

use kernel::Kernel;
use kernel::tables::{AddressTarget, CircuitPlace};
use kernel::tc::Request;
use plan::Plan;
use units::{CircuitSlot, IfIndex, IpPrefix, TcHandle};

use crate::error::Failure;
use crate::observed::Observed;
use crate::queues::{QueueSteps, steps};
use crate::root::{is_ours, is_planned};
use crate::translate::{address, place};

/// Rows of circuits: each with its place, or with none.
pub(crate) type Rows = Vec<(CircuitSlot, Option<CircuitPlace>)>;

/// What each address block leads to, ascending by prefix.
pub(crate) type Addresses = Vec<(IpPrefix, AddressTarget)>;

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Requests for a NIC's queues, to be carried out in this order.
    Queues {
        /// The NIC.
        nic: IfIndex,
        /// What is asked of it.
        requests: Vec<Request>,
    },
    /// Rows of circuits are written.
    Circuits(Rows),
    /// The address tables are to hold this and nothing else.
    Addresses(Addresses),
    /// What waits in these classes is to go out; nothing new comes.
    Drain(Vec<(IfIndex, TcHandle)>),
}

/// What the kernel has of all that a plan says.
#[derive(Debug)]
pub(crate) struct State {
    /// By position of the NIC in what was asked for.
    pub(crate) nics: Vec<Observed>,
    pub(crate) circuits: BTreeMap<CircuitSlot, CircuitPlace>,
    pub(crate) addresses: Addresses,
}

impl State {
    pub(crate) fn read(kernel: &mut impl Kernel, nics: &[IfIndex]) -> Result<Self, Failure> {
        Ok(Self {
            nics: Observed::read(kernel, nics).map_err(Failure::Unread)?,
            circuits: kernel.circuits().map_err(Failure::Tables)?.into_iter().collect(),
            addresses: kernel.addresses().map_err(Failure::Tables)?,
        })
    }
}

/// NICs that a change from one plan to another touches: those of the new one first.
pub(crate) fn nics(previous: Option<&Plan>, plan: &Plan) -> Vec<IfIndex> {
    let mut nics: Vec<_> = plan.nics.iter().map(|nic| nic.ifindex).collect();
    let old = previous.iter().flat_map(|plan| &plan.nics).map(|nic| nic.ifindex);
    let gone: Vec<_> = old.filter(|nic| !nics.contains(nic)).collect();
    nics.extend(gone);
    nics
}

/// The steps from `state`, which was read of [`nics`], to `plan`, in an order in which no packet is
/// without a class: new classes are made, circuits pointed at them, and what nobody is
/// pointed at any more is emptied and removed. What is as planned is not in it.
///
/// # Errors
/// When somebody else's qdisc is at a root.
pub(crate) fn diff(
    state: &State,
    previous: Option<&Plan>,
    plan: &Plan,
) -> Result<Vec<Operation>, Failure> {
    let previous_nic = |ifindex| previous?.nics.iter().find(|nic| nic.ifindex == ifindex);
    let (mut make, mut drain, mut remove) = (Vec::new(), Vec::new(), Vec::new());
    for (nic, observed) in plan.nics.iter().zip(&state.nics) {
        let QueueSteps { make: batches, drain: classes, remove: requests } =
            steps(observed, nic, previous_nic(nic.ifindex))?;
        let nic = nic.ifindex;
        make.extend(batches.into_iter().map(|requests| Operation::Queues { nic, requests }));
        drain.extend(classes.into_iter().map(|class| (nic, class)));
        remove.push(Operation::Queues { nic, requests });
    }
    for (ifindex, observed) in nics(previous, plan).into_iter().zip(&state.nics) {
        let is_planned_here = plan.nics.iter().any(|nic| nic.ifindex == ifindex);
        if let (Some(nic), false) = (previous_nic(ifindex), is_planned_here) {
            let root = observed.root();
            if root.is_some_and(|root| is_planned(nic, root) || is_ours(observed, root)) {
                let requests = vec![Request::DeleteQdisc { parent: TcHandle::ROOT }];
                remove.push(Operation::Queues { nic: ifindex, requests });
            }
        }
    }
    let mut all = make;
    all.extend(tables(state, plan));
    all.push(Operation::Drain(drain));
    all.extend(remove);
    all.retain(|operation| !operation.is_empty());
    Ok(all)
}

impl Operation {
    const fn is_empty(&self) -> bool {
        match self {
            Self::Queues { requests, .. } => requests.is_empty(),
            Self::Circuits(rows) => rows.is_empty(),
            // no addresses is something to be written
            Self::Addresses(_) => false,
            Self::Drain(classes) => classes.is_empty(),
        }
    }
}

/// A row that changes may have a new owner. An address that leaves the row must do so before, or
/// its packets would pass as the new owner's; for a moment they pass as unclaimed.
pub(crate) fn tables(state: &State, plan: &Plan) -> Vec<Operation> {
    let rows = changed_circuits(state, plan);
    let wanted = addresses(plan);
    let found = &state.addresses;
    let remaining = without_leavers(found, &wanted, &rows);
    let mut all = Vec::new();
    if remaining.len() < found.len() {
        all.push(Operation::Addresses(remaining));
    }
    let repoint = !rows.is_empty() || *found != wanted;
    if !rows.is_empty() {
        all.push(Operation::Circuits(rows));
    }
    if repoint {
        all.push(Operation::Addresses(wanted));
    }
    all
}

/// Of the addresses that are there, those that do not leave a row that is written anew.
fn without_leavers(found: &Addresses, wanted: &Addresses, rows: &Rows) -> Addresses {
    let rewritten: HashSet<_> =
        rows.iter().filter_map(|(slot, place)| place.map(|_| *slot)).collect();
    let leaves = |row: &&(IpPrefix, AddressTarget)| {
        matches!(row.1, AddressTarget::Circuit(slot) if rewritten.contains(&slot))
            && wanted.binary_search_by_key(&row.0, |w| w.0).map_or(true, |at| wanted[at] != **row)
    };
    found.iter().filter(|row| !leaves(row)).copied().collect()
}

/// Rows that must be written or cleared.
pub(crate) fn changed_circuits(state: &State, plan: &Plan) -> Rows {
    let planned = plan.circuits.iter().map(|circuit| (circuit.slot, place(circuit)));
    let changed =
        planned.clone().filter(|(slot, place)| state.circuits.get(slot) != place.as_ref());
    let planned: HashSet<_> = planned.map(|(slot, _)| slot).collect();
    let gone = state.circuits.keys().filter(|slot| !planned.contains(slot));
    changed.chain(gone.map(|slot| (*slot, None))).collect()
}

/// What each block is planned to lead to.
pub(crate) fn addresses(plan: &Plan) -> Addresses {
    let mut all: Vec<_> = plan.addresses.iter().map(address).collect();
    all.sort_unstable_by_key(|(prefix, _)| *prefix);
    all
}
