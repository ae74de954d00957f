//! What is around a datagram: Ethernet (IEEE 802.3), tags (802.1Q, 802.1ad), PPPoE (RFC 2516) or
//! MPLS (RFC 3032).

use super::{Refusal, Sighting, internet};

/// What is in an envelope, by the name that the envelope gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Tagged,
    Session,
    Labelled,
    Four,
    Six,
    Foreign,
}

impl Content {
    fn of_ethernet(kind: u16) -> Self {
        match kind {
            0x8100 | 0x88a8 | 0x9100 => Self::Tagged,
            0x8864 => Self::Session,
            0x8847 | 0x8848 => Self::Labelled,
            0x0800 => Self::Four,
            0x86dd => Self::Six,
            _ => Self::Foreign,
        }
    }

    fn of_ppp(protocol: u16) -> Self {
        match protocol {
            0x0021 => Self::Four,
            0x0057 => Self::Six,
            _ => Self::Foreign,
        }
    }

    /// RFC 4928: under labels, the version in the first nibble is all there is to go by.
    fn of_nibble(byte: u8) -> Self {
        match byte & 0xf0 {
            0x40 => Self::Four,
            0x60 => Self::Six,
            _ => Self::Foreign,
        }
    }
}

/// What was inside: its name and its bytes.
type Inside<'a> = Result<(Content, &'a [u8]), Refusal>;

/// Tags, sessions or stacks beyond these are not understood.
const TAGS: usize = 2;
const LABELS: usize = 8;

/// Takes everything off that is around a datagram.
pub(super) fn open(frame: &[u8]) -> Sighting<'_> {
    let mut vlan = None;
    let datagram =
        untag(frame, &mut vlan).and_then(unwrap_carrier).and_then(|inside| match inside {
            (Content::Four, bytes) => internet::version_4(bytes),
            (Content::Six, bytes) => internet::version_6(bytes),
            _ => Err(Refusal::NotIp),
        });
    Sighting { vlan, datagram }
}

/// Takes off the MAC header and the tags.
fn untag<'a>(frame: &'a [u8], vlan: &mut Option<u16>) -> Inside<'a> {
    let (header, mut inside) = frame.split_first_chunk::<14>().ok_or(Refusal::NotIp)?;
    let mut content = Content::of_ethernet(word(header, 12));
    for _ in 0..TAGS {
        if content != Content::Tagged {
            break;
        }
        let (tag, rest) = inside.split_first_chunk::<4>().ok_or(Refusal::Malformed)?;
        vlan.get_or_insert(word(tag, 0) % 4096);
        (content, inside) = (Content::of_ethernet(word(tag, 2)), rest);
    }
    Ok((content, inside))
}

fn unwrap_carrier<'a>((content, bytes): (Content, &'a [u8])) -> Inside<'a> {
    match content {
        Content::Session => leave_session(bytes),
        Content::Labelled => strip_labels(bytes, LABELS),
        _ => Ok((content, bytes)),
    }
}

fn leave_session(bytes: &[u8]) -> Inside<'_> {
    let (header, rest) = bytes.split_first_chunk::<8>().ok_or(Refusal::Malformed)?;
    let [version_and_type, code, ..] = *header;
    if (version_and_type, code) == (0x11, 0) {
        Ok((Content::of_ppp(word(header, 6)), rest))
    } else {
        Err(Refusal::Malformed)
    }
}

fn strip_labels(bytes: &[u8], left: usize) -> Inside<'_> {
    if left == 0 {
        return Err(Refusal::NotIp);
    }
    match bytes {
        [_, _, entry, _, rest @ ..] if !rest.is_empty() => match entry & 1 {
            1 => Ok((Content::of_nibble(rest[0]), rest)),
            _ => strip_labels(rest, left - 1),
        },
        _ => Err(Refusal::Malformed),
    }
}

/// The number in two bytes of a header that is known to hold them.
pub(super) fn word(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}
