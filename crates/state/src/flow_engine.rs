//! From readings of flows to snapshots: the single writer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::expiry::Timeouts;
use crate::flow_snapshot::FlowSnapshot;
use crate::flows::{FlowTable, Gone, Place, Span, Taken, of_protocol};
use crate::hosts::HostTable;
use crate::layout::Layout;
use crate::origins::{Origin, OriginTable};
use crate::rate::Interval;
use crate::reading::{FlowKey, FlowReading, Owner, RetransmitReading};
use crate::recent::{RECENT_NS, RecentFlow};
use crate::ring::Ring;
use crate::sample::ByProtocol;
use crate::store::Store;

/// Readings that are looked up together.
const BATCH: usize = 64;

/// How long a retransmission is listed.
const RETRANSMITS_NS: u64 = 300_000_000_000;

/// The most of everything that is kept. What is over is counted and left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Flows in the table: as many as the kernel's map takes, or more.
    pub flows: usize,
    /// Customers' hosts.
    pub hosts: usize,
    /// Pairs of autonomous system and country.
    pub origins: usize,
    /// Flows that left; see [`FlowEngine::set_recent`].
    pub recent: usize,
    /// Retransmissions that are listed.
    pub retransmits: usize,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            flows: 524_288,
            hosts: 262_144,
            origins: 65_536,
            recent: 100_000,
            retransmits: 10_000,
        }
    }
}

/// Derives a snapshot from each reading of the flows and publishes it.
#[derive(Debug)]
pub struct FlowEngine {
    store: Arc<Store<FlowSnapshot>>,
    timeouts: Timeouts,
    layout: Arc<Layout>,
    flows: FlowTable,
    by_protocol: ByProtocol<u32>,
    hosts: HostTable,
    origins: OriginTable,
    recent: Ring<RecentFlow>,
    recent_ns: u64,
    retransmits: Ring<RetransmitReading>,
    refused: u64,
    tick: u64,
    interval: Option<Interval>,
    taken_ns: Option<u64>,
}

impl FlowEngine {
    /// An engine with an empty store.
    pub fn new(limits: FlowLimits, timeouts: Timeouts) -> Self {
        Self {
            store: Arc::default(),
            timeouts,
            layout: Arc::default(),
            flows: FlowTable::with_capacity(limits.flows),
            by_protocol: ByProtocol::default(),
            hosts: HostTable::with_capacity(limits.hosts),
            origins: OriginTable::new(limits.origins, 0),
            recent: Ring::with_capacity(limits.recent),
            recent_ns: RECENT_NS,
            retransmits: Ring::with_capacity(limits.retransmits),
            refused: 0,
            tick: 0,
            interval: None,
            taken_ns: None,
        }
    }

    /// Where readers find its snapshots.
    pub fn store(&self) -> Arc<Store<FlowSnapshot>> {
        Arc::clone(&self.store)
    }

    /// How long flows may be silent from now on.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// How long flows that left are kept from now on, and how many at most.
    pub fn set_recent(&mut self, keep_ns: u64, flows: usize) {
        self.recent_ns = keep_ns;
        self.recent.set_capacity(flows);
    }

    /// Goes on under another layout, in which a row may be another circuit's. Flows go with their
    /// circuit; those of circuits that are gone are nobody's until their next packet tells. The same
    /// `Arc` as last time means that nothing has changed.
    pub fn adopt(&mut self, layout: &Arc<Layout>) {
        if Arc::ptr_eq(&self.layout, layout) {
            return;
        }
        let before = std::mem::replace(&mut self.layout, Arc::clone(layout));
        let slots: HashMap<_, _> =
            layout.circuits.iter().map(|circuit| (&circuit.id, circuit.slot)).collect();
        let owner_now = |owner| match owner {
            Owner::Circuit(slot) => before
                .circuit_at(slot)
                .and_then(|index| slots.get(&before.circuits[index].id))
                .map_or(Owner::Unknown, |slot| Owner::Circuit(*slot)),
            Owner::Unknown => Owner::Unknown,
        };
        // without a layout before, rows are as they were read
        if before.circuits.is_empty() {
            return;
        }
        self.flows.change_owners(owner_now);
        self.hosts.change_owners(owner_now);
        self.recent.change_all(|flow| flow.owner = owner_now(flow.owner()).into());
        self.retransmits.change_all(|event| event.owner = owner_now(event.owner));
    }

    /// Takes in the flows that changed since the last reading, lets go of those that ended or were
    /// silent for too long, and publishes what follows. Returns the keys that the kernel is to
    /// forget: those that left, and those that found no room here, as nobody would ever remove them.
    ///
    /// `taken_ns` is when the reading began. When it is not [`crate::MIN_INTERVAL_NS`] later than
    /// the one before, the counters are taken in but no rates are made: those of before stay.
    ///
    /// `resolve` is asked for the origin of each new flow's Internet side, and for all flows again
    /// when `generation`, the number of the data that it looks into, is another than last time.
    pub fn update(
        &mut self,
        taken_ns: u64,
        readings: impl IntoIterator<Item = FlowReading>,
        generation: u64,
        mut resolve: impl FnMut(IpAddr) -> Origin,
    ) -> Vec<FlowKey> {
        if generation != self.origins.generation {
            self.resolve_again(generation, &mut resolve);
        }
        let span = self.advance(taken_ns);
        let mut forget = Vec::new();
        let mut readings = readings.into_iter();
        self.flows.begin_reading();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            batch.clear();
            batch.extend(readings.by_ref().take(BATCH));
            if batch.is_empty() {
                break;
            }
            self.take_batch(span, &batch, &mut resolve, &mut forget);
        }
        self.expire(taken_ns, &mut forget);
        self.publish(taken_ns);
        forget
    }

    /// Takes in a retransmission. It shows in the next snapshot.
    pub fn retransmitted(&mut self, event: &RetransmitReading) {
        self.retransmits.push(*event);
    }

    fn advance(&mut self, taken_ns: u64) -> Span {
        let before_ns = self.taken_ns;
        let interval = before_ns.and_then(|before_ns| Interval::between(before_ns, taken_ns));
        if interval.is_some() || before_ns.is_none() {
            self.tick += 1;
            self.interval = interval;
            self.taken_ns = Some(taken_ns);
        }
        Span { tick: self.tick, interval, before_ns }
    }

    fn take_batch(
        &mut self,
        span: Span,
        batch: &[FlowReading],
        resolve: &mut impl FnMut(IpAddr) -> Origin,
        forget: &mut Vec<FlowKey>,
    ) {
        let places: Vec<Place> = batch.iter().map(|flow| self.flows.look_up(&flow.key)).collect();
        places.iter().for_each(|place| self.hosts.look_up(place.host));
        for (reading, place) in batch.iter().zip(places) {
            if !self.take(span, place, reading, resolve) {
                self.refused += 1;
                forget.push(reading.key);
            }
        }
    }

    /// Whether there was room for it.
    fn take(
        &mut self,
        span: Span,
        place: Place,
        reading: &FlowReading,
        resolve: &mut impl FnMut(IpAddr) -> Origin,
    ) -> bool {
        let (host, origin, growth) = match self.flows.take(span, place, reading) {
            Taken::Full => return false,
            Taken::Known { row, host, growth } => (host, self.flows.rows[row].origin, growth),
            Taken::New { row, growth, replaced } => {
                if let Some(gone) = replaced {
                    self.let_go(&gone, span.before_ns.unwrap_or(0));
                }
                let host = self.hosts.enter(reading);
                let origin = self.origins.id(resolve(reading.key.internet));
                self.origins.enter(origin);
                self.flows.settle(row, host, origin);
                *of_protocol(&mut self.by_protocol, reading.key.protocol) += 1;
                (host, origin, growth)
            }
        };
        self.hosts.add(host, span, reading, &growth);
        self.origins.add(origin, span, reading, &growth);
        true
    }

    fn expire(&mut self, now_ns: u64, forget: &mut Vec<FlowKey>) {
        let mut left = Vec::new();
        self.flows.expire(now_ns, &self.timeouts, |gone| left.push(gone));
        for gone in &left {
            forget.push(gone.row.key);
            self.let_go(gone, now_ns);
        }
        self.hosts.expire(now_ns);
        self.recent.forget(now_ns, self.recent_ns);
        let oldest_ns = now_ns.saturating_sub(RETRANSMITS_NS);
        self.retransmits.expire(|event| event.seen_ns < oldest_ns);
    }

    fn let_go(&mut self, gone: &Gone, now_ns: u64) {
        self.hosts.leave(gone.host, now_ns);
        self.origins.leave(gone.row.origin);
        let flows = of_protocol(&mut self.by_protocol, gone.row.key.protocol);
        *flows = flows.saturating_sub(1);
        self.recent.remember(gone, now_ns);
    }

    /// Origins begin anew with other data. This walks all flows, which is why it is not done lazily:
    /// a snapshot never mixes numbers of two tables.
    fn resolve_again(&mut self, generation: u64, resolve: &mut impl FnMut(IpAddr) -> Origin) {
        self.origins = self.origins.renewed(generation);
        for index in 0..self.flows.rows.len() {
            let row = self.flows.rows.row_mut(index);
            row.origin = self.origins.id(resolve(row.key.internet));
            self.origins.enter(row.origin);
        }
        let origins = &mut self.origins;
        self.recent.change_all(|flow| flow.origin = origins.id(resolve(flow.key.internet)));
    }

    fn publish(&mut self, taken_ns: u64) {
        self.store.publish(Arc::new(FlowSnapshot {
            tick: self.tick,
            taken_ns,
            interval: self.interval,
            layout: Arc::clone(&self.layout),
            flows: self.flows.rows.publish(),
            flows_by_protocol: self.by_protocol,
            hosts: self.hosts.rows.publish(),
            hosts_count: self.hosts.len(),
            origins: self.origins.rows.publish(),
            recent: self.recent.clone(),
            retransmits: self.retransmits.clone(),
            flows_capacity: self.flows.capacity(),
            flows_refused: self.refused,
            hosts_refused: self.hosts.refused,
            origins_refused: self.origins.refused,
        }));
    }
}

#[cfg(test)]
mod tests;
