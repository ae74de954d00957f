//! Made-up providers and machines, the same ones every time, for benchmarks and tests.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

pub use config::Config;
use config::{
    Bus, Capture, Circuit, Device, Diffserv, Files, Flows, Interfaces, Leaf, Limits, Log, Metrics,
    Mode, Network, Node, Queues, Ranges,
};
use units::{BitsPerSec, CpuId, IfIndex, IpPrefix, PerDirection};

use crate::facts::{Facts, NicFacts};

/// Plans that are sold, in Mbps: min and max down, min and max up.
const PLANS: [[u64; 4]; 5] =
    [[2, 25, 1, 5], [5, 50, 1, 10], [10, 100, 2, 20], [10, 250, 5, 50], [25, 1000, 10, 500]];

/// How large a made-up provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Circuits, spread evenly over the access points; without any, each is parentless.
    pub circuits: usize,
    /// Top-level nodes.
    pub sites: usize,
    /// Access points of each site.
    pub access_points: usize,
    /// Transmit queues of each NIC, and CPUs.
    pub queues: u16,
}

/// A provider of this size with a machine to carry it. Each circuit has an IPv4 address and an
/// IPv6 prefix; every leaf is `leaf`.
pub fn provider(size: Size, leaf: Leaf) -> (Config, Facts) {
    let mut config = config(BitsPerSec::from_mbps(100_000));
    config.queues.leaf = leaf;
    let nodes = &mut config.network.nodes;
    let mut access_points = Vec::new();
    for s in 0..size.sites {
        let site = nodes.len();
        nodes.push(node(&format!("Site_{s}"), None, Some(10_000)));
        for a in 0..size.access_points {
            access_points.push(nodes.len());
            nodes.push(node(&format!("AP_{s}_{a}"), Some(site), Some(2_500)));
        }
    }
    config.network.circuits = (0..size.circuits)
        .map(|i| {
            let parent =
                (!access_points.is_empty()).then(|| access_points[i % access_points.len()]);
            circuit(i, parent, PLANS[i % PLANS.len()])
        })
        .collect();
    (config, facts(size.queues, size.queues))
}

/// A machine with two NICs of this many queues, this many CPUs, and every leaf.
pub fn facts(queues: u16, cpus: u16) -> Facts {
    let nic = |name: &str, ifindex| NicFacts {
        name: name.to_owned(),
        ifindex: IfIndex::new(ifindex),
        tx_queues: queues,
        rx_queues: queues,
        mtu: 1500,
    };
    Facts {
        customers: nic("eth0", 2),
        internet: nic("eth1", 3),
        cpus: (0..cpus).map(CpuId::new).collect(),
        qdiscs: ["bfifo", "cake", "fq_codel", "htb", "mq"].map(str::to_owned).into(),
    }
}

/// A configuration with nothing in its network: a bridge with this link both ways, CAKE leaves.
pub fn config(link: BitsPerSec) -> Config {
    Config {
        interfaces: Interfaces {
            mode: Mode::Bridge,
            internet: "eth1".to_owned(),
            customers: "eth0".to_owned(),
        },
        files: Files {
            network: PathBuf::from("network.json"),
            devices: PathBuf::from("ShapedDevices.csv"),
            origins: Vec::new(),
            watch: true,
            pins: PathBuf::from("/sys/fs/bpf/tidegate"),
        },
        queues: Queues {
            link: PerDirection::both(link),
            leaf: Leaf::Cake(Diffserv::Diffserv4),
            leaf_fallback: None,
            fast_leaf: None,
            count: None,
            framing_percent: 3,
            lazy_after: None,
        },
        ranges: Ranges::default(),
        flows: Flows {
            tcp_idle: Duration::from_secs(600),
            udp_idle: Duration::from_secs(120),
            icmp_idle: Duration::from_secs(30),
            unanswered_idle: Duration::from_secs(15),
            recent: Duration::from_secs(300),
            recent_flows: 100_000,
        },
        capture: Capture {
            at_once: 4,
            packets_max: 1_000_000,
            seconds_max: Duration::from_secs(600),
            snap_length_max: 256,
        },
        bus: Bus {
            socket: PathBuf::from("/run/tidegate/bus.sock"),
            read_group: "tidegate".to_owned(),
            admin_group: "tidegate-admin".to_owned(),
            clients: 64,
        },
        limits: Limits {
            circuits: 131_072,
            hosts: 524_288,
            prefixes: 262_144,
            unknown_hosts: 16_384,
            flows: 131_072,
        },
        metrics: Metrics::default(),
        log: Log { filter: "info".to_owned(), audit: None },
        network: Network::default(),
    }
}

/// A real node with this limit in Mbps both ways.
pub fn node(name: &str, parent: Option<usize>, limit_mbps: Option<u64>) -> Node {
    Node {
        id: name.into(),
        name: name.into(),
        parent,
        rate: PerDirection::both(limit_mbps.map(BitsPerSec::from_mbps)),
        kind: None,
        is_virtual: false,
        position: None,
    }
}

/// Circuit number `i` with a plan in Mbps (min and max down, min and max up), and an IPv4 address
/// and an IPv6 prefix that follow from the number.
pub fn circuit(i: usize, parent: Option<usize>, plan_mbps: [u64; 4]) -> Circuit {
    let [min_down, max_down, min_up, max_up] = plan_mbps.map(BitsPerSec::from_mbps);
    let number = (i as u32) & 0x003f_ffff;
    let v4 = Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(100, 64, 0, 0)) | number);
    let v6 = Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | u128::from(number) << 72);
    let prefixes = [IpPrefix::host(v4.into())].into_iter().chain(IpPrefix::new(v6.into(), 56));
    Circuit {
        id: format!("c{i:06}").into(),
        name: format!("Customer {i}").into(),
        parent,
        min: PerDirection { down: min_down, up: min_up },
        max: PerDirection { down: max_down, up: max_up },
        leaf: PerDirection::both(None),
        devices: vec![Device {
            id: format!("d{i}").into(),
            name: "router".into(),
            mac: "".into(),
            prefixes: prefixes.collect(),
        }],
        comment: "".into(),
    }
}
