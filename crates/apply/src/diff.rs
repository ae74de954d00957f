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

/// Address blocks: each with what it is to lead to, or with nothing.
pub(crate) type Blocks = Vec<(IpPrefix, Option<AddressTarget>)>;

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
    /// Address blocks are written or removed.
    Addresses(Blocks),
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
            Self::Addresses(blocks) => blocks.is_empty(),
            Self::Drain(classes) => classes.is_empty(),
        }
    }
}

/// A row that changes may have a new owner. An address that leaves the row must do so before, or
/// its packets would pass as the new owner's; for a moment they pass as unclaimed.
pub(crate) fn tables(state: &State, plan: &Plan) -> Vec<Operation> {
    let rows = changed_circuits(state, plan);
    let blocks = changed_addresses(state, plan);
    let leavers = leavers(&state.addresses, &blocks, &rows);
    let mut all = vec![
        Operation::Addresses(leavers),
        Operation::Circuits(rows),
        Operation::Addresses(blocks),
    ];
    all.retain(|operation| !operation.is_empty());
    all
}

/// Of the blocks that change, those that leave a row that is written anew.
fn leavers(found: &Addresses, blocks: &Blocks, rows: &Rows) -> Blocks {
    let rewritten: HashSet<_> =
        rows.iter().filter_map(|(slot, place)| place.map(|_| *slot)).collect();
    let leaves = |(prefix, _): &&(IpPrefix, Option<AddressTarget>)| {
        let at = found.binary_search_by_key(prefix, |(prefix, _)| *prefix);
        matches!(at.map(|at| found[at].1), Ok(AddressTarget::Circuit(slot)) if rewritten.contains(&slot))
    };
    blocks.iter().filter(leaves).map(|(prefix, _)| (*prefix, None)).collect()
}

/// Blocks that must be written or removed.
pub(crate) fn changed_addresses(state: &State, plan: &Plan) -> Blocks {
    let wanted: BTreeMap<_, _> = plan.addresses.iter().map(address).collect();
    let found: BTreeMap<_, _> = state.addresses.iter().copied().collect();
    let changed = wanted
        .iter()
        .filter(|(prefix, target)| found.get(prefix) != Some(target))
        .map(|(prefix, target)| (*prefix, Some(*target)));
    let gone = found.keys().filter(|prefix| !wanted.contains_key(prefix));
    changed.chain(gone.map(|prefix| (*prefix, None))).collect()
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
