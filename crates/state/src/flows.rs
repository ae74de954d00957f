//! The flows that are there now.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use hashbrown::{DefaultHashBuilder, HashTable};
use units::{CircuitSlot, Direction, Packets, PerDirection, PerSegment, Segment};

use crate::expiry::{PRESSURE_PERCENT, Phase, Timeouts};
use crate::growth::{Growth, continues, first_growth, growth};
use crate::histogram::RTT_UNIT_NS;
use crate::order::Order;
use crate::origins::OriginId;
use crate::rate::{Interval, Rate};
use crate::reading::{FlowKey, FlowReading, Owner, RttReading, StreamReading};
use crate::resent::TCP;
use crate::rows::LiveRows;
use crate::sample::{ByProtocol, Traffic};

/// One flow, as its last reading left it.
#[derive(Clone, Copy, Debug)]
pub struct FlowRow {
    /// Which.
    pub key: FlowKey,
    pub(crate) slot: CompactOwner,
    /// Whose address the other end is.
    pub origin: OriginId,
    /// The tick that its rates belong to.
    tick: u32,
    /// Its first packet, on the monotonic clock.
    pub first_seen_ns: u64,
    /// Its two directions. Counters are since it began.
    pub streams: PerDirection<StreamReading>,
    rates: PerDirection<Rate>,
    /// TCP segments that were sent again, a second, in the same tick.
    resent_per_sec: PerDirection<u32>,
    pub(crate) rtt: PerSegment<CompactRtt>,
}

/// An [`Owner`] in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompactOwner(u32);

impl From<Owner> for CompactOwner {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Circuit(slot) => Self(slot.get()),
            Owner::Unknown => Self(u32::MAX),
        }
    }
}

impl From<CompactOwner> for Owner {
    fn from(CompactOwner(slot): CompactOwner) -> Self {
        if slot == u32::MAX { Self::Unknown } else { Self::Circuit(CircuitSlot::new(slot)) }
    }
}

/// A reading of RTTs in 16 bytes: in the kernel's units, with no samples when there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompactRtt {
    last: u32,
    min: u32,
    smoothed: u32,
    pub(crate) samples: u32,
}

impl From<Option<RttReading>> for CompactRtt {
    fn from(reading: Option<RttReading>) -> Self {
        let units = |ns: u64| u32::try_from(ns / RTT_UNIT_NS).unwrap_or(u32::MAX);
        reading.map_or_else(Self::default, |rtt| Self {
            last: units(rtt.last_ns),
            min: units(rtt.min_ns),
            smoothed: units(rtt.smoothed_ns),
            samples: rtt.samples,
        })
    }
}

impl From<CompactRtt> for Option<RttReading> {
    fn from(rtt: CompactRtt) -> Self {
        let ns = |units: u32| u64::from(units) * RTT_UNIT_NS;
        (rtt.samples > 0).then(|| RttReading {
            last_ns: ns(rtt.last),
            min_ns: ns(rtt.min),
            smoothed_ns: ns(rtt.smoothed),
            samples: rtt.samples,
        })
    }
}

impl FlowRow {
    /// Whose it is.
    pub fn owner(&self) -> Owner {
        self.slot.into()
    }

    /// Its rate in the tick of a snapshot: nothing when it was not read anew in that tick, as then
    /// no packet came.
    pub fn rate(&self, tick: u64, direction: Direction) -> Rate {
        if self.tick == tick as u32 { self.rates[direction] } else { Rate::default() }
    }

    /// The RTTs of a segment; none where there was no sample.
    pub fn rtt(&self, segment: Segment) -> Option<RttReading> {
        self.rtt[segment].into()
    }

    /// TCP segments that were sent again, a second, in the tick of a snapshot.
    pub fn retransmits_per_sec(&self, tick: u64, direction: Direction) -> u64 {
        if self.tick == tick as u32 { self.resent_per_sec[direction].into() } else { 0 }
    }

    /// Its last packet in either direction, on the monotonic clock.
    pub fn last_seen_ns(&self) -> u64 {
        self.streams.down.last_seen_ns.max(self.streams.up.last_seen_ns)
    }

    /// Percent of the direction's packets that were sent again since it began; none for other
    /// protocols than TCP, and where there were none.
    pub fn retransmit_share_percent(&self, direction: Direction) -> Option<f64> {
        self.streams[direction].retransmit_share_percent(self.key.protocol)
    }
}

impl StreamReading {
    /// Percent of the packets that were sent again; none for other protocols than TCP, and of none.
    pub fn retransmit_share_percent(&self, protocol: u8) -> Option<f64> {
        let any = protocol == TCP && self.traffic.packets != Packets::default();
        any.then(|| share_percent(self.retransmits.into(), self.traffic.packets))
    }
}

/// Percent of `packets`; 0 of none, never above 100.
pub(crate) fn share_percent(count: u64, packets: Packets) -> f64 {
    if packets.get() == 0 { 0.0 } else { (count as f64 * 100.0 / packets.get() as f64).min(100.0) }
}

/// Why a flow left the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says itself")]
pub enum Ending {
    Finished,
    Reset,
    Idle,
    /// The kernel began it anew under the same key.
    Replaced,
}

/// A flow that left, and where it was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) row: FlowRow,
    pub(crate) host: u32,
    pub(crate) ending: Ending,
}

/// What became of a reading.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is this row now, and was there before.
    Known { row: usize, host: u32, growth: Growth },
    /// It was not there before, or it was another flow of the same key. Host and origin are to be
    /// set with [`FlowTable::settle`].
    New { row: usize, growth: Growth, replaced: Option<Box<Gone>> },
    /// There is no room.
    Full,
}

/// What expiry looks at, apart from the rows so that it reads little: 16 bytes a flow.
#[derive(Clone, Copy, Debug)]
struct Activity {
    last_seen_ns: u64,
    host: u32,
    phase: Phase,
}

/// Where a flow was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    row: Option<u32>,
    pub(crate) host: u32,
}

/// The hot cache of flows: one writer, rows shared with snapshots, never more than its capacity.
#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    pub(crate) rows: LiveRows<FlowRow>,
    activities: Vec<Activity>,
    order: Order,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    capacity: usize,
}

/// The time that a reading covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) tick: u64,
    /// None when no rates can be made.
    pub(crate) interval: Option<Interval>,
    /// When the reading before was taken; none before the first.
    pub(crate) before_ns: Option<u64>,
}

impl FlowTable {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.min(u32::MAX as usize), ..Self::default() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Looks the flow up and touches what [`FlowTable::take`] will change of it. Nearly all of the
    /// cost of a reading is waiting for memory; looking many up before the first is taken lets these
    /// waits overlap.
    pub(crate) fn look_up(&mut self, key: &FlowKey) -> Place {
        let guess = self.order.guess();
        let row = match self.rows.get(guess as usize) {
            Some(row) if row.key == *key => Some(guess),
            _ => self.find(key),
        };
        let Some(row) = row else { return Place { row: None, host: u32::MAX } };
        self.order.follow(row);
        let host = self.activities[row as usize].host;
        let flow = &self.rows[row as usize];
        std::hint::black_box((flow.streams.up.last_seen_ns, flow.rtt.internet.samples));
        Place { row: Some(row), host }
    }

    fn find(&self, key: &FlowKey) -> Option<u32> {
        let same = |index: &u32| self.rows[*index as usize].key == *key;
        self.index.find(hash_of(&self.hasher, key), same).copied()
    }

    /// The flow that is looked up next is the first of a reading.
    pub(crate) fn begin_reading(&mut self) {
        self.order.begin();
    }

    /// `place` is what was found for the reading's key since the last expiry.
    pub(crate) fn take(&mut self, span: Span, place: Place, reading: &FlowReading) -> Taken {
        let activity = Activity {
            last_seen_ns: reading.streams.down.last_seen_ns.max(reading.streams.up.last_seen_ns),
            host: u32::MAX,
            phase: Phase::of(&reading.key, &reading.streams),
        };
        // a flow that is read twice in a row was not there when it was looked up
        if let Some(index) = place.row.or_else(|| self.find(&reading.key)) {
            let index = index as usize;
            let host = self.activities[index].host;
            let row = self.rows.row_mut(index);
            if continues(row, reading) {
                self.activities[index] = Activity { host, ..activity };
                let growth = growth(row, reading);
                row.take(span, reading, &growth);
                return Taken::Known { row: index, host, growth };
            }
            let gone = Gone { row: *row, host, ending: Ending::Replaced };
            self.activities[index] = activity;
            let growth = first_growth(span, reading);
            row.take(span, reading, &growth);
            return Taken::New { row: index, growth, replaced: Some(Box::new(gone)) };
        }
        if self.rows.len() >= self.capacity {
            return Taken::Full;
        }
        let mut row = FlowRow::new(reading);
        let growth = first_growth(span, reading);
        row.take(span, reading, &growth);
        let index = self.rows.push(row);
        self.activities.push(activity);
        self.order.push();
        let (rows, hasher) = (&self.rows, &self.hasher);
        let hash = hash_of(hasher, &reading.key);
        self.index
            .insert_unique(hash, index as u32, |index| hash_of(hasher, &rows[*index as usize].key));
        Taken::New { row: index, growth, replaced: None }
    }

    /// Gives flows to others: `owner_now` tells to whom.
    pub(crate) fn change_owners(&mut self, owner_now: impl Fn(Owner) -> Owner) {
        for index in 0..self.rows.len() {
            let owner = self.rows[index].owner();
            let now = owner_now(owner);
            if now != owner {
                self.rows.row_mut(index).slot = now.into();
            }
        }
    }

    /// Says where a new flow is counted.
    pub(crate) fn settle(&mut self, row: usize, host: u32, origin: OriginId) {
        self.activities[row].host = host;
        self.rows.row_mut(row).origin = origin;
    }

    /// Removes what has been silent for too long and hands each to `leave`.
    pub(crate) fn expire(&mut self, now_ns: u64, timeouts: &Timeouts, mut leave: impl FnMut(Gone)) {
        let pressed = self.rows.len() * 100 > self.capacity * PRESSURE_PERCENT;
        let timeouts = if pressed { timeouts.under_pressure() } else { *timeouts };
        // from the end: what takes the place of a removed row was looked at already
        for row in (0..self.activities.len()).rev() {
            let Activity { last_seen_ns, phase, .. } = self.activities[row];
            if now_ns.saturating_sub(last_seen_ns) >= timeouts.of(phase) {
                let ending = match phase {
                    Phase::Finished => Ending::Finished,
                    Phase::Reset => Ending::Reset,
                    _ => Ending::Idle,
                };
                leave(self.remove(row, ending));
            }
        }
    }

    fn remove(&mut self, row: usize, ending: Ending) -> Gone {
        let last = self.rows.len() - 1;
        self.unindex(row);
        if last != row {
            let hash = hash_of(&self.hasher, &self.rows[last].key);
            if let Some(moved) = self.index.find_mut(hash, |index| *index as usize == last) {
                *moved = row as u32;
            }
        }
        self.order.swap_remove(row);
        let activity = self.activities.swap_remove(row);
        Gone { row: self.rows.swap_remove(row), host: activity.host, ending }
    }

    fn unindex(&mut self, row: usize) {
        let hash = hash_of(&self.hasher, &self.rows[row].key);
        if let Ok(entry) = self.index.find_entry(hash, |index| *index as usize == row) {
            entry.remove();
        }
    }
}

impl FlowRow {
    pub(crate) fn new(reading: &FlowReading) -> Self {
        Self {
            key: reading.key,
            slot: reading.owner.into(),
            origin: OriginId::UNKNOWN,
            tick: 0,
            first_seen_ns: reading.first_seen_ns,
            streams: PerDirection::default(),
            rates: PerDirection::default(),
            resent_per_sec: PerDirection::default(),
            rtt: PerSegment::default(),
        }
    }

    fn take(&mut self, span: Span, reading: &FlowReading, growth: &Growth) {
        if let Some(interval) = span.interval {
            self.tick = span.tick as u32;
            self.rates = growth.traffic.map(|traffic| interval.rate(Traffic::default(), traffic));
            let per_sec = |resent| u32::try_from(interval.per_sec(resent)).unwrap_or(u32::MAX);
            self.resent_per_sec = growth.retransmits.map(per_sec);
        }
        self.slot = reading.owner.into();
        self.first_seen_ns = reading.first_seen_ns;
        self.streams = reading.streams;
        self.rtt = PerSegment {
            customer: reading.rtt.customer.into(),
            internet: reading.rtt.internet.into(),
        };
    }
}

/// The traffic's place among the protocols.
pub(crate) fn of_protocol<T>(by: &mut ByProtocol<T>, protocol: u8) -> &mut T {
    match protocol {
        6 => &mut by.tcp,
        17 => &mut by.udp,
        1 | 58 => &mut by.icmp,
        _ => &mut by.other,
    }
}

/// Addresses as numbers: hashing them as they are costs several times as much.
fn hash_of(hasher: &DefaultHashBuilder, key: &FlowKey) -> u64 {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let ports = u64::from(key.customer_port) << 16 | u64::from(key.internet_port);
    let mut hash = hasher.build_hasher();
    hash.write_u128(number(key.customer));
    hash.write_u128(number(key.internet));
    hash.write_u64(ports << 8 | u64::from(key.protocol));
    hash.finish()
}
