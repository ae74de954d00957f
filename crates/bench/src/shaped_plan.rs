//! A plan of many equal circuits under sites, spread evenly over the queues.

use std::time::Duration;

use plan::{
    AddressPlan, CircuitPlan, ClassPlan, Codel, Leaf, LeafPlan, Mode, NicPlan, Owner, Plan,
    QueuePlan, Target,
};
use units::{
    BitsPerSec, Bytes, CircuitSlot, CpuId, Direction, IfIndex, IpPrefix, PerDirection, QueueId,
    TcHandle,
};

/// Circuits under one site.
const CIRCUITS_PER_SITE: usize = 100;

/// Minors of the link's class and the one for unclaimed traffic; sites follow, then circuits.
const LINK: u16 = 1;
const UNCLAIMED: u16 = 2;
const FIRST_SITE: u16 = 3;

/// A plan of `circuits` on `queues` of each NIC: the customers' one first.
pub(crate) fn shaped_plan(nics: [(IfIndex, &str); 2], queues: u16, circuits: usize) -> Plan {
    let shape = Shape { queues, circuits };
    let directions = [Direction::Download, Direction::Upload];
    Plan {
        mode: Mode::Bridge,
        nics: nics
            .into_iter()
            .zip(directions)
            .map(|((ifindex, name), direction)| NicPlan {
                name: name.to_owned(),
                ifindex,
                mq: TcHandle::new(0xfff0, 0),
                queues: (0..queues).map(|queue| shape.queue(queue, direction)).collect(),
            })
            .collect(),
        circuits: (0..circuits).map(|circuit| shape.circuit(circuit)).collect(),
        addresses: (0..circuits).map(address).collect(),
    }
}

#[derive(Clone, Copy)]
struct Shape {
    queues: u16,
    circuits: usize,
}

impl Shape {
    fn sites_per_queue(self) -> usize {
        self.circuits.div_ceil(usize::from(self.queues)).div_ceil(CIRCUITS_PER_SITE)
    }

    /// Queue and position in it.
    fn seat(self, circuit: usize) -> (u16, usize) {
        let queues = usize::from(self.queues);
        ((circuit % queues) as u16, circuit / queues)
    }

    fn class(self, circuit: usize) -> TcHandle {
        let (queue, position) = self.seat(circuit);
        let minor = usize::from(FIRST_SITE) + self.sites_per_queue() + position;
        TcHandle::new(queue + 1, minor as u16)
    }

    fn queue(self, queue: u16, direction: Direction) -> QueuePlan {
        let htb = queue + 1;
        let link = TcHandle::new(htb, LINK);
        let class = |handle, parent, owner, mbps| ClassPlan {
            handle,
            parent,
            owner,
            rate: BitsPerSec::from_mbps(mbps).percent(50),
            ceil: BitsPerSec::from_mbps(mbps),
            quantum: Bytes::new(1_514),
            burst: Bytes::new(15_000),
            cburst: Bytes::new(15_000),
            leaf: None,
            cut: None,
        };
        let unclaimed = TcHandle::new(htb, UNCLAIMED);
        let mut classes = vec![
            class(link, TcHandle::new(htb, 0), Owner::Link, 10_000),
            class(unclaimed, link, Owner::Unclaimed, 1_000),
        ];
        let site = |position: usize| TcHandle::new(htb, FIRST_SITE + position as u16);
        for position in 0..self.sites_per_queue() {
            let owner = Owner::Node(format!("site {queue}-{position}").into());
            classes.push(class(site(position), link, owner, 1_000));
        }
        let own = (0..self.circuits).skip(queue.into()).step_by(self.queues.into());
        classes.extend(own.map(|circuit| {
            let parent = site(self.seat(circuit).1 / CIRCUITS_PER_SITE);
            let owner = Owner::Circuit(circuit.to_string().into());
            let handle = TcHandle::new(0x100 + circuit as u16, 0);
            let leaf = LeafPlan {
                handle,
                kind: Leaf::Fifo,
                direction,
                limit: Bytes::new(625_000),
                codel: Codel {
                    target: Duration::from_millis(5),
                    interval: Duration::from_millis(100),
                },
            };
            ClassPlan { leaf: Some(leaf), ..class(self.class(circuit), parent, owner, 50) }
        }));
        QueuePlan {
            quantum_shift: 0,
            queue: QueueId::new(queue),
            cpu: CpuId::new(0),
            direction,
            htb: TcHandle::new(htb, 0),
            default_class: UNCLAIMED,
            classes,
        }
    }

    fn circuit(self, circuit: usize) -> CircuitPlan {
        CircuitPlan {
            id: circuit.to_string().into(),
            slot: CircuitSlot::new(circuit as u32),
            cpu: CpuId::new(0),
            queue: PerDirection::both(QueueId::new(self.seat(circuit).0)),
            class: PerDirection::both(self.class(circuit)),
        }
    }
}

fn address(circuit: usize) -> AddressPlan {
    let host = std::net::Ipv4Addr::from_bits(0x6440_0000 + circuit as u32);
    let target = Target::Circuit(CircuitSlot::new(circuit as u32));
    AddressPlan { prefix: IpPrefix::host(host.into()), target }
}
