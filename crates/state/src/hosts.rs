//! The customers' hosts and what their flows add up to.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;
use units::{Direction, PerDirection, PerSegment};

use crate::flows::{CompactOwner, Span, of_protocol};
use crate::growth::Growth;
use crate::rate::{Interval, Rate};
use crate::reading::{FlowReading, Owner, RttReading};
use crate::resent::Resent;
use crate::rows::LiveRows;
use crate::sample::{ByProtocol, Traffic};

/// A host without flows leaves after this time.
pub const HOST_IDLE_NS: u64 = 300_000_000_000;

/// No host: there was no room.
pub(crate) const NO_HOST: u32 = u32::MAX;

/// RTTs of many flows, as a running mean.
///
/// Each sample moves the mean by an eighth, as in RFC 6298, section 2, towards the smoothed RTT of
/// its flow; n samples at once by n/(n + 7). It follows a change within some ten samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanRtt {
    /// The mean.
    pub smoothed_ns: u64,
    /// The least sample of any of the flows.
    pub min_ns: u64,
    /// How many samples so far; of none there are no RTTs.
    pub samples: u64,
}

impl MeanRtt {
    pub(crate) fn add(&mut self, reading: &RttReading, samples: u32) {
        let (weight, of) = (u128::from(samples), u128::from(reading.smoothed_ns));
        if self.samples == 0 {
            self.smoothed_ns = reading.smoothed_ns;
            self.min_ns = reading.min_ns;
        } else {
            let mean = (u128::from(self.smoothed_ns) * 7 + of * weight) / (weight + 7);
            self.smoothed_ns = mean as u64; // a mean is not larger than the larger of the two
            self.min_ns = self.min_ns.min(reading.min_ns);
        }
        self.samples = self.samples.saturating_add(samples.into());
    }
}

/// One host of the customers' side.
#[derive(Clone, Copy, Debug)]
pub struct HostRow {
    /// Its address.
    pub address: IpAddr,
    pub(crate) owner: CompactOwner,
    /// The tick that `grown` belongs to.
    tick: u32,
    /// Flows in the table.
    pub flows: u32,
    /// Whether it waits to be removed.
    waiting: bool,
    /// The first packet of the first flow that was read.
    pub first_seen_ns: u64,
    /// Its last packet.
    pub last_seen_ns: u64,
    /// Since it was first read.
    pub traffic: PerDirection<ByProtocol<Traffic>>,
    grown: PerDirection<ByProtocol<Traffic>>,
    /// What happened to its TCP segments since it was first read.
    pub resent: PerDirection<Resent>,
    /// RTTs of its flows.
    pub rtt: PerSegment<MeanRtt>,
}

impl HostRow {
    fn new(reading: &FlowReading) -> Self {
        Self {
            address: reading.key.customer,
            owner: reading.owner.into(),
            tick: 0,
            flows: 0,
            waiting: false,
            first_seen_ns: reading.first_seen_ns,
            last_seen_ns: 0,
            traffic: PerDirection::default(),
            grown: PerDirection::default(),
            resent: PerDirection::default(),
            rtt: PerSegment::default(),
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> Owner {
        self.owner.into()
    }

    /// Bytes and packets of all protocols since it was first read.
    pub fn total(&self, direction: Direction) -> Traffic {
        self.traffic[direction].sum()
    }

    pub(crate) fn retransmits_per_sec(
        &self,
        tick: u64,
        interval: Option<Interval>,
        direction: Direction,
    ) -> u64 {
        let interval = interval.filter(|_| self.tick == tick as u32);
        interval.map_or(0, |interval| self.resent[direction].per_sec(interval))
    }

    pub(crate) fn rates(
        &self,
        tick: u64,
        interval: Option<Interval>,
        direction: Direction,
    ) -> ByProtocol<Rate> {
        match interval {
            Some(interval) if self.tick == tick as u32 => {
                interval.rates(&ByProtocol::default(), &self.grown[direction])
            }
            _ => ByProtocol::default(),
        }
    }

    fn add(&mut self, span: Span, reading: &FlowReading, growth: &Growth) {
        let (down, up) = (&reading.streams.down, &reading.streams.up);
        self.owner = reading.owner.into();
        self.last_seen_ns = self.last_seen_ns.max(down.last_seen_ns).max(up.last_seen_ns);
        if span.interval.is_some() && self.tick != span.tick as u32 {
            self.tick = span.tick as u32;
            self.grown = PerDirection::default();
            self.resent.down.begin();
            self.resent.up.begin();
        }
        for direction in Direction::ALL {
            let more = growth.traffic[direction];
            let protocol = reading.key.protocol;
            *of_protocol(&mut self.traffic[direction], protocol) += more;
            if span.interval.is_some() {
                *of_protocol(&mut self.grown[direction], protocol) += more;
            }
            self.resent[direction].add(span, growth, protocol, direction);
        }
        add_rtts(&mut self.rtt.customer, reading.rtt.customer.as_ref(), growth.samples.customer);
        add_rtts(&mut self.rtt.internet, reading.rtt.internet.as_ref(), growth.samples.internet);
    }
}

/// Takes new samples of a flow into a mean.
pub(crate) fn add_rtts(mean: &mut MeanRtt, reading: Option<&RttReading>, samples: u32) {
    if let (Some(reading), 1..) = (reading, samples) {
        mean.add(reading, samples);
    }
}

/// All hosts, never more than its capacity. A row stays where it is as long as its host does.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    pub(crate) rows: LiveRows<Option<HostRow>>,
    index: HashMap<IpAddr, u32>,
    vacant: Vec<u32>,
    /// Hosts whose last flow left, and when, in that order.
    waiting: VecDeque<(u64, u32)>,
    capacity: usize,
    /// Flows that were not counted at their host, as there was no room for it.
    pub(crate) refused: u64,
}

impl HostTable {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.min(NO_HOST as usize), ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Gives hosts to others: `owner_now` tells to whom.
    pub(crate) fn change_owners(&mut self, owner_now: impl Fn(Owner) -> Owner) {
        for index in 0..self.rows.len() {
            let Some(owner) = self.rows[index].as_ref().map(HostRow::owner) else { continue };
            let now = owner_now(owner);
            if let Some(host) = self.rows.row_mut(index).as_mut().filter(|_| now != owner) {
                host.owner = now.into();
            }
        }
    }

    /// Enters a flow at its host and says which that is.
    pub(crate) fn enter(&mut self, reading: &FlowReading) -> u32 {
        let host = match self.index.get(&reading.key.customer) {
            Some(host) => *host,
            None if self.index.len() >= self.capacity => {
                self.refused += 1;
                return NO_HOST;
            }
            None => {
                let row = Some(HostRow::new(reading));
                let host = match self.vacant.pop() {
                    Some(vacant) => {
                        *self.rows.row_mut(vacant as usize) = row;
                        vacant
                    }
                    None => self.rows.push(row) as u32,
                };
                self.index.insert(reading.key.customer, host);
                host
            }
        };
        if let Some(row) = self.row_mut(host) {
            row.flows += 1;
        }
        host
    }

    /// Touches what [`HostTable::add`] will change: see [`crate::flows::FlowTable::look_up`].
    pub(crate) fn look_up(&self, host: u32) {
        if host != NO_HOST
            && let Some(row) = &self.rows[host as usize]
        {
            let (traffic, grown) = (row.traffic.up.tcp.bytes, row.grown.up.tcp.bytes);
            std::hint::black_box((
                row.flows,
                row.traffic.down.tcp,
                traffic,
                row.grown.down.tcp,
                grown,
            ));
            std::hint::black_box((row.resent.down.retransmits, row.rtt.internet.samples));
        }
    }

    pub(crate) fn add(&mut self, host: u32, span: Span, reading: &FlowReading, growth: &Growth) {
        if let Some(row) = self.row_mut(host) {
            row.add(span, reading, growth);
        }
    }

    /// Takes a flow out of its host's.
    pub(crate) fn leave(&mut self, host: u32, now_ns: u64) {
        let Some(row) = self.row_mut(host) else { return };
        row.flows = row.flows.saturating_sub(1);
        if row.flows == 0 && !std::mem::replace(&mut row.waiting, true) {
            self.waiting.push_back((now_ns, host));
        }
    }

    /// Removes hosts that have no flows and were not seen for [`HOST_IDLE_NS`].
    pub(crate) fn expire(&mut self, now_ns: u64) {
        let due = |since_ns: u64| now_ns.saturating_sub(since_ns) >= HOST_IDLE_NS;
        while self.waiting.front().is_some_and(|(since_ns, _)| due(*since_ns)) {
            let Some((_, host)) = self.waiting.pop_front() else { return };
            let Some(row) = self.row_mut(host) else { continue };
            if row.flows > 0 {
                row.waiting = false;
            } else if due(row.last_seen_ns) {
                let address = row.address;
                self.index.remove(&address);
                *self.rows.row_mut(host as usize) = None;
                self.vacant.push(host);
            } else {
                self.waiting.push_back((now_ns, host));
            }
        }
    }

    fn row_mut(&mut self, host: u32) -> Option<&mut HostRow> {
        if host == NO_HOST { None } else { self.rows.row_mut(host as usize).as_mut() }
    }
}
