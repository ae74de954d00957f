//! Packets, layer by layer: what follows fixes lengths, checksums and type numbers.

mod bytes;
mod ip;
mod layer;
mod tcp;

pub use bytes::{from_hex, internet_checksum, ones_complement_sum, to_hex};
pub use ip::{Ipv4, Ipv6};
pub use layer::{Layer, Mac};
pub use tcp::Tcp;

use layer::Above;

/// A stack of layers, outermost first.
///
/// ```
/// use testkit::{Frame, Ipv4, Tcp};
/// let frame = Frame::ethernet()
///     .vlan(100)
///     .ipv4(Ipv4::new([100, 64, 1, 10], [203, 0, 113, 1]))
///     .tcp(Tcp::new(40_000, 443))
///     .payload(b"hello")
///     .build();
/// assert_eq!(frame.len(), 14 + 4 + 20 + 20 + 5);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    layers: Vec<Layer>,
}

impl Frame {
    /// A frame that begins with IP or whatever else is pushed first.
    pub fn new() -> Self {
        Self::default()
    }

    /// An Ethernet frame between two made-up stations.
    pub fn ethernet() -> Self {
        Self::ethernet_between(Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))
    }

    /// An Ethernet frame.
    pub fn ethernet_between(source: Mac, target: Mac) -> Self {
        Self::new().push(Layer::Ethernet { source, target, ethertype: None })
    }

    /// Puts a layer under what is there.
    #[must_use]
    pub fn push(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// An 802.1Q tag with this TCI: the id, with priority bits above its twelve.
    #[must_use]
    pub fn vlan(self, tci: u16) -> Self {
        self.push(Layer::Vlan { tpid: 0x8100, tci })
    }

    /// An 802.1ad tag: the outer one of two.
    #[must_use]
    pub fn service_vlan(self, tci: u16) -> Self {
        self.push(Layer::Vlan { tpid: 0x88a8, tci })
    }

    /// A PPPoE session header with the PPP protocol of what follows.
    #[must_use]
    pub fn pppoe(self, session: u16) -> Self {
        self.push(Layer::Pppoe { session })
    }

    /// An MPLS label; the last one before IP has the bottom-of-stack bit.
    #[must_use]
    pub fn mpls(self, label: u32) -> Self {
        self.push(Layer::Mpls { label })
    }

    /// An IPv4 header.
    #[must_use]
    pub fn ipv4(self, header: Ipv4) -> Self {
        self.push(Layer::Ipv4(header))
    }

    /// An IPv6 header with its extension headers.
    #[must_use]
    pub fn ipv6(self, header: Ipv6) -> Self {
        self.push(Layer::Ipv6(header))
    }

    /// A TCP header.
    #[must_use]
    pub fn tcp(self, header: Tcp) -> Self {
        self.push(Layer::Tcp(header))
    }

    /// A UDP header.
    #[must_use]
    pub fn udp(self, source: u16, target: u16) -> Self {
        self.push(Layer::Udp { source, target })
    }

    /// An ICMP echo request, or ICMPv6's when the IP header before it is IPv6.
    #[must_use]
    pub fn echo(self, id: u16, sequence: u16) -> Self {
        self.push(Layer::Echo { id, sequence })
    }

    /// An ESP header; what follows it counts as encrypted.
    #[must_use]
    pub fn esp(self, spi: u32, sequence: u32) -> Self {
        self.push(Layer::Esp { spi, sequence })
    }

    /// A GRE header without options.
    #[must_use]
    pub fn gre(self) -> Self {
        self.push(Layer::Gre)
    }

    /// Bytes as they are.
    #[must_use]
    pub fn payload(self, bytes: &[u8]) -> Self {
        self.push(Layer::Bytes(bytes.to_vec()))
    }

    /// The layers, outermost first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The bytes on the wire, without padding and frame check sequence.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let above = Above { ip: self.layers[..i].iter().rev().find(|layer| layer.is_ip()) };
            bytes = layer.encode(&above, self.layers.get(i + 1), bytes);
        }
        bytes
    }
}

/// The bytes with zeros up to a multiple of `unit`.
fn padded(bytes: &[u8], unit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(unit), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_packet() {
        let frame = Frame::new()
            .ipv4(Ipv4::new([192, 168, 0, 1], [192, 168, 0, 199]))
            .udp(1, 2)
            .payload(&[0xab])
            .build();
        assert_eq!(
            to_hex(&frame),
            "45 00 00 1d 00 00 40 00 40 11 b8 b7 c0 a8 00 01\n\
             c0 a8 00 c7 00 01 00 02 00 09 d2 bf ab"
        );
        // A header with a right checksum sums up to all ones.
        assert_eq!(ones_complement_sum(&frame[..20]), 0xffff);
    }

    #[test]
    fn encapsulations_name_what_they_carry() {
        let ip4 = Ipv4::new([100, 64, 0, 1], [203, 0, 113, 1]);
        let ip6 = Ipv6::new([1; 16], [2; 16]);
        let frame = Frame::ethernet().service_vlan(7).vlan(8).pppoe(9).ipv6(ip6).udp(1, 2).build();
        assert_eq!(
            to_hex(&frame[12..30]),
            "88 a8 00 07 81 00 00 08 88 64 11 00 00 09 00 32\n00 57"
        );
        let frame = Frame::ethernet().mpls(16).mpls(17).ipv4(ip4).gre().build();
        assert_eq!(to_hex(&frame[12..22]), "88 47 00 01 00 40 00 01 11 40");
        assert_eq!(frame[22 + 9], 47);
    }

    #[test]
    fn transport_checksums_hold_over_both_versions() {
        let payload = b"odd";
        let ip4 = Ipv4::new([10, 0, 0, 1], [10, 0, 0, 2]);
        let frame = Frame::new().ipv4(ip4).tcp(Tcp::new(1, 2)).payload(payload).build();
        let pseudo = [&[10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, 23][..], &frame[20..]].concat();
        assert_eq!(ones_complement_sum(&pseudo), 0xffff);
        let ip6 = Ipv6::new([1; 16], [2; 16]).extension(60, &[0; 6]);
        let frame = Frame::new().ipv6(ip6).echo(1, 2).payload(payload).build();
        let pseudo = [&[1; 16][..], &[2; 16], &[0, 0, 0, 11, 0, 0, 0, 58], &frame[48..]].concat();
        assert_eq!(ones_complement_sum(&pseudo), 0xffff);
        assert_eq!((frame[6], frame[40], frame[48]), (60, 58, 128));
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let ip4 = Ipv4::new([10, 0, 0, 1], [10, 0, 0, 2]).fragment(8, true).protocol(17);
        let frame = Frame::new().ipv4(ip4).payload(&[1; 8]).build();
        assert_eq!((frame[6], frame[7], frame[9]), (0x20, 1, 17));
        let ip6 = Ipv6::new([1; 16], [2; 16]).fragment(16, false, 99).next_header(17);
        let frame = Frame::new().ipv6(ip6).payload(&[1; 8]).build();
        assert_eq!(to_hex(&frame[40..48]), "11 00 00 10 00 00 00 63");
    }
}
