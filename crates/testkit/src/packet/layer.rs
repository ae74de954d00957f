//! The layers and how each is written.

use std::fmt;

use super::internet_checksum;
use super::ip::{Ipv4, Ipv6};
use super::tcp::Tcp;

/// Ethernet types.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const PPPOE_SESSION: u16 = 0x8864;
/// What an Ethernet header says of bytes that name no type: a local experiment (IEEE 802).
const EXPERIMENTAL: u16 = 0x88b5;
/// PPP protocols.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
/// IP protocols.
const ICMP: u8 = 1;
const IPV4_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const ESP: u8 = 50;
const ICMPV6: u8 = 58;
const NO_NEXT_HEADER: u8 = 59;

/// A station's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// One layer of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Ethernet; a given type replaces that of what follows.
    Ethernet {
        /// Sender.
        source: Mac,
        /// Receiver.
        target: Mac,
        /// Type, instead of the right one.
        ethertype: Option<u16>,
    },
    /// A VLAN tag.
    Vlan {
        /// Ethernet type of the tag.
        tpid: u16,
        /// Priority and id.
        tci: u16,
    },
    /// PPPoE session and PPP.
    Pppoe {
        /// Session id.
        session: u16,
    },
    /// One MPLS label.
    Mpls {
        /// 20 bits.
        label: u32,
    },
    /// IPv4.
    Ipv4(Ipv4),
    /// IPv6.
    Ipv6(Ipv6),
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp {
        /// Sender's port.
        source: u16,
        /// Receiver's port.
        target: u16,
    },
    /// ICMP or ICMPv6 echo request.
    Echo {
        /// Identifier.
        id: u16,
        /// Sequence number.
        sequence: u16,
    },
    /// ESP.
    Esp {
        /// Security parameters index.
        spi: u32,
        /// Sequence number.
        sequence: u32,
    },
    /// GRE without options.
    Gre,
    /// Anything.
    Bytes(Vec<u8>),
}

/// The part of the layers above that a layer must know.
pub(super) struct Above<'a> {
    /// The nearest IP header.
    pub(super) ip: Option<&'a Layer>,
}

impl Above<'_> {
    fn is_ipv6(&self) -> bool {
        matches!(self.ip, Some(Layer::Ipv6(_)))
    }

    /// What a transport's checksum covers of the IP header.
    fn pseudo_header(&self, protocol: u8, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.ip {
            Some(Layer::Ipv4(ip)) => {
                bytes.extend(ip.source);
                bytes.extend(ip.target);
            }
            Some(Layer::Ipv6(ip)) => {
                bytes.extend(ip.source);
                bytes.extend(ip.target);
            }
            _ => return bytes,
        }
        bytes.extend((length as u32).to_be_bytes());
        bytes.extend([0, 0, 0, protocol]);
        bytes
    }
}

impl Layer {
    pub(super) fn is_ip(&self) -> bool {
        matches!(self, Self::Ipv4(_) | Self::Ipv6(_))
    }

    /// The layer's header and what it carries.
    pub(super) fn encode(
        &self,
        above: &Above<'_>,
        next: Option<&Self>,
        payload: Vec<u8>,
    ) -> Vec<u8> {
        let mut bytes = match self {
            Self::Ethernet { source, target, ethertype } => {
                let mut bytes = [target.0, source.0].concat();
                bytes.extend(ethertype.unwrap_or(ethertype_of(next)).to_be_bytes());
                bytes
            }
            // The tag's own type was written as the type of what is before it.
            Self::Vlan { tci, .. } => {
                [tci.to_be_bytes(), ethertype_of(next).to_be_bytes()].concat()
            }
            Self::Pppoe { session } => {
                let ppp = if matches!(next, Some(Self::Ipv6(_))) { PPP_IPV6 } else { PPP_IPV4 };
                let mut bytes = vec![0x11, 0];
                bytes.extend(session.to_be_bytes());
                bytes.extend(((payload.len() + 2) as u16).to_be_bytes());
                bytes.extend(ppp.to_be_bytes());
                bytes
            }
            Self::Mpls { label } => {
                let bottom = u32::from(!matches!(next, Some(Self::Mpls { .. })));
                ((label << 12) | (bottom << 8) | 64).to_be_bytes().to_vec()
            }
            Self::Ipv4(header) => header.encode(protocol_of(next, false), &payload),
            Self::Ipv6(header) => header.encode(protocol_of(next, true), &payload),
            Self::Tcp(header) => {
                let bytes = header.encode();
                return with_checksum(bytes, payload, 16, above, TCP);
            }
            Self::Udp { source, target } => {
                let mut bytes = ports(*source, *target);
                bytes.extend(((8 + payload.len()) as u16).to_be_bytes());
                bytes.extend([0, 0]);
                return with_checksum(bytes, payload, 6, above, UDP);
            }
            Self::Echo { id, sequence } => {
                let mut bytes = vec![if above.is_ipv6() { 128 } else { 8 }, 0, 0, 0];
                bytes.extend(id.to_be_bytes());
                bytes.extend(sequence.to_be_bytes());
                if above.is_ipv6() {
                    return with_checksum(bytes, payload, 2, above, ICMPV6);
                }
                return with_checksum(bytes, payload, 2, &Above { ip: None }, ICMP);
            }
            Self::Esp { spi, sequence } => [spi.to_be_bytes(), sequence.to_be_bytes()].concat(),
            Self::Gre => [[0, 0], ethertype_of(next).to_be_bytes()].concat(),
            Self::Bytes(bytes) => bytes.clone(),
        };
        bytes.extend(payload);
        bytes
    }
}

/// The Ethernet type by which a layer is announced.
fn ethertype_of(layer: Option<&Layer>) -> u16 {
    match layer {
        Some(Layer::Vlan { tpid, .. }) => *tpid,
        Some(Layer::Pppoe { .. }) => PPPOE_SESSION,
        Some(Layer::Mpls { .. }) => MPLS,
        Some(Layer::Ipv4(_)) => IPV4,
        Some(Layer::Ipv6(_)) => IPV6,
        _ => EXPERIMENTAL,
    }
}

/// The IP protocol by which a layer is announced.
fn protocol_of(layer: Option<&Layer>, in_ipv6: bool) -> u8 {
    match layer {
        Some(Layer::Tcp(_)) => TCP,
        Some(Layer::Udp { .. }) => UDP,
        Some(Layer::Echo { .. }) => {
            if in_ipv6 {
                ICMPV6
            } else {
                ICMP
            }
        }
        Some(Layer::Esp { .. }) => ESP,
        Some(Layer::Gre) => GRE,
        Some(Layer::Ipv4(_)) => IPV4_IN_IP,
        Some(Layer::Ipv6(_)) => IPV6_IN_IP,
        _ => NO_NEXT_HEADER,
    }
}

/// Header and payload with the checksum over both and the pseudo header.
fn with_checksum(
    header: Vec<u8>,
    payload: Vec<u8>,
    at: usize,
    above: &Above<'_>,
    protocol: u8,
) -> Vec<u8> {
    let mut bytes = header;
    bytes.extend(payload);
    let pseudo = above.pseudo_header(protocol, bytes.len());
    put_checksum(&mut bytes, at, &pseudo);
    // In UDP zero would say that there is none.
    if protocol == UDP && bytes[at..at + 2] == [0, 0] {
        bytes[at..at + 2].fill(0xff);
    }
    bytes
}

pub(super) fn put_checksum(bytes: &mut [u8], at: usize, pseudo: &[u8]) {
    let sum = internet_checksum(&[pseudo, bytes].concat());
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

pub(super) fn ports(source: u16, target: u16) -> Vec<u8> {
    [source.to_be_bytes(), target.to_be_bytes()].concat()
}
