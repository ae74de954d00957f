//! Transport headers: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443).

use abi::Protocol;

use super::envelope::word;
use super::internet::{Cargo, Datagram};

/// The transport header is cut off or contradicts itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invalid;

/// What the packet is counted as.
pub(super) fn classify(datagram: &Datagram<'_>) -> Result<Protocol, Invalid> {
    let (number, start) = match datagram.cargo {
        Cargo::Begins(number, bytes) => (number, Some(bytes)),
        Cargo::Continues(number) => (number, None),
        Cargo::Lost => return Err(Invalid),
    };
    let protocol = match number {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        1 | 58 => Protocol::Icmp,
        _ => Protocol::Other,
    };
    let sound = match (protocol, start) {
        (_, None) | (Protocol::Other, _) => true,
        (Protocol::Tcp, Some(bytes)) => is_tcp(bytes),
        (Protocol::Udp, Some(bytes)) => is_udp(bytes),
        (Protocol::Icmp, Some(bytes)) => bytes.len() >= 8,
    };
    if sound { Ok(protocol) } else { Err(Invalid) }
}

/// Whether the header is whole, options included.
fn is_tcp(bytes: &[u8]) -> bool {
    let header = bytes.get(12).map_or(0, |byte| usize::from(byte / 16) * 4);
    (20..=bytes.len()).contains(&header)
}

/// Whether the header is whole and its length counts it. That the rest is there cannot be asked of
/// a first fragment.
fn is_udp(bytes: &[u8]) -> bool {
    bytes.first_chunk::<8>().is_some_and(|header| word(header, 4) >= 8)
}
