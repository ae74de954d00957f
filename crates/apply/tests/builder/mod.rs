//! Plans made by hand.

use std::time::Duration;

use plan::{
    AddressPlan, CircuitPlan, ClassPlan, Codel, Leaf, LeafPlan, Mode, NicPlan, Owner, Plan,
    QueuePlan, Target,
};
use units::{
    BitsPerSec, Bytes, CircuitId, CircuitSlot, CpuId, Direction, IfIndex, IpPrefix, PerDirection,
    QueueId, TcHandle,
};

/// The two NICs of a kernel in memory: towards the customers, towards the Internet.
#[allow(dead_code, reason = "tests on real NICs have their own")]
pub(crate) const NICS: [(IfIndex, &str); 2] =
    [(IfIndex::new(2), "tg-customers"), (IfIndex::new(3), "tg-internet")];

const LINK_MBPS: u64 = 10_000;

/// Each circuit's rate in Mbps; circuit `i` is on queue `i` modulo `queues`.
pub(crate) fn plan(nics: [(IfIndex, &str); 2], queues: u16, leaf: Leaf, rates: &[u64]) -> Plan {
    let directions = [Direction::Download, Direction::Upload];
    let nics = nics.into_iter().zip(directions);
    Plan {
        mode: Mode::Bridge,
        nics: nics.map(|(nic, direction)| nic_plan(nic, direction, queues, leaf, rates)).collect(),
        circuits: (0..rates.len()).map(|index| circuit(index, queues)).collect(),
        addresses: (0..rates.len()).map(address).collect(),
    }
}

/// The same on NICs with a single queue, whose HTB is the root.
pub(crate) fn single_queue(nics: [(IfIndex, &str); 2], leaf: Leaf, rates: &[u64]) -> Plan {
    let mut plan = plan(nics, 1, leaf, rates);
    plan.nics.iter_mut().for_each(|nic| nic.mq = TcHandle::default());
    plan
}

/// The same with nothing to be shaped.
pub(crate) fn observing(nics: [(IfIndex, &str); 2]) -> Plan {
    let mut plan = plan(nics, 0, Leaf::None, &[]);
    plan.nics.iter_mut().for_each(|nic| nic.mq = TcHandle::default());
    plan
}

fn nic_plan(
    (ifindex, name): (IfIndex, &str),
    direction: Direction,
    queues: u16,
    leaf: Leaf,
    rates: &[u64],
) -> NicPlan {
    let queue = |queue: u16| QueuePlan {
        queue: QueueId::new(queue),
        cpu: CpuId::new(queue % 2),
        direction,
        htb: TcHandle::new(queue + 1, 0),
        quantum_shift: 0,
        default_class: 2,
        classes: classes(queue, queues, direction, leaf, rates),
    };
    NicPlan {
        name: name.to_owned(),
        ifindex,
        mq: TcHandle::new(0x0fff, 0),
        queues: (0..queues).map(queue).collect(),
    }
}

fn classes(
    queue: u16,
    queues: u16,
    direction: Direction,
    leaf: Leaf,
    rates: &[u64],
) -> Vec<ClassPlan> {
    let htb = queue + 1;
    let class = |minor, parent, owner, mbps: u64, leaf| ClassPlan {
        handle: TcHandle::new(htb, minor),
        parent: TcHandle::new(htb, parent),
        owner,
        rate: BitsPerSec::from_mbps(mbps).percent(50),
        ceil: BitsPerSec::from_mbps(mbps),
        quantum: Bytes::new(1_514 + mbps),
        burst: Bytes::new(15_000),
        cburst: Bytes::new(20_000),
        leaf,
        cut: None,
    };
    let link = class(1, 0, Owner::Link, LINK_MBPS, None);
    let mut all = vec![
        ClassPlan { rate: link.ceil, ..link },
        class(2, 1, Owner::Unclaimed, LINK_MBPS, None),
        class(3, 1, Owner::Node("site".into()), 5_000, None),
    ];
    for (index, mbps) in
        rates.iter().enumerate().filter(|(i, _)| i % usize::from(queues) == usize::from(queue))
    {
        let leaf = LeafPlan {
            handle: TcHandle::new(0x1000 + index as u16, 0),
            kind: leaf,
            direction,
            limit: Bytes::new(mbps * 12_500),
            codel: codel(*mbps),
        };
        let owner = Owner::Circuit(format!("C{index}").into());
        all.push(class(minor(index, queues), 3, owner, *mbps, Some(leaf)));
    }
    all
}

/// Slow circuits have other times.
fn codel(mbps: u64) -> Codel {
    let (target, interval) = if mbps < 4 { (10, 105) } else { (5, 100) };
    Codel { target: Duration::from_millis(target), interval: Duration::from_millis(interval) }
}

fn minor(index: usize, queues: u16) -> u16 {
    4 + (index / usize::from(queues)) as u16
}

fn circuit(index: usize, queues: u16) -> CircuitPlan {
    let queue = (index % usize::from(queues)) as u16;
    CircuitPlan {
        id: CircuitId::from(format!("C{index}")),
        slot: CircuitSlot::new(index as u32 + 1),
        cpu: CpuId::new(queue % 2),
        queue: PerDirection::both(QueueId::new(queue)),
        class: PerDirection::both(TcHandle::new(queue + 1, minor(index, queues))),
    }
}

fn address(index: usize) -> AddressPlan {
    let prefix = IpPrefix::host(std::net::Ipv4Addr::from_bits(0x6440_0000 + index as u32).into());
    AddressPlan { prefix, target: Target::Circuit(CircuitSlot::new(index as u32 + 1)) }
}
