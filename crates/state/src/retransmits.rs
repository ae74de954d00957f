//! Retransmissions of the last five minutes, by flow and by host.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use units::{Direction, PerDirection};

use crate::reading::{FlowKey, Owner, RetransmitReading};
use crate::ring::Ring;

/// The time that one slice takes.
const SLICE_NS: u64 = 30_000_000_000;
/// The slices that are kept: the one that is being filled and those before it.
const SLICES: usize = 10;

/// How often a flow or a host had segments sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetransmitTally<K> {
    /// Which flow or host.
    pub of: K,
    /// Whose it was at the last event.
    pub owner: Owner,
    /// The last event.
    pub last_seen_ns: u64,
    /// Segments of the last five minutes: of the slice of 30 s that is being filled and of the nine
    /// before it.
    pub segments: PerDirection<u64>,
}

/// Retransmissions as a snapshot shows them. Events that the kernel's ring had no room for are in
/// the counters of flows and circuits, but not here.
#[derive(Clone, Debug, Default)]
pub struct Retransmits {
    /// The newest events, the oldest first.
    pub events: Ring<RetransmitReading>,
    /// By flow, in no order.
    pub flows: Arc<[RetransmitTally<FlowKey>]>,
    /// By the customer's host, in no order.
    pub hosts: Arc<[RetransmitTally<IpAddr>]>,
    /// Events that are missing from `flows`, as there was no room for another flow.
    pub flows_refused: u64,
    /// Events that are missing from `hosts`, likewise.
    pub hosts_refused: u64,
}

/// Collates events. Each map holds at most its capacity; what is over is counted.
#[derive(Debug)]
pub(crate) struct RetransmitLog {
    events: Ring<RetransmitReading>,
    flows: Collation<FlowKey>,
    hosts: Collation<IpAddr>,
    newest: u64,
    changed: bool,
    published: Retransmits,
}

#[derive(Debug)]
struct Collation<K> {
    tallies: HashMap<K, Slices>,
    capacity: usize,
    refused: u64,
}

/// Segments of one flow or host by slice.
#[derive(Clone, Copy, Debug)]
struct Slices {
    owner: Owner,
    last_seen_ns: u64,
    newest: u64,
    segments: [PerDirection<u32>; SLICES],
}

impl RetransmitLog {
    pub(crate) fn new(events: usize, flows: usize, hosts: usize) -> Self {
        Self {
            events: Ring::with_capacity(events),
            flows: Collation::new(flows),
            hosts: Collation::new(hosts),
            newest: 0,
            changed: false,
            published: Retransmits::default(),
        }
    }

    pub(crate) fn add(&mut self, event: &RetransmitReading) {
        self.newest = self.newest.max(event.seen_ns / SLICE_NS);
        self.flows.add(event.flow, event, self.newest);
        self.hosts.add(event.flow.customer, event, self.newest);
        self.events.push(*event);
        self.changed = true;
    }

    /// What there is, made anew only when it has changed.
    pub(crate) fn publish(&mut self, now_ns: u64) -> Retransmits {
        let newest = self.newest.max(now_ns / SLICE_NS);
        if std::mem::take(&mut self.changed) || newest != self.newest {
            self.newest = newest;
            let oldest = newest.saturating_sub(SLICES as u64 - 1) * SLICE_NS;
            self.events.expire(|event| event.seen_ns < oldest);
            self.published = Retransmits {
                events: self.events.clone(),
                flows: self.flows.publish(newest),
                hosts: self.hosts.publish(newest),
                flows_refused: self.flows.refused,
                hosts_refused: self.hosts.refused,
            };
        }
        self.published.clone()
    }
}

impl<K: Copy + Eq + Hash> Collation<K> {
    fn new(capacity: usize) -> Self {
        Self { tallies: HashMap::default(), capacity, refused: 0 }
    }

    fn add(&mut self, key: K, event: &RetransmitReading, newest: u64) {
        if self.tallies.len() >= self.capacity && !self.tallies.contains_key(&key) {
            self.refused += 1;
            return;
        }
        self.tallies.entry(key).or_insert_with(|| Slices::new(event, newest)).add(event, newest);
    }

    fn publish(&mut self, newest: u64) -> Arc<[RetransmitTally<K>]> {
        self.tallies.retain(|_, slices| {
            slices.advance(newest);
            slices.sum() != PerDirection::default()
        });
        let tally = |(of, slices): (&K, &Slices)| RetransmitTally {
            of: *of,
            owner: slices.owner,
            last_seen_ns: slices.last_seen_ns,
            segments: slices.sum(),
        };
        self.tallies.iter().map(tally).collect()
    }
}

impl Slices {
    fn new(event: &RetransmitReading, newest: u64) -> Self {
        Self {
            owner: event.owner,
            last_seen_ns: event.seen_ns,
            newest,
            segments: [PerDirection::default(); SLICES],
        }
    }

    /// An event that comes late counts in its own slice if that is still kept.
    fn add(&mut self, event: &RetransmitReading, newest: u64) {
        self.advance(newest);
        let slice = event.seen_ns / SLICE_NS;
        if newest - slice < SLICES as u64 {
            let segments = &mut self.segments[slice as usize % SLICES][event.direction];
            *segments = segments.saturating_add(1);
        }
        self.owner = event.owner;
        self.last_seen_ns = self.last_seen_ns.max(event.seen_ns);
    }

    fn advance(&mut self, newest: u64) {
        let passed = newest.saturating_sub(self.newest).min(SLICES as u64);
        for slice in (newest + 1 - passed.min(newest + 1))..=newest {
            if slice > self.newest {
                self.segments[slice as usize % SLICES] = PerDirection::default();
            }
        }
        self.newest = self.newest.max(newest);
    }

    fn sum(&self) -> PerDirection<u64> {
        PerDirection::from_fn(|direction: Direction| {
            self.segments.iter().map(|slice| u64::from(slice[direction])).sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn event(seconds: u64, host: u8, port: u16) -> RetransmitReading {
        RetransmitReading {
            seen_ns: seconds * SECOND,
            flow: FlowKey {
                customer: Ipv4Addr::new(100, 64, 0, host).into(),
                internet: Ipv4Addr::new(192, 0, 2, 1).into(),
                customer_port: port,
                internet_port: 443,
                protocol: 6,
            },
            owner: Owner::Unknown,
            direction: if port.is_multiple_of(2) { Direction::Download } else { Direction::Upload },
            sequence: 1,
            length: 1448,
        }
    }

    fn sum<K>(tallies: &[RetransmitTally<K>]) -> (u64, u64) {
        tallies
            .iter()
            .fold((0, 0), |(down, up), tally| (down + tally.segments.down, up + tally.segments.up))
    }

    #[test]
    fn events_are_collated_for_five_minutes() {
        let mut log = RetransmitLog::new(10, 10, 10);
        for (seconds, host, port) in [(5, 1, 10), (6, 1, 11), (7, 2, 10), (100, 2, 10)] {
            log.add(&event(seconds, host, port));
        }
        let all = log.publish(101 * SECOND);
        assert_eq!((all.flows.len(), all.hosts.len(), all.events.len()), (3, 2, 4));
        assert_eq!((sum(&all.flows), sum(&all.hosts)), ((3, 1), (3, 1)));
        let later = log.publish(301 * SECOND);
        assert_eq!((later.flows.len(), sum(&later.hosts), later.events.len()), (1, (1, 0), 1));
        assert_eq!(log.publish(400 * SECOND).hosts.len(), 0);
        assert_eq!(all.flows.len(), 3, "what was published stays as it was");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut log = RetransmitLog::new(5, 3, 2);
        (0..10).for_each(|n| log.add(&event(1, n, 2)));
        let all = log.publish(SECOND);
        assert_eq!((all.flows.len(), all.flows_refused), (3, 7));
        assert_eq!((all.hosts.len(), all.hosts_refused), (2, 8));
        assert_eq!((all.events.len(), all.events.pushed_out()), (5, 5));
    }

    proptest! {
        #[test]
        fn a_tally_is_the_number_of_its_events(
            events in prop::collection::vec((0u64..40, 0u8..4, 0u16..4), 1..100)
        ) {
            let mut log = RetransmitLog::new(1_000, 1_000, 1_000);
            let (mut now, mut all) = (0, Vec::new());
            for (pause, host, port) in events {
                now += pause;
                log.add(&event(now, host, port));
                all.push((now, host));
            }
            let kept = |(seconds, _): &&(u64, u8)| now / 30 - seconds / 30 < 10;
            let published = log.publish(now * SECOND);
            let (down, up) = sum(&published.hosts);
            prop_assert_eq!(down + up, all.iter().filter(kept).count() as u64);
            prop_assert_eq!(sum(&published.flows), (down, up));
            prop_assert_eq!(published.events.len() as u64, down + up);
        }
    }
}
