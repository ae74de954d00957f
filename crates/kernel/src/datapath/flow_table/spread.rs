//! How flows that are alike spread over the table: under any seed as if by chance.

use std::hash::{BuildHasherDefault, DefaultHasher};

use super::*;

/// Of a table of [`ROWS`]: as full as one that holds 100,000 flows of 131,072.
const FLOWS: u32 = 12_500;
const ROWS: u32 = 16_384;
const SEEDS: u64 = 200;

/// The customer's address, the server's, and their ports.
type Pattern = fn(u32) -> ([u8; 16], [u8; 16], u16, u16);

const HOST: u32 = Ipv4Addr::new(100, 64, 0, 1).to_bits();
const SERVER: u32 = Ipv4Addr::new(203, 0, 113, 1).to_bits();

const PATTERNS: [(&str, Pattern); 7] = [
    ("each of another host and server", |n| (v4(HOST + n), v4(SERVER + n), n as u16, 443)),
    ("one host and many servers", |n| (v4(HOST), v4(SERVER + n), n as u16, 443)),
    ("many hosts and one server", |n| (v4(HOST + n), v4(SERVER), 0x8000, 443)),
    ("many hosts with many ports", |n| {
        (v4(HOST + n / 20), v4(SERVER), 40_000 + (n % 20) as u16, 443)
    }),
    ("ports of one host", |n| (v4(HOST), v4(SERVER), n as u16, 443)),
    ("whole networks", |n| {
        (v4(HOST + ((n % 250) << 8)), v4(SERVER + ((n / 250) << 16)), 0x8000, 443)
    }),
    ("IPv6 networks", |n| (v6(n), v6(u32::MAX), 0x8000, 443)),
];

const fn v4(bits: u32) -> [u8; 16] {
    Ipv4Addr::from_bits(bits).to_ipv6_mapped().octets()
}

/// A host of the network with this number.
const fn v6(network: u32) -> [u8; 16] {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | (network as u128) << 64 | 1).octets()
}

fn key(pattern: Pattern, n: u32) -> abi::FlowKey {
    let (customer, internet, customer_port, internet_port) = pattern(n);
    abi::FlowKey {
        customer: abi::Address { bytes: customer },
        internet: abi::Address { bytes: internet },
        customer_port: customer_port.to_be(),
        internet_port: internet_port.to_be(),
        protocol: 17,
        ..abi::FlowKey::default()
    }
}

/// How many flows find no place, each taking the first of its two buckets that has one.
fn lost(buckets: u32, flows: impl Iterator<Item = [usize; 2]>) -> u32 {
    let mut taken = vec![0; buckets as usize];
    let mut lost = 0;
    for flow in flows {
        match flow.into_iter().find(|bucket| taken[*bucket] < PLACES) {
            Some(bucket) => taken[bucket] += 1,
            None => lost += 1,
        }
    }
    lost
}

/// Under each of the seeds.
fn lost_by_seed(buckets_of: impl Fn(Shape, u32) -> [usize; 2]) -> Vec<u32> {
    (1..=SEEDS)
        .map(|n| Shape { seed: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), ..Shape::new(ROWS) })
        .map(|shape| lost(shape.buckets, (0..FLOWS).map(|n| buckets_of(shape, n))))
        .collect()
}

/// Two buckets by a hash that is good for anything, if slow: the standard library's.
fn lots(shape: Shape, n: u32) -> [usize; 2] {
    [0, 1].map(|choice| {
        let lot = BuildHasherDefault::<DefaultHasher>::default().hash_one((shape.seed, n, choice));
        (lot % u64::from(shape.buckets)) as usize
    })
}

#[test]
fn flows_that_are_alike_find_places_as_well_as_by_lot() {
    let by_lot = lost_by_seed(lots);
    let (all_by_lot, most_by_lot) = (by_lot.iter().sum::<u32>(), by_lot.iter().max().unwrap());
    assert!(all_by_lot > 0, "a table where nothing is ever lost compares nothing");
    for (name, pattern) in PATTERNS {
        let lost = lost_by_seed(|shape, n| shape.sought(&key(pattern, n)).buckets);
        let (all, most) = (lost.iter().sum::<u32>(), lost.iter().max().unwrap());
        assert!(
            4 * all < 5 * all_by_lot && *most < 2 * most_by_lot,
            "{name}: {all} flows found no place, {most} of them under one seed; by lot \
             {all_by_lot}, {most_by_lot} under one seed",
        );
    }
}
