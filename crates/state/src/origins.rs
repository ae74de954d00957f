//! Whose the Internet's addresses are, and what their flows add up to.

use std::sync::Arc;

use hashbrown::HashMap;
use units::{Direction, PerDirection};

use crate::flows::Span;
use crate::growth::Growth;
use crate::hosts::{MeanRtt, add_rtts};
use crate::rate::{Interval, Rate};
use crate::reading::FlowReading;
use crate::resent::Resent;
use crate::rows::LiveRows;
use crate::sample::Traffic;

/// Whose an address is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The number of its autonomous system.
    pub asn: Option<u32>,
    /// ISO 3166-1's two letters.
    pub country: Option<[u8; 2]>,
    /// The name of the autonomous system.
    pub name: Option<Arc<str>>,
}

/// Which origin, in one snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OriginId(u32);

impl OriginId {
    /// Nobody knows whose.
    pub const UNKNOWN: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One origin: a pair of autonomous system and country.
#[derive(Clone, Debug, Default)]
pub struct OriginRow {
    /// Which.
    pub origin: Origin,
    /// What its flows add up to.
    pub sums: OriginSums,
}

/// What the flows of an origin, or of several, add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OriginSums {
    /// Flows in the table.
    pub flows: u32,
    tick: u32,
    /// Since it was first read.
    pub traffic: PerDirection<Traffic>,
    grown: PerDirection<Traffic>,
    /// What happened to its TCP segments since it was first read.
    pub resent: PerDirection<Resent>,
    /// RTTs on the Internet's side.
    pub rtt: MeanRtt,
}

impl OriginSums {
    pub(crate) fn retransmits_per_sec(
        &self,
        tick: u64,
        interval: Option<Interval>,
        direction: Direction,
    ) -> u64 {
        let interval = interval.filter(|_| self.tick == tick as u32);
        interval.map_or(0, |interval| self.resent[direction].per_sec(interval))
    }

    pub(crate) fn rate(&self, tick: u64, interval: Option<Interval>, direction: Direction) -> Rate {
        match interval {
            Some(interval) if self.tick == tick as u32 => {
                interval.rate(Traffic::default(), self.grown[direction])
            }
            _ => Rate::default(),
        }
    }

    fn add(&mut self, span: Span, reading: &FlowReading, growth: &Growth) {
        if span.interval.is_some() && self.tick != span.tick as u32 {
            self.tick = span.tick as u32;
            self.grown = PerDirection::default();
            self.resent.down.begin();
            self.resent.up.begin();
        }
        for direction in Direction::ALL {
            self.traffic[direction] += growth.traffic[direction];
            self.resent[direction].add(span, growth, reading.key.protocol, direction);
            if span.interval.is_some() {
                self.grown[direction] += growth.traffic[direction];
            }
        }
        add_rtts(&mut self.rtt, reading.rtt.internet.as_ref(), growth.samples.internet);
    }
}

/// All origins that flows have had since the data was loaded, never more than its capacity.
#[derive(Debug)]
pub(crate) struct OriginTable {
    pub(crate) rows: LiveRows<OriginRow>,
    index: HashMap<(Option<u32>, Option<[u8; 2]>), OriginId>,
    capacity: usize,
    /// The data that they come from.
    pub(crate) generation: u64,
    /// Flows that count as of unknown origin, as there was no room for theirs.
    pub(crate) refused: u64,
}

impl OriginTable {
    /// A table that holds the unknown and at most `capacity` others.
    pub(crate) fn new(capacity: usize, generation: u64) -> Self {
        let mut rows = LiveRows::default();
        rows.push(OriginRow::default());
        let index = HashMap::from_iter([((None, None), OriginId::UNKNOWN)]);
        let capacity = capacity.min(u32::MAX as usize - 1);
        Self { rows, index, capacity, generation, refused: 0 }
    }

    /// The same, empty, for other data.
    pub(crate) fn renewed(&self, generation: u64) -> Self {
        Self { refused: self.refused, ..Self::new(self.capacity, generation) }
    }

    /// The origin's number.
    pub(crate) fn id(&mut self, origin: Origin) -> OriginId {
        let key = (origin.asn, origin.country);
        if let Some(id) = self.index.get(&key) {
            return *id;
        }
        if self.index.len() > self.capacity {
            self.refused += 1;
            return OriginId::UNKNOWN;
        }
        let id = OriginId(self.rows.push(OriginRow { origin, ..OriginRow::default() }) as u32);
        self.index.insert(key, id);
        id
    }

    /// Enters a flow.
    pub(crate) fn enter(&mut self, id: OriginId) {
        self.rows.row_mut(id.index()).sums.flows += 1;
    }

    pub(crate) fn add(&mut self, id: OriginId, span: Span, reading: &FlowReading, growth: &Growth) {
        self.rows.row_mut(id.index()).sums.add(span, reading, growth);
    }

    /// Takes a flow out.
    pub(crate) fn leave(&mut self, id: OriginId) {
        let flows = &mut self.rows.row_mut(id.index()).sums.flows;
        *flows = flows.saturating_sub(1);
    }
}

/// One autonomous system or one country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginFigures {
    /// Which. By country there is no number and no name.
    pub origin: Origin,
    /// Flows in the table.
    pub flows: u32,
    /// Since it was first read.
    pub traffic: PerDirection<Traffic>,
    /// Now.
    pub rates: PerDirection<Rate>,
    /// What happened to the TCP segments since it was first read.
    pub resent: PerDirection<Resent>,
    /// TCP segments that were sent again, a second.
    pub retransmits_per_sec: PerDirection<u64>,
    /// RTTs on the Internet's side: the mean of its parts' by samples, and the least.
    pub rtt: MeanRtt,
}

impl OriginFigures {
    pub(crate) fn new(origin: Origin) -> Self {
        Self {
            origin,
            flows: 0,
            traffic: PerDirection::default(),
            rates: PerDirection::default(),
            resent: PerDirection::default(),
            retransmits_per_sec: PerDirection::default(),
            rtt: MeanRtt::default(),
        }
    }

    pub(crate) fn add(
        &mut self,
        sums: &OriginSums,
        rates: PerDirection<Rate>,
        retransmits_per_sec: PerDirection<u64>,
    ) {
        self.flows += sums.flows;
        for direction in Direction::ALL {
            self.traffic[direction] += sums.traffic[direction];
            self.rates[direction] += rates[direction];
            self.resent[direction].merge(&sums.resent[direction]);
            let per_sec = &mut self.retransmits_per_sec[direction];
            *per_sec = per_sec.saturating_add(retransmits_per_sec[direction]);
        }
        self.rtt.merge(&sums.rtt);
    }
}

impl MeanRtt {
    fn merge(&mut self, other: &Self) {
        if other.samples == 0 {
            return;
        }
        if self.samples == 0 {
            *self = *other;
            return;
        }
        let (here, there) = (u128::from(self.samples), u128::from(other.samples));
        let sum = u128::from(self.smoothed_ns) * here + u128::from(other.smoothed_ns) * there;
        self.smoothed_ns = (sum / (here + there)) as u64; // not larger than the larger of the two
        self.min_ns = self.min_ns.min(other.min_ns);
        self.samples = self.samples.saturating_add(other.samples);
    }
}
