//! Random packets: layers put together at random, then damaged at random.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::Direction;
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;
use testkit::{Frame, Ipv4, Ipv6, Layer, Tcp};

use crate::network;
use crate::stage::Setting;

/// Types of IPv6 extension headers.
const HEADERS: [u8; 8] = [0, 43, 44, 51, 60, 135, 139, 140];
/// Types of Ethernet frames that are not IP: ARP, LLDP, PPPoE discovery, CFM, IS-IS by length.
const OTHERS: [u16; 6] = [0x0806, 0x88cc, 0x8863, 0x8902, 0x05dc, 0x0026];
/// Packets stay well below what a page holds.
const PAYLOAD: usize = 80;

/// A frame that comes in as part of `direction`.
pub(crate) fn frame(rng: &mut ChaCha8Rng, setting: Setting, direction: Direction) -> Vec<u8> {
    let (outside, l3) = envelope(rng, setting);
    let mut bytes = match rng.random_range(0..20) {
        0 => other(rng, outside),
        _ => datagram(rng, outside, direction),
    };
    if rng.random_bool(0.15) {
        let padding = rng.random_range(1..40);
        bytes.extend(random_bytes(rng, padding));
    }
    if rng.random_bool(0.5) {
        for _ in 0..rng.random_range(1..=3) {
            damage(rng, &mut bytes, l3);
        }
    }
    bytes
}

/// Everything up to the datagram, and where that begins.
fn envelope(rng: &mut ChaCha8Rng, setting: Setting) -> (Frame, usize) {
    let mut frame = Frame::ethernet();
    let mut l3 = 14;
    let tags = match rng.random_range(0..100) {
        0..45 if setting != Setting::Stick => 0,
        0..75 => 1,
        75..92 => 2,
        _ => rng.random_range(0..=4),
    };
    for _ in 0..tags {
        frame = frame.push(Layer::Vlan { tpid: tpid(rng), tci: tci(rng) });
        l3 += 4;
    }
    match rng.random_range(0..100) {
        0..15 => {
            frame = frame.pppoe(rng.random());
            l3 += 8;
        }
        15..30 => {
            for _ in 0..rng.random_range(1..=10) {
                frame = frame.mpls(rng.random_range(0..1 << 20));
                l3 += 4;
            }
        }
        _ => {}
    }
    (frame, l3)
}

fn tpid(rng: &mut ChaCha8Rng) -> u16 {
    match rng.random_range(0..10) {
        0..6 => 0x8100,
        6..9 => 0x88a8,
        _ => 0x9100,
    }
}

fn tci(rng: &mut ChaCha8Rng) -> u16 {
    let id = match rng.random_range(0..10) {
        0..4 => network::INTERNET_VLAN,
        4..8 => network::CUSTOMERS_VLAN,
        8 => 0,
        _ => rng.random_range(0..4096),
    };
    id | rng.random_range(0..16) << 12
}

fn other(rng: &mut ChaCha8Rng, frame: Frame) -> Vec<u8> {
    let length = rng.random_range(0..60);
    let mut bytes = frame.payload(&random_bytes(rng, length)).build();
    let kind = OTHERS[rng.random_range(0..OTHERS.len())];
    bytes[12..14].copy_from_slice(&kind.to_be_bytes());
    bytes
}

fn datagram(rng: &mut ChaCha8Rng, frame: Frame, direction: Direction) -> Vec<u8> {
    let is_ipv6 = rng.random();
    let customer = customer(rng, is_ipv6);
    let far =
        if rng.random_bool(0.8) { network::server(is_ipv6) } else { self::customer(rng, is_ipv6) };
    let (source, target) = match direction {
        Direction::Download => (far, customer),
        Direction::Upload => (customer, far),
    };
    let frame = match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            frame.ipv4(options_and_fragments(rng, Ipv4::new(source.octets(), target.octets())))
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            frame.ipv6(extensions(rng, Ipv6::new(source.octets(), target.octets())))
        }
        _ => unreachable!("both ends are of one family"),
    };
    let length = rng.random_range(0..PAYLOAD);
    transport(rng, frame).payload(&random_bytes(rng, length)).build()
}

/// An address in one of the prefixes, near its beginning or anywhere in it. A few of the IPv6 ones
/// are IPv4-mapped.
fn customer(rng: &mut ChaCha8Rng, is_ipv6: bool) -> IpAddr {
    let mask = if rng.random() { u128::MAX } else { 0xf };
    let bits = rng.random::<u128>() & mask;
    let mapped = is_ipv6 && rng.random_bool(0.05);
    let prefixes = network::addresses();
    let prefixes: Vec<_> = prefixes
        .iter()
        .filter(|(prefix, _)| prefix.addr().is_ipv6() == (is_ipv6 && !mapped))
        .collect();
    let (prefix, _) = prefixes[rng.random_range(0..prefixes.len())];
    match prefix.addr() {
        IpAddr::V4(base) => {
            let host = u32::MAX.checked_shr(prefix.len().into()).unwrap_or(0);
            let address = Ipv4Addr::from(u32::from(base) | bits as u32 & host);
            if mapped { address.to_ipv6_mapped().into() } else { address.into() }
        }
        IpAddr::V6(base) => {
            let host = u128::MAX.checked_shr(prefix.len().into()).unwrap_or(0);
            Ipv6Addr::from(u128::from(base) | bits & host).into()
        }
    }
}

fn options_and_fragments(rng: &mut ChaCha8Rng, mut ip: Ipv4) -> Ipv4 {
    if rng.random_bool(0.2) {
        let length = rng.random_range(1..=40);
        ip = ip.options(&random_bytes(rng, length));
    }
    match rng.random_range(0..10) {
        0 => ip.fragment(0, true),
        1 => {
            let protocol = [1, 6, 17, 47][rng.random_range(0..4)];
            ip.fragment(8 * rng.random_range(1..1000), rng.random()).protocol(protocol)
        }
        _ => ip,
    }
}

fn extensions(rng: &mut ChaCha8Rng, mut ip: Ipv6) -> Ipv6 {
    if rng.random_bool(0.6) {
        return ip;
    }
    for _ in 0..rng.random_range(1..=10) {
        let kind = match rng.random_range(0..30) {
            0 => 50,
            1 => 59,
            _ => HEADERS[rng.random_range(0..HEADERS.len())],
        };
        let length = rng.random_range(0..20);
        let content = random_bytes(rng, length);
        ip = match kind {
            44 if rng.random() => ip.fragment(0, true, 7),
            44 => ip.fragment(8 * rng.random_range(0..4), rng.random(), 7),
            51 => {
                // Its length counts four bytes, so it takes twice the number that others have.
                let mut ip = ip.extension(kind, &content);
                if let Some((_, bytes)) = ip.extensions.last_mut() {
                    bytes[0] *= 2;
                }
                ip
            }
            _ => ip.extension(kind, &content),
        };
    }
    ip
}

fn transport(rng: &mut ChaCha8Rng, frame: Frame) -> Frame {
    match rng.random_range(0..20) {
        0..8 => {
            let length = rng.random_range(0..=40);
            let options = if rng.random() { Vec::new() } else { random_bytes(rng, length) };
            frame.tcp(Tcp::new(rng.random(), rng.random()).options(&options))
        }
        8..13 => frame.udp(rng.random(), rng.random()),
        13..16 => frame.echo(rng.random(), rng.random()),
        16 => frame.esp(rng.random(), rng.random()),
        17 => frame.gre(),
        _ => frame,
    }
}

/// Flips a bit, writes a byte, cuts the end off, or makes the datagram's header lie.
fn damage(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, l3: usize) {
    let is_ipv6 = bytes.get(l3).is_some_and(|byte| byte >> 4 == 6);
    let at = match rng.random_range(0..10) {
        0..3 => rng.random_range(12..bytes.len().max(13)),
        3 => {
            bytes.truncate(rng.random_range(14..=bytes.len().max(14)));
            return;
        }
        4 => l3,
        // The lengths, most often only a little off.
        5..7 => l3 + if is_ipv6 { 4 } else { 2 } + usize::from(rng.random_bool(0.7)),
        7 => l3 + if is_ipv6 { 6 } else { 9 },
        // Fragments' place in IPv4, and what lies behind the header.
        8 => l3 + if is_ipv6 { rng.random_range(40..90) } else { rng.random_range(6..8) },
        _ => l3 + rng.random_range(20..80),
    };
    if let Some(byte) = bytes.get_mut(at) {
        *byte = match rng.random_range(0..3) {
            0 => *byte ^ (1 << rng.random_range(0..8)),
            1 => byte.wrapping_add_signed(rng.random_range(-20..=20)),
            _ => rng.random(),
        };
    }
}

fn random_bytes(rng: &mut ChaCha8Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}
