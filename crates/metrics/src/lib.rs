//! What the bus shows, as text for Prometheus and its kin.
//!
//! Names and units are Prometheus's: base units (bytes, seconds, ratios), counters that end in `_total`. Whose
//! number depends on the network is bounded: nodes by [`NODES_MAX`], circuits by [`CIRCUITS_MAX`] and only
//! where they are asked for; what is over is counted in `tidegate_left_out`.
//!
//! Sources: the OpenMetrics specification 1.0 and Prometheus's text format 0.0.4.

#![forbid(unsafe_code)]

mod health;
mod network;
mod page;
mod queues;
mod traffic;

use bus::{CircuitRow, QueuesView, StatusView, TreeView};

pub use page::Format;
use page::Page;

/// Nodes that are shown at most, the topmost first.
pub const NODES_MAX: usize = 10_000;

/// Circuits that are shown at most.
pub const CIRCUITS_MAX: usize = 100_000;

/// What is shown, all of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The daemon and the box as a whole.
    pub status: &'a StatusView,
    /// The tree of nodes.
    pub tree: &'a TreeView,
    /// The hardware transmit queues.
    pub queues: &'a QueuesView,
    /// Circuits, where they are to be shown; no more than [`CIRCUITS_MAX`] need be had.
    pub circuits: Option<&'a [CircuitRow]>,
}

/// The text that a scraper takes.
pub fn text(reading: &Reading<'_>, format: Format) -> String {
    let mut page = Page::new(format);
    health::write(&mut page, reading.status);
    traffic::write(&mut page, reading.status);
    network::write_nodes(&mut page, reading.tree);
    queues::write(&mut page, reading.queues);
    if let Some(circuits) = reading.circuits {
        network::write_circuits(&mut page, circuits);
    }
    let circuits = reading.circuits.map_or(0, |_| reading.status.circuits as usize);
    network::write_left_out(&mut page, reading.tree.nodes.len(), circuits);
    page.end()
}
