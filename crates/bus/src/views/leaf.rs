//! What the qdisc under a class did.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the qdisc under a class did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafView {
    /// The kernel's name of the qdisc: cake, `fq_codel`, pfifo ...
    pub kind: Arc<str>,
    /// Packets dropped, a second.
    pub drops_per_sec: u64,
    /// Packets dropped since the daemon began to count.
    pub drops: u64,
    /// Packets marked as congested, a second.
    pub marks_per_sec: u64,
    /// Packets marked as congested since the daemon began to count.
    pub marks: u64,
    /// Bytes waiting.
    pub backlog_bytes: u64,
    /// Packets waiting.
    pub backlog_packets: u64,
    /// CAKE's tins, the lowest priority first; empty for other qdiscs.
    pub tins: Vec<TinView>,
}

/// One of CAKE's tins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TinView {
    /// Its name, as CAKE's documents have it: bulk, best effort, video, voice.
    pub name: Arc<str>,
    /// Bytes let through since the daemon began to count.
    pub sent_bytes: u64,
    /// Packets dropped since the daemon began to count.
    pub drops: u64,
    /// Packets marked as congested since the daemon began to count.
    pub marks: u64,
    /// Bytes waiting.
    pub backlog_bytes: u64,
    /// How long packets waited: the longest times, smoothed.
    pub peak_delay_us: u64,
    /// The same, on average.
    pub avg_delay_us: u64,
    /// The same, the shortest times: what sparse flows wait.
    pub base_delay_us: u64,
}
