//! Flows and what they add up to, as one reading leaves them.

use std::sync::Arc;

use units::{Direction, PerDirection};

use crate::flows::FlowRow;
use crate::hosts::HostRow;
use crate::layout::Layout;
use crate::origins::{Origin, OriginFigures, OriginId, OriginRow};
use crate::rate::{Interval, Rate};
use crate::reading::RetransmitReading;
use crate::recent::RecentFlow;
use crate::ring::Ring;
use crate::rows::Rows;
use crate::sample::ByProtocol;

/// What is known of flows after one reading. Never changed once published. Chunks of
/// rows that did not change are shared with the snapshot before.
#[derive(Clone, Debug, Default)]
pub struct FlowSnapshot {
    /// Readings so far that rates come from; 0 before the first.
    pub tick: u64,
    /// When its reading was taken, on the monotonic clock.
    pub taken_ns: u64,
    pub(crate) interval: Option<Interval>,
    /// Whose the rows are that its flows and hosts belong to.
    pub layout: Arc<Layout>,
    /// The flows in the table, in no order.
    pub flows: Rows<FlowRow>,
    /// How many flows there are of each protocol.
    pub flows_by_protocol: ByProtocol<u32>,
    /// The customers' hosts, in no order, with gaps.
    pub hosts: Rows<Option<HostRow>>,
    /// How many hosts there are.
    pub hosts_count: usize,
    /// Origins of the Internet's side.
    pub origins: Rows<OriginRow>,
    /// Flows that left not long ago, the oldest first.
    pub recent: Ring<RecentFlow>,
    /// Retransmissions of the last five minutes, the oldest first. Those that the kernel's ring had
    /// no room for are in the counters of flows and circuits, but not here.
    pub retransmits: Ring<RetransmitReading>,
    /// The most flows that the table takes.
    pub flows_capacity: usize,
    /// Readings that found no room in the table.
    pub flows_refused: u64,
    /// Flows that are not counted at a host, as there was no room for it.
    pub hosts_refused: u64,
    /// Flows that count as of unknown origin, as there was no room for theirs.
    pub origins_refused: u64,
}

impl FlowSnapshot {
    /// The time that its rates cover; none when there are no rates.
    pub fn interval_ns(&self) -> Option<u64> {
        self.interval.map(Interval::ns)
    }

    /// A flow's rates now.
    pub fn flow_rates(&self, flow: &FlowRow) -> PerDirection<Rate> {
        PerDirection::from_fn(|direction| flow.rate(self.tick, direction))
    }

    /// A host's rates now.
    pub fn host_rates(&self, host: &HostRow) -> PerDirection<ByProtocol<Rate>> {
        PerDirection::from_fn(|direction| host.rates(self.tick, self.interval, direction))
    }

    /// TCP segments of a flow that were sent again, a second.
    pub fn flow_retransmits_per_sec(&self, flow: &FlowRow) -> PerDirection<u64> {
        PerDirection::from_fn(|direction| flow.retransmits_per_sec(self.tick, direction))
    }

    /// TCP segments of a host that were sent again, a second.
    pub fn host_retransmits_per_sec(&self, host: &HostRow) -> PerDirection<u64> {
        PerDirection::from_fn(|direction| {
            host.retransmits_per_sec(self.tick, self.interval, direction)
        })
    }

    /// Whose the other end of a flow is.
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        self.origins.get(id.index()).map(|row| &row.origin)
    }

    /// The rates of one pair of autonomous system and country.
    pub fn origin_rates(&self, row: &OriginRow) -> PerDirection<Rate> {
        let rate = |direction: Direction| row.sums.rate(self.tick, self.interval, direction);
        PerDirection::from_fn(rate)
    }

    /// What each autonomous system with flows in the table adds up to, with its country where it has
    /// one only. What has none is together in one.
    pub fn by_asn(&self) -> Vec<OriginFigures> {
        self.grouped(Origin::clone, |origin| origin.asn)
    }

    /// What each country with flows in the table adds up to. What has none is together in one.
    pub fn by_country(&self) -> Vec<OriginFigures> {
        let group = |origin: &Origin| Origin { country: origin.country, ..Origin::default() };
        self.grouped(group, |origin| origin.country)
    }

    fn grouped<K: Eq + std::hash::Hash>(
        &self,
        group: impl Fn(&Origin) -> Origin,
        key: impl Fn(&Origin) -> K,
    ) -> Vec<OriginFigures> {
        let mut places = hashbrown::HashMap::new();
        let mut groups: Vec<OriginFigures> = Vec::new();
        for row in self.origins.iter().filter(|row| row.sums.flows > 0) {
            let place = *places.entry(key(&row.origin)).or_insert_with(|| {
                groups.push(OriginFigures::new(group(&row.origin)));
                groups.len() - 1
            });
            if groups[place].origin.country != row.origin.country {
                groups[place].origin.country = None;
            }
            let resent = |direction: Direction| {
                row.sums.retransmits_per_sec(self.tick, self.interval, direction)
            };
            groups[place].add(&row.sums, self.origin_rates(row), PerDirection::from_fn(resent));
        }
        groups
    }
}
