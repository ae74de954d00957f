//! The table in which the programs keep flows: `ebpf/flow_table.bpf.h`, seen from userspace.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem::offset_of;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use abi::{FlowState, Protocol};
use libbpf_rs::Object;

use super::DatapathError;
use super::load::mapped;
use super::mapped::Mapped;

const WORD: usize = size_of::<u64>();
/// Places of a bucket, a word each.
const PLACES: usize = size_of::<abi::FlowBucket>() / WORD;
/// The word of a key that has the protocol.
const PORTS: usize = offset_of!(abi::FlowKey, customer_port) / WORD;

/// IANA's number.
const ICMP_V6: u8 = 58;

/// Longer than a packet takes through the programs.
const GRACE: Duration = Duration::from_millis(20);

const ROW_MASK: u64 = (abi::FLOWS_MAX as u64 - 1) << abi::PLACE_ROW_AT;

/// The size of the table, and what spreads flows over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) rows: u32,
    pub(super) buckets: u32,
    pub(super) seed: u64,
}

/// The table. Programs add to it while it is read.
#[derive(Debug)]
pub(super) struct FlowTable {
    shape: Shape,
    index: Mapped<abi::FlowBucket>,
    flows: Mapped<abi::Flow>,
    histories: Mapped<abi::FlowHistory>,
    keys: Mapped<abi::FlowKey>,
    free_rows: Mapped<u64>,
    stock: Mapped<abi::Stock>,
}

/// A place of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId {
    bucket: usize,
    place: usize,
}

/// A flow, as it is sought: the same as in `fill_sought`.
#[derive(Clone, Copy, Debug)]
struct Sought {
    /// What its streams have.
    ends: u64,
    /// What a live flow has in its place, but for the row.
    place: u64,
    buckets: [usize; 2],
}

impl Shape {
    /// For so many flows, with half as many places besides. Of a thousand new flows some 40 find no
    /// place when all rows but one are in use, and less than one when two thirds are.
    pub(super) fn new(flows: u32) -> Self {
        let rows = flows.clamp(1, abi::FLOWS_MAX);
        let buckets = (3 * rows / 2).div_ceil(PLACES as u32);
        Self { rows, buckets, seed: RandomState::new().build_hasher().finish() }
    }

    /// The same arithmetic as in `fill_sought`.
    fn sought(self, key: &abi::FlowKey) -> Sought {
        let ipv4 = |address: abi::Address| Ipv6Addr::from(address.bytes).to_ipv4_mapped();
        let raw = |address: Ipv4Addr| u64::from(u32::from_ne_bytes(address.octets()));
        let (ends, is_ipv6) = match (ipv4(key.customer), ipv4(key.internet)) {
            (Some(customer), Some(internet)) => (raw(internet) << 32 | raw(customer), false),
            _ => (self.digest(key), true),
        };
        let (protocol, is_crossed) = match key.protocol {
            6 => (Protocol::Tcp, false),
            17 => (Protocol::Udp, false),
            number => (Protocol::Icmp, (number == ICMP_V6) != is_ipv6),
        };
        let ports = u64::from(key.internet_port) << 16 | u64::from(key.customer_port);
        let bare = ports
            | (protocol as u64) << abi::PLACE_PROTOCOL_AT
            | u64::from(is_ipv6) << abi::PLACE_IPV6_AT
            | u64::from(is_crossed) << abi::PLACE_CROSSED_AT
            | (FlowState::Live as u64) << abi::PLACE_STATE_AT;
        let veil = mix(ends ^ self.seed, abi::FLOW_MIX);
        let place = bare ^ u64::from(veil as u32);
        let hash = mix(mix(veil ^ bare, abi::FLOW_MIX_AGAIN), abi::FLOW_MIX);
        let buckets = [hash >> 32, u64::from(hash as u32)]
            .map(|half| ((half * u64::from(self.buckets)) >> 32) as usize);
        Sought { ends, place, buckets }
    }

    /// The same as in `digest_ends`.
    fn digest(self, key: &abi::FlowKey) -> u64 {
        let halves: [[u64; 2]; 2] =
            [key.customer, key.internet].map(|address| bytemuck::cast(address.bytes));
        halves.as_flattened().iter().fold(self.seed, |digest, half| {
            mix(digest ^ half, abi::FLOW_MIX).wrapping_add(self.seed)
        })
    }
}

/// The same as `mix` there.
const fn mix(hash: u64, multiplier: u64) -> u64 {
    let product = hash.wrapping_mul(multiplier);
    product ^ product >> 32
}

impl FlowTable {
    /// The table of programs that were loaded with this shape.
    pub(super) fn new(object: &Object, shape: Shape) -> Result<Self, DatapathError> {
        let rows = shape.rows as usize;
        Ok(Self {
            shape,
            index: mapped(object, "tg_flow_index", shape.buckets as usize)?,
            flows: mapped(object, "tg_flows", rows)?,
            histories: mapped(object, "tg_histories", rows)?,
            keys: mapped(object, "tg_flow_keys", rows)?,
            free_rows: mapped(object, "tg_free_rows", rows)?,
            stock: mapped(object, "tg_stock", 1)?,
        })
    }

    /// Gives the programs all rows. Before that they have none.
    pub(super) fn open(&self) {
        // the last that are added are the first to be used
        (0..self.rows()).rev().for_each(|row| self.add_free(row));
    }

    /// Mends what a reader left that ended in the midst of its work, while the programs go on: what it
    /// had taken out, and rows that neither a flow nor the stack has.
    pub(super) fn recover(&self) {
        let (leaving, lost) = (self.leaving(), self.lost_rows());
        // longer than a packet is on its way, or a flow in the making
        thread::sleep(GRACE);
        let still_lost = self.lost_rows();
        for id in leaving {
            self.place(id).store(0, Ordering::Release);
        }
        for row in lost.intersection(&still_lost) {
            self.keys.word(*row, PORTS).store(0, Ordering::Release);
            self.flows.write(*row, &abi::Flow::default());
            self.add_free(*row);
        }
    }

    /// Places of flows that were taken out.
    fn leaving(&self) -> Vec<PlaceId> {
        let is_leaving = |id: &PlaceId| {
            self.place(*id).load(Ordering::Acquire) >> abi::PLACE_STATE_AT
                == FlowState::Leaving as u64
        };
        self.places().filter(is_leaving).collect()
    }

    /// Rows that neither a flow nor the stack has. Some may be on their way from one to the other.
    fn lost_rows(&self) -> BTreeSet<usize> {
        let mut lost: BTreeSet<_> = (0..self.rows()).collect();
        for entry in 0..self.free_rows() {
            lost.remove(&(self.free_rows.word(entry, 0).load(Ordering::Acquire) as usize));
        }
        for id in self.places() {
            let place = self.place(id).load(Ordering::Acquire);
            if place >> abi::PLACE_STATE_AT == FlowState::Live as u64 {
                lost.remove(&(((place & ROW_MASK) >> abi::PLACE_ROW_AT) as usize));
            }
        }
        lost
    }

    fn places(&self) -> impl Iterator<Item = PlaceId> + use<> {
        let buckets = self.shape.buckets as usize;
        (0..buckets).flat_map(|bucket| (0..PLACES).map(move |place| PlaceId { bucket, place }))
    }

    /// Rows that no flow has.
    pub(super) fn free_rows(&self) -> usize {
        self.stock.read(0).rows as usize
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.flows.rows()
    }

    /// Packets of both directions together, as far as 32 bits tell: they differ when some came.
    pub(super) fn packets(&self, row: usize) -> u32 {
        const PACKETS: usize = offset_of!(abi::Stream, packets) / WORD;
        const STREAM: usize = size_of::<abi::Stream>() / WORD;
        let of = |stream: usize| self.flows.word(row, stream * STREAM + PACKETS);
        let [down, up] = [of(0), of(1)].map(|packets| packets.load(Ordering::Acquire));
        down.wrapping_add(up) as u32
    }

    /// The ends of the flow in this row; none where there is no flow.
    pub(super) fn key(&self, row: usize) -> Option<abi::FlowKey> {
        let key = self.keys.read(row);
        (key.protocol != 0).then_some(key)
    }

    /// The flow in this row.
    pub(super) fn read(&self, row: usize) -> abi::Flow {
        self.flows.read(row)
    }

    /// What is remembered of it besides.
    pub(super) fn history(&self, row: usize) -> abi::FlowHistory {
        self.histories.read(row)
    }

    /// The place and the row of a flow.
    pub(super) fn find(&self, key: &abi::FlowKey) -> Option<(PlaceId, usize)> {
        let sought = self.shape.sought(key);
        places_of(&sought).find_map(|id| {
            let place = self.place(id).load(Ordering::Acquire);
            let row = ((place & ROW_MASK) >> abi::PLACE_ROW_AT) as usize;
            (place & !ROW_MASK == sought.place && self.key(row) == Some(*key)).then_some((id, row))
        })
    }

    /// Writes a flow, where the programs would; false when there is no room for it.
    pub(super) fn write(
        &self,
        key: &abi::FlowKey,
        flow: abi::Flow,
        history: &abi::FlowHistory,
    ) -> bool {
        let sought = self.shape.sought(key);
        let streams = flow.streams.map(|stream| abi::Stream { ends: sought.ends, ..stream });
        let write = |row| {
            self.flows.write(row, &abi::Flow { streams });
            self.histories.write(row, history);
        };
        if let Some((_, row)) = self.find(key) {
            write(row);
            return true;
        }
        let is_free = |id: &PlaceId| self.place(*id).load(Ordering::Acquire) == 0;
        let Some(id) = places_of(&sought).find(is_free) else { return false };
        let Some(row) = self.take_free() else { return false };
        write(row);
        self.keys.write(row, key);
        let place = sought.place | (row as u64) << abi::PLACE_ROW_AT;
        self.place(id).store(place, Ordering::Release);
        true
    }

    /// Takes a flow out. Its place and row stay taken until they are freed.
    pub(super) fn take_out(&self, id: PlaceId) {
        let leaving = (FlowState::Leaving as u64) << abi::PLACE_STATE_AT;
        self.place(id).store(leaving, Ordering::Release);
    }

    /// Lets the programs use place and row again. The row says that no packet came.
    pub(super) fn free(&self, id: PlaceId, row: usize) {
        self.keys.word(row, PORTS).store(0, Ordering::Release);
        self.flows.write(row, &abi::Flow::default());
        self.place(id).store(0, Ordering::Release);
        self.add_free(row);
    }

    fn place(&self, PlaceId { bucket, place }: PlaceId) -> &AtomicU64 {
        self.index.word(bucket, place)
    }

    /// Puts a row onto the stack, while programs take others from it.
    fn add_free(&self, row: usize) {
        let word = self.stock.word(0, 0);
        let mut seen = word.load(Ordering::Acquire);
        loop {
            let stock: abi::Stock = bytemuck::cast(seen);
            self.free_rows.word(stock.rows as usize, 0).store(row as u64, Ordering::Release);
            let more =
                abi::Stock { rows: stock.rows + 1, additions: stock.additions.wrapping_add(1) };
            match word.compare_exchange(
                seen,
                bytemuck::cast(more),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    fn take_free(&self) -> Option<usize> {
        let word = self.stock.word(0, 0);
        let mut seen = word.load(Ordering::Acquire);
        loop {
            let stock: abi::Stock = bytemuck::cast(seen);
            let last = stock.rows.checked_sub(1)?;
            let row = self.free_rows.word(last as usize, 0).load(Ordering::Acquire);
            let fewer = abi::Stock { rows: last, ..stock };
            match word.compare_exchange(
                seen,
                bytemuck::cast(fewer),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(row as usize),
                Err(now) => seen = now,
            }
        }
    }
}

/// Where a flow may be.
fn places_of(sought: &Sought) -> impl Iterator<Item = PlaceId> + use<> {
    let places = |bucket| (0..PLACES).map(move |place| PlaceId { bucket, place });
    sought.buckets.into_iter().flat_map(places)
}

#[cfg(test)]
mod in_kernel;
#[cfg(test)]
mod spread;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(customer: &str, protocol: u8) -> abi::FlowKey {
        let address = |text: &str| text.parse::<std::net::IpAddr>().unwrap().into();
        let internet = if customer.contains(':') { "2001:db8::1" } else { "203.0.113.1" };
        abi::FlowKey {
            customer: address(customer),
            internet: address(internet),
            customer_port: 77,
            protocol,
            ..abi::FlowKey::default()
        }
    }

    #[test]
    fn tables_of_every_size_have_a_place_for_each_row() {
        for flows in [0, 1, 7, 1024, 131_072, 16_000_000, u32::MAX] {
            let shape = Shape::new(flows);
            assert_eq!(shape.rows, flows.clamp(1, abi::FLOWS_MAX), "{flows}");
            assert!(shape.buckets as usize * PLACES >= shape.rows as usize, "{flows}");
            for customer in ["100.64.0.1", "255.255.255.255", "2001:db8:1::7"] {
                let buckets = shape.sought(&key(customer, 17)).buckets;
                assert!(buckets.iter().all(|bucket| *bucket < shape.buckets as usize), "{flows}");
            }
        }
    }

    #[test]
    fn what_differs_in_anything_has_another_place() {
        let shape = Shape::new(1024);
        let keys = ["100.64.0.1", "100.64.0.2", "2001:db8:1::7", "2001:db8:1::8"]
            .map(|customer| [1, 6, 17, 58].map(|protocol| key(customer, protocol)));
        let mut places: Vec<_> = keys
            .as_flattened()
            .iter()
            .map(|key| shape.sought(key))
            .map(|sought| (sought.ends, sought.place))
            .collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 16);
    }

    #[test]
    fn nobody_knows_which_long_addresses_have_the_same_digest() {
        let [one, other] = [1, 2].map(|seed| Shape { seed, ..Shape::new(1024) });
        // without the seed in each step this pair would have the same digest under any
        let first = key("2001:db8:1::7", 17);
        let halves: [u64; 2] = bytemuck::cast(first.customer.bytes);
        let collides = |shape: Shape, changed: u64| {
            // another first half, and a second half that makes up for it
            let step = |half: u64| mix(shape.seed ^ half, abi::FLOW_MIX).wrapping_add(shape.seed);
            let second = step(halves[0]) ^ halves[1] ^ step(changed);
            abi::FlowKey {
                customer: abi::Address { bytes: bytemuck::cast([changed, second]) },
                ..first
            }
        };
        let made = collides(one, 0x1234);
        assert_eq!(one.digest(&made), one.digest(&first), "the pair is made for this seed");
        assert_ne!(other.digest(&made), other.digest(&first));
    }
}
