//! The hardware transmit queues.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Direction;

use super::leaf::TinView;

/// Every hardware transmit queue that has a tree on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueuesView {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// By NIC, then queue.
    pub queues: Vec<QueueRow>,
}

/// One queue now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueRow {
    /// The NIC's name.
    pub nic: Arc<str>,
    /// The NIC's index.
    pub ifindex: u32,
    /// The queue.
    pub queue: u16,
    /// The CPU that serves it.
    pub cpu: u16,
    /// Which way its traffic travels.
    pub direction: Direction,
    /// HTB classes.
    pub classes: u32,
    /// Classes without children.
    pub leaves: u32,
    /// The rate that its topmost class is held to.
    pub link_bps: u64,
    /// What its leaves let through.
    pub sent_bps: u64,
    /// Share of the link in use.
    pub share_percent: f32,
    /// Packets dropped by its leaves, a second.
    pub drops_per_sec: u64,
    /// Packets dropped by its leaves since the daemon began to count.
    pub drops: u64,
    /// Packets marked as congested by its leaves, a second.
    pub marks_per_sec: u64,
    /// Packets marked as congested by its leaves since the daemon began to count.
    pub marks: u64,
    /// How often its leaves held a packet back for its rate, since the daemon began to count.
    pub overlimits: u64,
    /// Bytes waiting in its leaves.
    pub backlog_bytes: u64,
    /// Packets waiting in its leaves.
    pub backlog_packets: u64,
    /// Its leaves' tins taken together, by position, where they are CAKE; empty otherwise. Peak and
    /// average delay are the largest of all leaves, the base delay is the least; the rest is added.
    pub tins: Vec<TinView>,
}
