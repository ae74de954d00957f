//! One circuit.

use std::collections::VecDeque;
use std::sync::Arc;

use bus::{
    CircuitRow, CircuitsPage, CircuitsQuery, HostRow, HostSort, HostsPage, HostsQuery, Topic,
};
use units::PerDirection;

use super::flows::Flows;

/// Ticks that are remembered: a quarter of an hour.
const KEPT: usize = 900;

/// Hosts that are asked for.
const HOSTS: u32 = 20;

/// One circuit at one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitPoint {
    /// The tick.
    pub tick: u64,
    /// What went through.
    pub rate_bps: PerDirection<u64>,
}

/// One circuit.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// Its id.
    pub id: Arc<str>,
    /// How it is; none before that is known.
    pub row: Option<CircuitRow>,
    /// Whether the daemon says that there is no such circuit.
    pub is_gone: bool,
    /// Its rates since it was opened, the oldest first.
    pub history: VecDeque<CircuitPoint>,
    /// Its flows.
    pub flows: Flows,
    /// Its hosts, the fastest first.
    pub hosts: Vec<HostRow>,
    /// How many hosts it has.
    pub hosts_matched: u32,
}

impl Circuit {
    /// The circuit with this id.
    pub(super) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            row: None,
            is_gone: false,
            history: VecDeque::new(),
            flows: Flows::default(),
            hosts: Vec::new(),
            hosts_matched: 0,
        }
    }

    /// What to ask for to see how it is.
    pub(super) fn topic(&self) -> Topic {
        let id = Some(self.id.to_string());
        Topic::Circuits(CircuitsQuery { id, limit: 1, ..CircuitsQuery::default() })
    }

    /// What to ask for to see its hosts.
    pub(super) fn hosts_topic(&self) -> Topic {
        let circuit = Some(self.id.to_string());
        let (sort, limit) = (HostSort::Rate, HOSTS);
        Topic::Hosts(HostsQuery { circuit, sort, limit, ..HostsQuery::default() })
    }

    /// Takes how it is.
    pub(super) fn receive(&mut self, page: CircuitsPage) {
        let row = page.rows.into_iter().find(|row| row.id == self.id);
        let Some(row) = row else { return };
        self.is_gone = false;
        let rate_bps = now(&row);
        match self.history.back().map(|newest| newest.tick) {
            Some(newest) if newest == page.tick => {}
            // another daemon counts anew
            Some(newest) if newest > page.tick => self.history.clear(),
            _ => {}
        }
        if self.history.back().is_none_or(|newest| newest.tick < page.tick) {
            self.history.push_back(CircuitPoint { tick: page.tick, rate_bps });
        }
        let over = self.history.len().saturating_sub(KEPT);
        self.history.drain(..over);
        self.row = Some(row);
    }

    /// Takes its hosts.
    pub(super) fn receive_hosts(&mut self, page: HostsPage) {
        (self.hosts, self.hosts_matched) = (page.rows, page.matched);
    }
}

/// What goes through a circuit now: where no class tells, nothing is held back.
pub fn now(row: &CircuitRow) -> PerDirection<u64> {
    PerDirection::from_fn(|direction| row.sent_bps[direction].unwrap_or(row.offered_bps[direction]))
}
