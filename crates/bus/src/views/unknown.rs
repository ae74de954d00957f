//! Hosts that no device covers.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::PerDirection;

/// A page of hosts that no device covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// Unknown hosts that are remembered.
    pub total: u32,
    /// Of these, those that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<UnknownRow>,
}

/// One host that no device covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownRow {
    /// The host.
    pub addr: IpAddr,
    /// Since its first packet.
    pub first_seen_ms_ago: u64,
    /// Since its last packet.
    pub last_seen_ms_ago: u64,
    /// Bytes seen since it is remembered.
    pub bytes: PerDirection<u64>,
    /// Packets seen since it is remembered.
    pub packets: PerDirection<u64>,
}
