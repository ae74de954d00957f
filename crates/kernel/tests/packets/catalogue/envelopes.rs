//! What is around a packet, and frames that hold none.

use abi::Direction;
use testkit::{Frame, Layer, Mac};

use super::{FAMILIES, Table, between, device, down, padded, tcp, with};

pub(super) fn tables() -> Vec<Table> {
    vec![encapsulations(), truncations(), not_ip()]
}

/// Everything that is taken off, by name.
fn understood() -> Vec<(String, Frame)> {
    let mut envelopes = vec![
        ("untagged".to_owned(), Frame::ethernet()),
        ("vlan".to_owned(), Frame::ethernet().vlan(100)),
        ("vlan-priority-tagged".to_owned(), Frame::ethernet().vlan(0xe000)),
        ("qinq-802.1ad".to_owned(), Frame::ethernet().service_vlan(7).vlan(8)),
        ("qinq-802.1q-twice".to_owned(), Frame::ethernet().vlan(7).vlan(8)),
        (
            "qinq-9100".to_owned(),
            Frame::ethernet().push(Layer::Vlan { tpid: 0x9100, tci: 7 }).vlan(8),
        ),
        ("pppoe".to_owned(), Frame::ethernet().pppoe(0x1234)),
        ("pppoe-in-vlan".to_owned(), Frame::ethernet().vlan(100).pppoe(0x1234)),
        ("pppoe-in-qinq".to_owned(), Frame::ethernet().service_vlan(7).vlan(8).pppoe(0x1234)),
        ("mpls-in-vlan".to_owned(), Frame::ethernet().vlan(100).mpls(16)),
    ];
    envelopes.extend((1..=8).map(|labels| (format!("mpls-{labels}"), stack(labels))));
    envelopes
}

fn stack(labels: u32) -> Frame {
    (0..labels).fold(Frame::ethernet(), |frame, label| frame.mpls(16 + label))
}

fn encapsulations() -> Table {
    let mut table = Table::new(
        "encapsulations",
        "What may be around a packet: up to two tags, then PPPoE, up to eight labels, or neither.\n\
         What goes beyond is not understood and passes.",
    );
    for (name, envelope) in understood() {
        for (is_ipv6, family) in FAMILIES {
            let frame = down(envelope.clone(), is_ipv6).tcp(tcp()).payload(b"data").build();
            table = table.case(format!("{name}-{family}"), frame);
        }
    }
    let three_tags = Frame::ethernet().service_vlan(7).vlan(8).vlan(9);
    let beyond = [("vlan-3", three_tags), ("mpls-9", stack(9)), ("mpls-20", stack(20))];
    for (name, envelope) in beyond {
        for (is_ipv6, family) in FAMILIES {
            let frame = down(envelope.clone(), is_ipv6).tcp(tcp()).build();
            table = table.case(format!("{name}-{family}"), frame);
        }
    }
    let pppoe = down(Frame::ethernet().pppoe(9), false).udp(1, 2).build();
    let mpls = down(Frame::ethernet().mpls(16), false).udp(1, 2).build();
    table
        .case("pppoe-lcp", with(pppoe.clone(), 20, &[0xc0, 0x21]))
        .case("pppoe-wrong-version", with(pppoe.clone(), 14, &[0x21]))
        .case("pppoe-code-in-session", with(pppoe, 15, &[0xa7]))
        .case("mpls-pseudowire-control-word", with(mpls, 18, &[0x00]))
        .case("mpls-upstream-assigned", {
            let frame = down(Frame::ethernet().mpls(16), true).udp(1, 2).build();
            with(frame, 12, &[0x88, 0x48])
        })
}

fn truncations() -> Table {
    let mut table = Table::new(
        "truncations",
        "Frames cut off at every byte behind the MAC header, in each envelope. A packet that is not\n\
         all there is nobody's on the way in; on the way out its addresses are enough.\n\
         The last bytes are padding: frames with any part of it are whole.",
    );
    for (name, envelope) in understood() {
        for (is_ipv6, family) in FAMILIES {
            let frame = between(envelope.clone(), Direction::Upload, device(is_ipv6));
            let frame = frame.tcp(tcp()).payload(b"data").build();
            table = table.cut(format!("{name}-{family}"), padded(frame, 3));
        }
    }
    table
}

fn not_ip() -> Table {
    let frame = |kind: u16, bytes: &[u8]| {
        with(Frame::ethernet().payload(bytes).build(), 12, &kind.to_be_bytes())
    };
    let multicast = |last: u8| {
        let target = Mac([0x01, 0x80, 0xc2, 0, 0, last]);
        Frame::ethernet_between(Mac([2, 0, 0, 0, 0, 1]), target)
    };
    let arp =
        [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 100, 64, 1, 1, 0, 0, 0, 0, 0, 0, 100, 64, 1, 10];
    let stp = [0x42, 0x42, 3, 0, 0, 0, 0, 0, 0x80, 0, 2, 0, 0, 0, 0, 1];
    let isis = [0xfe, 0xfe, 3, 0x83, 27, 1, 0, 17, 1, 0, 0];
    let lldp = [2, 7, 4, 2, 0, 0, 0, 0, 1, 4, 2, 5, 0x31, 6, 2, 0, 120, 0, 0];
    let padi = [0x11, 9, 0, 0, 0, 4, 1, 1, 0, 0];
    let llc = |frame: Frame, bytes: &[u8]| {
        padded(with(frame.payload(bytes).build(), 12, &(bytes.len() as u16).to_be_bytes()), 20)
    };
    Table::new("not_ip", "Frames that are not IP pass, and only their verdict is counted.")
        .case("arp", frame(0x0806, &arp))
        .case("arp-in-vlan", {
            let tagged = Frame::ethernet().vlan(100).payload(&arp).build();
            with(tagged, 16, &[0x08, 0x06])
        })
        .case("stp", llc(multicast(0), &stp))
        .case("is-is", llc(multicast(0x14), &isis))
        .case("lldp", with(multicast(0x0e).payload(&lldp).build(), 12, &[0x88, 0xcc]))
        .case("pppoe-discovery", frame(0x8863, &padi))
        .case("pppoe-discovery-in-vlan", {
            let tagged = Frame::ethernet().vlan(100).payload(&padi).build();
            with(tagged, 16, &[0x88, 0x63])
        })
        .case("lacp", frame(0x8809, &[1, 1, 1, 20]))
        .case("macsec", frame(0x88e5, &[0x2c, 0, 0, 0, 0, 1]))
        .case("only-a-mac-header", frame(0x88b5, &[]))
        .case("length-field-of-1500", frame(1500, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]))
}
