//! Nodes and circuits.
//!
//! What a node has is the sum of its circuits, which come and go: as a counter it would seem to begin anew each time
//! one goes. So nodes have rates.

use bus::{CircuitRow, NodeRow, TreeView};
use units::{Direction, PerDirection};

use crate::page::{Kind, Page};
use crate::traffic::{name, rtts};
use crate::{CIRCUITS_MAX, NODES_MAX};

pub(super) fn write_nodes(page: &mut Page, tree: &TreeView) {
    let nodes = &tree.nodes[..tree.nodes.len().min(NODES_MAX)];
    let mut figures =
        |kind, metric: &str, help: &str, figure: &dyn Fn(&NodeRow) -> PerDirection<u64>| {
            page.family(kind, metric, help, |samples| {
                for node in nodes {
                    for direction in Direction::ALL {
                        let labels = [("node", &*node.name), ("direction", name(direction))];
                        samples.add(&labels, figure(node)[direction]);
                    }
                }
            });
        };
    figures(
        Kind::Gauge,
        "node_limit_bytes_per_second",
        "The rate that a node is held to",
        &|node| node.limit_bps.map(bytes),
    );
    figures(
        Kind::Gauge,
        "node_throughput_bytes_per_second",
        "What a node's circuits are given",
        &|node| node.rate_bps.map(bytes),
    );
    figures(
        Kind::Gauge,
        "node_drops_per_second",
        "Packets dropped by the classes of a node's circuits",
        &|node| node.drops_per_sec,
    );
    figures(
        Kind::Gauge,
        "node_tcp_retransmits_per_second",
        "TCP segments of a node's circuits that were sent again",
        &|node| node.retransmits.map(|it| it.per_sec),
    );
    page.family(Kind::Gauge, "node_circuits", "Circuits at and below a node", |samples| {
        nodes.iter().for_each(|node| samples.add(&[("node", &*node.name)], node.circuits));
    });
    let help = "RTTs of the last minute, of a node's circuits";
    page.family(Kind::Gauge, "node_rtt_seconds", help, |samples| {
        nodes.iter().for_each(|node| rtts(samples, &[("node", &*node.name)], &node.rtt));
    });
}

pub(super) fn write_circuits(page: &mut Page, circuits: &[CircuitRow]) {
    let circuits = &circuits[..circuits.len().min(CIRCUITS_MAX)];
    let mut figures =
        |kind, metric: &str, help: &str, figure: &dyn Fn(&CircuitRow) -> PerDirection<u64>| {
            page.family(kind, metric, help, |samples| {
                for circuit in circuits {
                    for direction in Direction::ALL {
                        let labels = [("circuit", &*circuit.id), ("direction", name(direction))];
                        samples.add(&labels, figure(circuit)[direction]);
                    }
                }
            });
        };
    figures(Kind::Gauge, "circuit_plan_bytes_per_second", "A circuit's max rate", &|circuit| {
        circuit.plan_bps.map(bytes)
    });
    figures(
        Kind::Gauge,
        "circuit_throughput_bytes_per_second",
        "What a circuit was given",
        &|circuit| {
            PerDirection::from_fn(|direction| {
                bytes(circuit.sent_bps[direction].unwrap_or(circuit.offered_bps[direction]))
            })
        },
    );
    figures(
        Kind::Counter,
        "circuit_dropped_packets",
        "Packets dropped by a circuit's class",
        &|circuit| circuit.drops,
    );
    figures(
        Kind::Gauge,
        "circuit_backlog_bytes",
        "Bytes waiting in a circuit's class",
        &|circuit| circuit.backlog_bytes,
    );
    figures(
        Kind::Counter,
        "circuit_tcp_retransmits",
        "TCP segments of a circuit that were sent again",
        &|circuit| circuit.retransmits.map(|it| it.count),
    );
    page.family(Kind::Info, "circuit", "Where a circuit hangs", |samples| {
        for circuit in circuits {
            let node = circuit.node.as_deref().unwrap_or("");
            let labels = [("circuit", &*circuit.id), ("name", &*circuit.name), ("node", node)];
            samples.add(&labels, 1_u64);
        }
    });
    let help = "RTTs of the last minute, of a circuit";
    page.family(Kind::Gauge, "circuit_rtt_seconds", help, |samples| {
        circuits.iter().for_each(|it| rtts(samples, &[("circuit", &*it.id)], &it.rtt));
    });
}

pub(super) fn write_left_out(page: &mut Page, nodes: usize, circuits: usize) {
    let help = "Nodes and circuits beyond the most that are shown here";
    page.family(Kind::Gauge, "left_out", help, |samples| {
        samples.add(&[("what", "nodes")], nodes.saturating_sub(NODES_MAX) as u64);
        samples.add(&[("what", "circuits")], circuits.saturating_sub(CIRCUITS_MAX) as u64);
    });
}

/// Bytes of so many bits.
const fn bytes(bits: u64) -> u64 {
    bits / 8
}
