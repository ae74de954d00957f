//! A page of networks or countries of the Internet side.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::PerDirection;

use super::flows::Origin;
use super::retransmits::RetransmitView;
use super::rtt::MeanRtt;

/// A page of networks or countries that the Internet side's addresses belong to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OriginsPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// Origins that have flows in the table.
    pub total: u32,
    /// Of these, those that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<OriginRow>,
}

/// One autonomous system or country: what its flows in the table add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OriginRow {
    /// Which. By country only the code is set, by autonomous system the country where it has one
    /// only; nothing at all for addresses that the files do not tell of.
    pub origin: Origin,
    /// What arrives now.
    pub rate_bps: PerDirection<u64>,
    /// Packets that arrive now.
    pub packets_per_sec: PerDirection<u64>,
    /// Bytes of its flows in the table.
    pub bytes: PerDirection<u64>,
    /// Its flows in the table.
    pub flows: u32,
    /// RTT of the Internet side; none where there was no sample.
    pub rtt: Option<MeanRtt>,
    /// TCP segments that were sent again.
    pub retransmits: PerDirection<RetransmitView>,
}
