//! The table in which the programs keep flows: `ebpf/flow_table.bpf.h`, seen from userspace.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::Ipv6Addr;
use std::sync::atomic::Ordering;

use abi::FlowState;
use libbpf_rs::Object;

use super::load::mapped;
use super::mapped::Mapped;
use super::{DatapathError, MapSizes};

/// Places of a bucket.
const PLACES: usize = size_of::<abi::FlowBucket>() / size_of::<abi::FlowPlace>();
/// Words of a place: the ends, and the rest with the state.
const WORDS: usize = size_of::<abi::FlowPlace>() / size_of::<u64>();
const ENDS: usize = 0;
const REST: usize = 1;

/// The size of the table, and what spreads flows over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) buckets: u32,
    pub(super) seed: u64,
}

/// The table. Programs add to it while it is read.
#[derive(Debug)]
pub(super) struct FlowTable {
    index: Mapped<abi::FlowBucket>,
    rows: Mapped<abi::Flow>,
    addresses: Mapped<abi::FlowAddresses>,
    shape: Shape,
}

impl Shape {
    /// For so many flows, with half as many places besides: of a thousand new flows some 20 find
    /// none when so many are there already, and next to none when they are a tenth fewer.
    pub(super) fn new(flows: u32) -> Self {
        let places = u64::from(flows.max(1)) * 3 / 2;
        let buckets = places.div_ceil(PLACES as u64);
        let seed = RandomState::new().build_hasher().finish();
        Self { buckets: u32::try_from(buckets).unwrap_or(u32::MAX), seed }
    }

    /// Rows of the table.
    pub(super) const fn rows(self) -> u32 {
        self.buckets.saturating_mul(PLACES as u32)
    }

    /// Both buckets of a flow: the same arithmetic as in `fill_sought`.
    fn buckets(self, place: &abi::FlowPlace) -> [usize; 2] {
        let ports = place.customer_port.to_ne_bytes();
        let [c0, c1] = ports;
        let [i0, i1] = place.internet_port.to_ne_bytes();
        let ports = u64::from_le_bytes([c0, c1, i0, i1, place.protocol, 0, 0, 0]);
        let hash = (place.ends ^ self.seed).wrapping_mul(abi::FLOW_MIX);
        let hash = (hash ^ hash >> 32 ^ ports).wrapping_mul(abi::FLOW_MIX_AGAIN);
        let hash = hash ^ hash >> 32;
        [hash >> 32, hash & 0xffff_ffff]
            .map(|half| ((half * u64::from(self.buckets)) >> 32) as usize)
    }
}

impl FlowTable {
    pub(super) fn new(object: &Object, sizes: &MapSizes, seed: u64) -> Result<Self, DatapathError> {
        let shape = Shape { seed, ..Shape::new(sizes.flows) };
        let rows = shape.rows() as usize;
        Ok(Self {
            index: mapped(object, "tg_flow_index", shape.buckets as usize)?,
            rows: mapped(object, "tg_flows", rows)?,
            addresses: mapped(object, "tg_flow_addresses", rows)?,
            shape,
        })
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// What is in the place of a row; none where no flow lives.
    pub(super) fn live(&self, row: usize) -> Option<abi::FlowPlace> {
        let place = self.place(row);
        (u32::from(place.state) == FlowState::Live as u32).then_some(place)
    }

    /// Packets of both directions together, as far as 32 bits tell: they differ when some came.
    pub(super) fn packets(&self, row: usize) -> u32 {
        const PACKETS: usize = std::mem::offset_of!(abi::Stream, packets) / size_of::<u64>();
        const STREAM: usize = size_of::<abi::Stream>() / size_of::<u64>();
        let of = |stream: usize| self.rows.word(row, stream * STREAM + PACKETS);
        let [down, up] = [of(0), of(1)].map(|packets| packets.load(Ordering::Relaxed));
        down.wrapping_add(up) as u32
    }

    /// The key of the flow in this place.
    pub(super) fn key(&self, row: usize, place: &abi::FlowPlace) -> abi::FlowKey {
        let [customer, internet] = if place.is_ipv6 == 0 {
            [place.ends as u32, (place.ends >> 32) as u32].map(mapped_address)
        } else {
            let abi::FlowAddresses { customer, internet } = self.addresses.read(row);
            [customer, internet]
        };
        abi::FlowKey {
            customer,
            internet,
            customer_port: place.customer_port,
            internet_port: place.internet_port,
            protocol: place.protocol,
            padding: [0; 3],
        }
    }

    /// The flow in this row.
    pub(super) fn read(&self, row: usize) -> abi::Flow {
        self.rows.read(row)
    }

    /// The row of a flow.
    pub(super) fn find(&self, key: &abi::FlowKey) -> Option<usize> {
        let wanted = place_of(key);
        self.rows_of(&wanted)
            .find(|row| self.place(*row) == wanted && self.key(*row, &wanted) == *key)
    }

    /// Writes a flow, where the programs would; false when there is no place for it.
    pub(super) fn write(&self, key: &abi::FlowKey, flow: &abi::Flow) -> bool {
        let place = place_of(key);
        let is_free = |row: &usize| u32::from(self.place(*row).state) == FlowState::None as u32;
        let Some(row) = self.find(key).or_else(|| self.rows_of(&place).find(is_free)) else {
            return false;
        };
        self.rows.write(row, flow);
        let &abi::FlowKey { customer, internet, .. } = key;
        self.addresses.write(row, &abi::FlowAddresses { customer, internet });
        let ends = self.index.word(row / PLACES, row % PLACES * WORDS + ENDS);
        ends.store(place.ends, Ordering::Release);
        self.set_rest(row, &place);
        true
    }

    /// Takes a flow out. Its place stays taken until it is freed.
    pub(super) fn take_out(&self, row: usize) {
        let place = abi::FlowPlace { state: FlowState::Leaving as u8, ..self.place(row) };
        self.set_rest(row, &place);
    }

    /// Lets the programs use a place again.
    pub(super) fn free(&self, row: usize) {
        self.set_rest(row, &abi::FlowPlace::default());
    }

    fn rows_of(&self, place: &abi::FlowPlace) -> impl Iterator<Item = usize> + use<> {
        let buckets = self.shape.buckets(place);
        buckets.into_iter().flat_map(|bucket| bucket * PLACES..(bucket + 1) * PLACES)
    }

    fn place(&self, row: usize) -> abi::FlowPlace {
        let word = |word| {
            self.index.word(row / PLACES, row % PLACES * WORDS + word).load(Ordering::Acquire)
        };
        // the state first: who sees a flow live sees its ends
        let rest = word(REST);
        bytemuck::cast([word(ENDS), rest])
    }

    fn set_rest(&self, row: usize, place: &abi::FlowPlace) {
        let words: [u64; WORDS] = bytemuck::cast(*place);
        let word = self.index.word(row / PLACES, row % PLACES * WORDS + REST);
        word.store(words[REST], Ordering::Release);
    }
}

/// What a live flow has in its place.
fn place_of(key: &abi::FlowKey) -> abi::FlowPlace {
    let ipv4 = |address: abi::Address| Ipv6Addr::from(address.bytes).to_ipv4_mapped();
    let (ends, is_ipv6) = match (ipv4(key.customer), ipv4(key.internet)) {
        (Some(customer), Some(internet)) => {
            let raw = |address: std::net::Ipv4Addr| u64::from(u32::from_ne_bytes(address.octets()));
            (raw(internet) << 32 | raw(customer), 0)
        }
        _ => (digest(key), 1),
    };
    abi::FlowPlace {
        ends,
        customer_port: key.customer_port,
        internet_port: key.internet_port,
        protocol: key.protocol,
        is_ipv6,
        padding: 0,
        state: FlowState::Live as u8,
    }
}

/// The same as in `digest_ends`.
fn digest(key: &abi::FlowKey) -> u64 {
    let [customer, internet]: [[u64; 2]; 2] =
        [key.customer, key.internet].map(|address| bytemuck::cast(address.bytes));
    let digest = customer[0].wrapping_mul(abi::FLOW_MIX) ^ customer[1];
    let digest = (digest ^ digest >> 32).wrapping_mul(abi::FLOW_MIX_AGAIN) ^ internet[0];
    let digest = (digest ^ digest >> 32).wrapping_mul(abi::FLOW_MIX) ^ internet[1];
    digest ^ digest >> 32
}

fn mapped_address(raw: u32) -> abi::Address {
    let address = std::net::Ipv4Addr::from(raw.to_ne_bytes());
    abi::Address { bytes: address.to_ipv6_mapped().octets() }
}
