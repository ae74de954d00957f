//! RTTs: percentiles, means, histograms.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::PerSegment;

/// A page of RTTs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RttPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// The time before it that the samples are from.
    pub window_ms: u64,
    /// Rows that there are.
    pub total: u32,
    /// Rows that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<RttRow>,
    /// The box's histogram, where it was asked for: bins with samples, in ascending order.
    pub histogram: Option<PerSegment<Vec<RttBin>>>,
}

/// The RTTs of the box, of a node or of a circuit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RttRow {
    /// Stable identity; empty for the box.
    pub id: Arc<str>,
    /// Name; empty for the box.
    pub name: Arc<str>,
    /// A circuit's or a node's parent, by name.
    pub node: Option<Arc<str>>,
    /// RTTs; none where there was no sample.
    pub rtt: PerSegment<Option<RttPercentiles>>,
}

/// How RTTs are spread. The histograms behind it are log-linear: a percentile is at most 6 % off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RttPercentiles {
    /// The median.
    pub p50_us: u64,
    /// Nine of ten samples are not above it.
    pub p90_us: u64,
    /// Ninety-nine of a hundred are not above it.
    pub p99_us: u64,
    /// How many samples.
    pub samples: u64,
}

/// The RTTs of several flows taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeanRtt {
    /// Mean of the flows' smoothed RTTs.
    pub mean_us: u64,
    /// The least sample.
    pub min_us: u64,
    /// How many samples.
    pub samples: u64,
}

/// One bin of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RttBin {
    /// The least RTT in it.
    pub from_us: u64,
    /// The least RTT above it; none when the bin is open.
    pub to_us: Option<u64>,
    /// How many samples.
    pub samples: u64,
}
