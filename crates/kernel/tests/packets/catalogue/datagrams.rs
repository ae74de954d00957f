//! IP headers and what they carry, right and wrong.

use testkit::{Frame, Ipv4};

use super::{FAMILIES, Table, down, padded, tcp, v4_down, v6_down, with};

/// Where the IP header of an untagged frame begins.
const L3: usize = 14;

pub(super) fn tables() -> Vec<Table> {
    vec![
        protocols(),
        transport_headers(),
        ipv4_headers(),
        ipv6_headers(),
        fragments(),
        extensions(),
        jumbo(),
    ]
}

fn ether() -> Frame {
    Frame::ethernet()
}

fn protocols() -> Table {
    let mut table = Table::new("protocols", "What packets are counted as.");
    for (is_ipv6, family) in FAMILIES {
        let ip = || down(ether(), is_ipv6);
        table = table
            .case(
                format!("tcp-{family}"),
                ip().tcp(tcp().timestamps(1, 2)).payload(b"data").build(),
            )
            .case(format!("udp-{family}"), ip().udp(53, 4000).payload(b"data").build())
            .case(format!("icmp-{family}"), ip().echo(1, 2).payload(b"data").build())
            .case(format!("esp-{family}"), ip().esp(1, 2).payload(b"secret").build())
            .case(
                format!("gre-{family}"),
                ip().gre().ipv4(Ipv4::new([1, 1, 1, 1], [2, 2, 2, 2])).build(),
            )
            .case(
                format!("ip-in-ip-{family}"),
                ip().ipv4(Ipv4::new([1, 1, 1, 1], [2, 2, 2, 2])).build(),
            )
            .case(format!("nothing-{family}"), ip().build());
    }
    table.case("sctp-ipv4", ether().ipv4(v4_down().protocol(132)).payload(&[0; 12]).build())
}

fn transport_headers() -> Table {
    let mut table = Table::new(
        "transport_headers",
        "Transport headers that are cut off or contradict themselves: the packet is still its\n\
         circuit's, but counted as other and noted.",
    );
    for (is_ipv6, family, l4) in [(false, "ipv4", L3 + 20), (true, "ipv6", L3 + 40)] {
        let ip = |protocol: u8| {
            let ip4 = v4_down().protocol(protocol);
            if is_ipv6 { ether().ipv6(v6_down().next_header(protocol)) } else { ether().ipv4(ip4) }
        };
        let whole = down(ether(), is_ipv6).tcp(tcp()).payload(&[0; 24]).build();
        let segment = &whole[l4..];
        for left in [0, 1, 12, 13, 19, 20] {
            table = table.case(
                format!("tcp-{left}-bytes-{family}"),
                ip(6).payload(&segment[..left]).build(),
            );
        }
        for words in [0, 4, 5, 6, 11, 12, 15] {
            let frame = with(whole.clone(), l4 + 12, &[words << 4]);
            table = table.case(format!("tcp-data-offset-{words}-of-11-words-{family}"), frame);
        }
        for left in [0, 7, 8] {
            let icmp = if is_ipv6 { 58 } else { 1 };
            table = table
                .case(
                    format!("udp-{left}-bytes-{family}"),
                    ip(17).payload(&[0, 1, 0, 2, 0, 8, 0, 0][..left]).build(),
                )
                .case(
                    format!("icmp-{left}-bytes-{family}"),
                    ip(icmp).payload(&[8, 0, 0, 0, 0, 0, 0, 0][..left]).build(),
                )
                // The padding is not the packet's: what it holds must not be read as a header.
                .case(
                    format!("tcp-{left}-bytes-then-padding-{family}"),
                    padded(ip(6).payload(&segment[..left]).build(), 40),
                );
        }
        let udp = down(ether(), is_ipv6).udp(1, 2).payload(&[0; 4]).build();
        for length in [0, 7, 8, 12] {
            let name = format!("udp-length-{length}-of-12-{family}");
            table = table.case(name, with(udp.clone(), l4 + 4, &[0, length]));
        }
    }
    table
}

fn ipv4_headers() -> Table {
    let frame = || down(ether(), false).tcp(tcp()).payload(b"data").build();
    let mut table =
        Table::new("ipv4_headers", "IPv4 headers that contradict themselves or the frame.");
    for words in 0..=4 {
        table = table.case(format!("ihl-{words}"), with(frame(), L3, &[0x40 | words]));
    }
    for words in [6, 11, 12, 15] {
        table = table.case(format!("ihl-{words}-of-11-words"), with(frame(), L3, &[0x40 | words]));
    }
    for version in [0, 3, 5, 6, 15] {
        table = table.case(format!("version-{version}"), with(frame(), L3, &[version << 4 | 5]));
    }
    for total in [0_u16, 19, 20, 43, 44, 45, 1500, 65535] {
        table = table.case(
            format!("total-length-{total}-of-44"),
            with(frame(), L3 + 2, &total.to_be_bytes()),
        );
    }
    let long = with(frame(), L3, &[0x46]);
    table = table.case("total-length-below-header", with(long, L3 + 2, &[0, 23]));
    for bytes in [1, 6, 46] {
        table = table.case(format!("padding-{bytes}"), padded(frame(), bytes));
    }
    for options in [vec![1], vec![7, 39, 4], vec![0x94, 4, 0, 0], vec![0xff; 40]] {
        let name = format!("options-{}-bytes-of-{:02x}", options.len(), options[0]);
        table = table.case(name, ether().ipv4(v4_down().options(&options)).tcp(tcp()).build());
    }
    table.case("checksum-wrong", with(frame(), L3 + 10, &[0, 0]))
}

fn ipv6_headers() -> Table {
    let frame = || down(ether(), true).tcp(tcp()).payload(b"data").build();
    let mut table = Table::new(
        "ipv6_headers",
        "IPv6 headers that contradict the frame, and IPv4-mapped addresses, which must not be taken\n\
         for the IPv4 ones that the tables write in the same way.",
    );
    for version in [0, 4, 5, 7, 15] {
        table = table.case(format!("version-{version}"), with(frame(), L3, &[version << 4]));
    }
    for length in [0_u16, 1, 19, 20, 24, 25, 1500, 65535] {
        table = table.case(
            format!("payload-length-{length}-of-24"),
            with(frame(), L3 + 4, &length.to_be_bytes()),
        );
    }
    for bytes in [1, 46] {
        table = table.case(format!("padding-{bytes}"), padded(frame(), bytes));
    }
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 100, 64, 1, 10];
    let near = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 100, 64, 1, 10];
    table
        .case("mapped-destination", with(frame(), L3 + 24, &mapped))
        .case("mapped-source", with(frame(), L3 + 8, &mapped))
        .case("almost-mapped-destination", with(frame(), L3 + 24, &near))
        .case(
            "compatible-destination",
            with(frame(), L3 + 24, &[&[0; 12][..], &mapped[12..]].concat()),
        )
}

fn fragments() -> Table {
    let mut table =
        Table::new("fragments", "First fragments hold the transport header, later ones none.");
    for (name, offset, more) in
        [("first", 0, true), ("middle", 1480, true), ("last", 2960, false), ("whole", 0, false)]
    {
        for (protocol, number) in [("tcp", 6), ("udp", 17), ("esp", 50)] {
            let head =
                [0, 1, 0, 2, 0, 64, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
            let ip4 = v4_down().fragment(offset, more).protocol(number);
            let ip6 = v6_down().fragment(offset, more, 99).next_header(number);
            table = table
                .case(format!("{name}-{protocol}-ipv4"), ether().ipv4(ip4).payload(&head).build())
                .case(format!("{name}-{protocol}-ipv6"), ether().ipv6(ip6).payload(&head).build());
        }
    }
    let tiny = |offset| v4_down().fragment(offset, true).protocol(6);
    table
        .case("tiny-first-tcp-ipv4", ether().ipv4(tiny(0)).payload(&[0; 8]).build())
        .case("tiny-later-tcp-ipv4", ether().ipv4(tiny(8)).payload(&[0; 1]).build())
        .case("later-before-extension-ipv6", {
            let ip6 = v6_down().fragment(8, false, 1).next_header(60);
            ether().ipv6(ip6).payload(&[6, 0xff, 0, 0, 0, 0, 0, 0]).build()
        })
        .case(
            "fragment-header-cut-off-ipv6",
            ether().ipv6(v6_down().next_header(44)).payload(&[6, 0, 0]).build(),
        )
}

fn extensions() -> Table {
    let mut table = Table::new(
        "extensions",
        "IPv6 extension headers: up to eight are walked. Behind more, or where one is cut off, the\n\
         packet is counted as other and noted.",
    );
    for (name, kind) in [
        ("hop-by-hop", 0),
        ("routing", 43),
        ("destination", 60),
        ("mobility", 135),
        ("hip", 139),
        ("shim6", 140),
    ] {
        for content in [0, 6, 22] {
            let ip6 = v6_down().extension(kind, &vec![1; content]);
            table =
                table.case(format!("{name}-{content}-bytes"), ether().ipv6(ip6).tcp(tcp()).build());
        }
    }
    for count in 1..=10 {
        let ip6 = (0..count).fold(v6_down(), |ip, _| ip.extension(60, &[1, 4, 0, 0, 0, 0]));
        table = table.case(format!("chain-of-{count}"), ether().ipv6(ip6).udp(1, 2).build());
    }
    // RFC 8200's order, with an authentication header of 24 bytes: four words, less two.
    let mut mixed = v6_down().extension(0, &[]).extension(43, &[]).fragment(0, true, 1);
    mixed.extensions.push((51, [&[4_u8][..], &[0; 22]].concat()));
    let mixed = mixed.extension(60, &[]);
    let chain = ether().ipv6(v6_down().extension(0, &[]).extension(60, &[])).tcp(tcp()).build();
    let hop = || v6_down().extension(0, &[]);
    table
        .case("every-kind-in-order", ether().ipv6(mixed).tcp(tcp()).build())
        .case("no-next-header", ether().ipv6(hop().next_header(59)).build())
        .case("before-esp", ether().ipv6(hop()).esp(1, 2).build())
        .case("before-icmp", ether().ipv6(hop()).echo(1, 2).build())
        .case("longer-than-the-packet", with(chain.clone(), L3 + 41, &[200]))
        .case("longest", with(chain, L3 + 41, &[255]))
        // What the padding holds is not part of the chain, however well-formed it is.
        .case("goes-on-in-the-padding", {
            let frame = ether().ipv6(hop().extension(60, &[])).esp(1, 2).build();
            with(frame, L3 + 4, &[0, 8])
        })
        .case("fragment-in-the-padding", {
            let frame =
                ether().ipv6(hop().fragment(8, false, 1).next_header(6)).payload(&[0; 8]).build();
            with(frame, L3 + 4, &[0, 8])
        })
        .case("ends-behind-the-packet", {
            let frame = ether().ipv6(v6_down().extension(60, &[0; 14])).esp(1, 2).build();
            with(frame, L3 + 4, &[0, 8])
        })
        .cut("cut-off", {
            let ip6 = testkit::Ipv6::new(v6_down().target, v6_down().source);
            ether().ipv6(ip6.extension(0, &[]).extension(60, &[0; 10])).tcp(tcp()).build()
        })
}

fn jumbo() -> Table {
    let mut table = Table::new(
        "jumbo",
        "Frames of up to 9,000 bytes, which arrive in several buffers. The kernel does not try such\n\
         frames on tc programs.",
    );
    for (is_ipv6, family) in FAMILIES {
        let ip = || down(ether(), is_ipv6);
        table = table
            .case(format!("tcp-3000-{family}"), ip().tcp(tcp()).payload(&[7; 2926]).build())
            .case(format!("tcp-9000-{family}"), ip().tcp(tcp()).payload(&[7; 8926]).build())
            .case(format!("udp-9000-{family}"), ip().udp(1, 2).payload(&[7; 8938]).build());
    }
    let cut = ether().ipv4(v4_down()).udp(1, 2).payload(&[7; 8958]).build();
    table.case("cut-off-9000", with(cut, L3 + 2, &9500_u16.to_be_bytes()))
}
