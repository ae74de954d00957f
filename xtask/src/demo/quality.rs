//! What the daemon measured of round trips, retransmissions and flows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bus::{CircuitsQuery, Client, FlowRow, FlowSort, FlowsQuery, RttPercentiles};
use units::{PerDirection, PerSegment};

/// How long the daemon may take for each answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Flows that the summary lists.
const FLOWS_LISTED: u32 = 5;

/// What the daemon measured in all.
#[derive(Default)]
pub(super) struct Measured {
    /// By circuit.
    pub(super) circuits: BTreeMap<String, Quality>,
    /// The largest flows, those that ended among them.
    pub(super) flows: Vec<FlowRow>,
}

/// One circuit.
#[derive(Clone, Copy, Default)]
pub(super) struct Quality {
    /// Of the last minute.
    pub(super) rtt: PerSegment<Option<RttPercentiles>>,
    /// TCP segments that were sent again.
    pub(super) retransmits: PerDirection<u64>,
}

/// What the daemon warns of.
pub(super) fn warnings(socket: &Path) -> Result<Vec<String>> {
    Ok(connect(socket)?.status()?.warnings)
}

fn connect(socket: &Path) -> Result<Client> {
    Client::connect(socket, ANSWER_DEADLINE).context("the daemon's socket does not answer")
}

impl Measured {
    /// Asks the daemon.
    pub(super) fn ask(socket: &Path) -> Result<Self> {
        let mut client = connect(socket)?;
        let query = CircuitsQuery { limit: CircuitsQuery::MAX_LIMIT, ..CircuitsQuery::default() };
        let rows = client.circuits(query)?.rows.into_iter();
        let circuits = rows.map(|row| {
            let retransmits = row.retransmits.map(|sent_again| sent_again.count);
            (row.id.to_string(), Quality { rtt: row.rtt, retransmits })
        });
        let circuits = circuits.collect();
        let largest =
            FlowsQuery { sort: FlowSort::Bytes, limit: FLOWS_LISTED, ..Default::default() };
        let mut flows = client.flows(FlowsQuery { recent: true, ..largest.clone() })?.rows;
        flows.extend(client.flows(largest)?.rows);
        let bytes = |flow: &FlowRow| flow.streams.down.bytes + flow.streams.up.bytes;
        flows.sort_by_key(|flow| std::cmp::Reverse(bytes(flow)));
        flows.truncate(FLOWS_LISTED as usize);
        Ok(Self { circuits, flows })
    }
}
