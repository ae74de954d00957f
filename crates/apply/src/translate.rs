//! The plan's words in the kernel's.

use kernel::tables::{AddressTarget, CircuitPlace};
use kernel::tc::{Codel, Diffserv, Hosts, HtbClass, Qdisc, Request};
use plan::{AddressPlan, CircuitPlan, ClassPlan, Leaf, LeafPlan, QueuePlan, Target};
use units::{Direction, IpPrefix, PerDirection, TcHandle};

/// Requests that make a queue's classes, parents first, and then its leaves.
pub(crate) fn fill(queue: &QueuePlan) -> impl Iterator<Item = Request> {
    queue.classes.iter().map(add_class).chain(queue.classes.iter().filter_map(add_leaf))
}

/// The request that makes a class.
pub(crate) fn add_class(class: &ClassPlan) -> Request {
    let ClassPlan { handle, parent, .. } = *class;
    Request::AddClass { handle, parent, class: htb_class(class) }
}

/// The request that makes a class's leaf; none where HTB's own FIFO is wanted.
pub(crate) fn add_leaf(class: &ClassPlan) -> Option<Request> {
    let (handle, qdisc) = class.leaf.as_ref().and_then(leaf_qdisc)?;
    Some(Request::AddQdisc { parent: class.handle, handle, qdisc })
}

/// A queue's HTB.
pub(crate) fn htb(queue: &QueuePlan) -> Qdisc {
    Qdisc::Htb { default_minor: queue.default_class }
}

/// A class's settings. All have the same priority: siblings share by their quanta.
pub(crate) fn htb_class(class: &ClassPlan) -> HtbClass {
    HtbClass {
        rate: class.rate,
        ceil: class.ceil,
        burst: class.burst,
        cburst: class.cburst,
        quantum: class.quantum,
        priority: 0,
    }
}

/// A leaf's handle and qdisc; nothing where HTB's own FIFO is wanted.
pub(crate) fn leaf_qdisc(leaf: &LeafPlan) -> Option<(TcHandle, Qdisc)> {
    let plan::Codel { target, interval } = leaf.codel;
    let codel = Codel { target, interval };
    let qdisc = match leaf.kind {
        Leaf::Cake(diffserv) => {
            let diffserv = match diffserv {
                plan::Diffserv::Besteffort => Diffserv::Besteffort,
                plan::Diffserv::Diffserv3 => Diffserv::Diffserv3,
                plan::Diffserv::Diffserv4 => Diffserv::Diffserv4,
                plan::Diffserv::Diffserv8 => Diffserv::Diffserv8,
            };
            // customers are to be dealt with evenly, not servers
            let hosts = match leaf.direction {
                Direction::Download => Hosts::Destinations,
                Direction::Upload => Hosts::Sources,
            };
            Qdisc::Cake { diffserv, hosts, codel }
        }
        Leaf::FqCodel => Qdisc::FqCodel(codel),
        Leaf::Fifo => Qdisc::Bfifo { limit: leaf.limit },
        Leaf::None => return None,
    };
    Some((leaf.handle, qdisc))
}

/// Where a circuit's packets go; nowhere in particular when nothing is shaped.
pub(crate) fn place(circuit: &CircuitPlan) -> Option<CircuitPlace> {
    let shaped = circuit.class != PerDirection::default();
    shaped.then_some(CircuitPlace { class: circuit.class, queue: circuit.queue, cpu: circuit.cpu })
}

/// An address block with what it leads to.
pub(crate) fn address(address: &AddressPlan) -> (IpPrefix, AddressTarget) {
    let target = match address.target {
        Target::Circuit(slot) => AddressTarget::Circuit(slot),
        Target::Ignored => AddressTarget::Ignored,
        Target::Customers => AddressTarget::Customers,
    };
    (address.prefix, target)
}
