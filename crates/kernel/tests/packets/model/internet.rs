//! Datagrams: IPv4 (RFC 791) and IPv6 (RFC 8200).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::Direction;

use super::Refusal;
use super::envelope::word;

/// An IP packet.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    source: IpAddr,
    destination: IpAddr,
    /// Whether all of it is in the frame.
    pub(super) complete: bool,
    /// What it carries.
    pub(super) cargo: Cargo<'a>,
}

/// What an IP packet carries.
#[derive(Debug)]
pub(super) enum Cargo<'a> {
    /// The beginning of this protocol's data.
    Begins(u8, &'a [u8]),
    /// A later part of it.
    Continues(u8),
    /// Behind extension headers that make no sense.
    Lost,
}

impl Datagram<'_> {
    /// The end that is on the customers' side.
    pub(super) fn customer(&self, direction: Direction) -> IpAddr {
        match direction {
            Direction::Download => self.destination,
            Direction::Upload => self.source,
        }
    }
}

/// Reads an IPv4 packet.
pub(super) fn version_4(bytes: &[u8]) -> Result<Datagram<'_>, Refusal> {
    let fixed = bytes.first_chunk::<20>().ok_or(Refusal::Malformed)?;
    let header = usize::from(fixed[0] & 15) * 4;
    let total = usize::from(word(fixed, 2));
    let sane = (0x45..=0x4f).contains(&fixed[0]) && header <= total && header <= bytes.len();
    if !sane {
        return Err(Refusal::Malformed);
    }
    let ends = [12, 16].map(|at| Ipv4Addr::from(<[u8; 4]>::try_from(&fixed[at..at + 4]).unwrap()));
    let body = &bytes[header..total.min(bytes.len()).max(header)];
    let offset = word(fixed, 6) << 3;
    Ok(Datagram {
        source: ends[0].into(),
        destination: ends[1].into(),
        complete: total <= bytes.len(),
        cargo: match offset {
            0 => Cargo::Begins(fixed[9], body),
            _ => Cargo::Continues(fixed[9]),
        },
    })
}

/// Reads an IPv6 packet. One that claims an IPv4-mapped address did not come from a network.
pub(super) fn version_6(bytes: &[u8]) -> Result<Datagram<'_>, Refusal> {
    let (fixed, rest) = bytes.split_first_chunk::<40>().ok_or(Refusal::Malformed)?;
    let ends = [8, 24].map(|at| Ipv6Addr::from(<[u8; 16]>::try_from(&fixed[at..at + 16]).unwrap()));
    if fixed[0] >> 4 != 6 || ends.iter().any(|end| end.to_ipv4_mapped().is_some()) {
        return Err(Refusal::Malformed);
    }
    let length = usize::from(word(fixed, 4));
    Ok(Datagram {
        source: ends[0].into(),
        destination: ends[1].into(),
        complete: length <= rest.len(),
        cargo: unwrap_extensions(fixed[6], &rest[..length.min(rest.len())], 8),
    })
}

/// Takes off at most `bound` extension headers (RFC 7045 lists them; AH is RFC 4302's).
fn unwrap_extensions(kind: u8, bytes: &[u8], bound: usize) -> Cargo<'_> {
    let units = |unit: usize, least: usize| bytes.get(1).map(|n| usize::from(*n) * unit + least);
    let length = match kind {
        0 | 43 | 60 | 135 | 139 | 140 => units(8, 8),
        51 => units(4, 8),
        44 => Some(8),
        _ => return Cargo::Begins(kind, bytes),
    };
    let header = length.and_then(|length| bytes.split_at_checked(length));
    match header {
        Some((header, _)) if bound > 0 && kind == 44 && word(header, 2) >= 8 => {
            Cargo::Continues(header[0])
        }
        Some((header, rest)) if bound > 0 => unwrap_extensions(header[0], rest, bound - 1),
        _ => Cargo::Lost,
    }
}
