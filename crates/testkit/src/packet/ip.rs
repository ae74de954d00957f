//! IP headers.

use super::layer::put_checksum;
use super::padded;

/// IP protocol of the fragment header.
const FRAGMENT: u8 = 44;

/// An IPv4 header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Sender.
    pub source: [u8; 4],
    /// Receiver.
    pub target: [u8; 4],
    /// DSCP and ECN.
    pub tos: u8,
    /// Hops left.
    pub ttl: u8,
    /// Identification.
    pub id: u16,
    /// Flags and fragment offset, as in the header.
    pub fragment: u16,
    /// Options; padded to four bytes.
    pub options: Vec<u8>,
    /// Protocol, instead of that of what follows.
    pub protocol: Option<u8>,
}

impl Ipv4 {
    /// A plain header that must not be fragmented.
    pub fn new(source: impl Into<[u8; 4]>, target: impl Into<[u8; 4]>) -> Self {
        Self {
            source: source.into(),
            target: target.into(),
            tos: 0,
            ttl: 64,
            id: 0,
            fragment: 0x4000,
            options: Vec::new(),
            protocol: None,
        }
    }

    /// The fragment that begins at this byte, a multiple of eight.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.fragment = (offset / 8) | (u16::from(more) << 13);
        self
    }

    /// Header options.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// The protocol, whatever follows.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    pub(super) fn encode(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let options = padded(&self.options, 4);
        let header = 20 + options.len();
        let mut bytes = vec![0x40 | (header / 4) as u8, self.tos];
        bytes.extend(((header + payload.len()) as u16).to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([self.ttl, self.protocol.unwrap_or(protocol), 0, 0]);
        bytes.extend(self.source);
        bytes.extend(self.target);
        bytes.extend(options);
        put_checksum(&mut bytes, 10, &[]);
        bytes
    }
}

/// An IPv6 header with its extension headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Sender.
    pub source: [u8; 16],
    /// Receiver.
    pub target: [u8; 16],
    /// DSCP and ECN.
    pub class: u8,
    /// Flow label.
    pub label: u32,
    /// Hops left.
    pub hops: u8,
    /// Extension headers: own type, and all after the next-header byte.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// What follows the extension headers, instead of the right one.
    pub next_header: Option<u8>,
}

impl Ipv6 {
    /// A plain header.
    pub fn new(source: impl Into<[u8; 16]>, target: impl Into<[u8; 16]>) -> Self {
        Self {
            source: source.into(),
            target: target.into(),
            class: 0,
            label: 0,
            hops: 64,
            extensions: Vec::new(),
            next_header: None,
        }
    }

    /// An extension header with a length field: hop-by-hop (0), routing (43), destination (60).
    /// The content is padded to full eight bytes.
    #[must_use]
    pub fn extension(mut self, kind: u8, content: &[u8]) -> Self {
        let mut bytes = vec![0];
        bytes.extend(content);
        while (bytes.len() + 1) % 8 != 0 {
            bytes.push(0);
        }
        bytes[0] = (bytes.len() / 8) as u8;
        self.extensions.push((kind, bytes));
        self
    }

    /// A fragment header: the fragment begins at this byte, a multiple of eight.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool, id: u32) -> Self {
        let mut bytes = vec![0];
        bytes.extend(((offset & !7) | u16::from(more)).to_be_bytes());
        bytes.extend(id.to_be_bytes());
        self.extensions.push((FRAGMENT, bytes));
        self
    }

    /// The type of what follows the extension headers, whatever it is.
    #[must_use]
    pub fn next_header(mut self, protocol: u8) -> Self {
        self.next_header = Some(protocol);
        self
    }

    pub(super) fn encode(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let last = self.next_header.unwrap_or(protocol);
        let types: Vec<u8> = self.extensions.iter().map(|(kind, _)| *kind).chain([last]).collect();
        let mut extensions = Vec::new();
        for ((_, content), next) in self.extensions.iter().zip(&types[1..]) {
            extensions.push(*next);
            extensions.extend(content);
        }
        let first = (6 << 28) | (u32::from(self.class) << 20) | (self.label & 0xf_ffff);
        let mut bytes = first.to_be_bytes().to_vec();
        bytes.extend(((extensions.len() + payload.len()) as u16).to_be_bytes());
        bytes.extend([types[0], self.hops]);
        bytes.extend(self.source);
        bytes.extend(self.target);
        bytes.extend(extensions);
        bytes
    }
}
