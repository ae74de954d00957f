//! Whose packet it is.

use std::net::IpAddr;

use abi::Direction;
use testkit::Frame;

use super::{Table, between};
use crate::stage::Setting;

pub(super) fn tables() -> Vec<Table> {
    vec![prefixes(), places()]
}

fn both_ways(mut table: Table, addresses: &[(&str, &str)]) -> Table {
    for (name, address) in addresses {
        let address: IpAddr = address.parse().unwrap();
        for direction in Direction::ALL {
            let frame = between(Frame::ethernet(), *direction, address).udp(1, 2).build();
            let name = format!("{name}-{}", direction.name());
            table = table.case_in(name, Setting::Bridge, *direction, frame);
        }
    }
    table
}

fn prefixes() -> Table {
    let table = Table::new(
        "prefixes",
        "The longest prefix that holds the customer's address decides: the destination of downloads,\n\
         the source of uploads. The addresses are those of crates/kernel/tests/packets/network.rs.",
    );
    let table = both_ways(
        table,
        &[
            ("host-in-24-in-8-ipv4", "10.1.2.3"),
            ("24-in-8-ipv4", "10.1.2.4"),
            ("8-ipv4", "10.255.255.255"),
            ("host-in-64-in-16-ipv6", "fd00:1:2::3"),
            ("64-in-16-ipv6", "fd00:1:2::4"),
            ("16-ipv6", "fd00:ffff::1"),
            ("host-in-24-ipv4", "100.64.2.7"),
            ("24-first-ipv4", "100.64.2.0"),
            ("24-last-ipv4", "100.64.2.255"),
            ("behind-24-ipv4", "100.64.3.0"),
            ("64-in-48-ipv6", "2001:db8:2:7::9"),
            ("48-last-ipv6", "2001:db8:2:ffff:ffff:ffff:ffff:ffff"),
            ("behind-48-ipv6", "2001:db8:3::"),
            ("unknown-ipv4", "100.64.77.77"),
            ("unknown-ipv6", "2001:db8:77::77"),
            ("outside-ipv4", "198.51.100.1"),
            ("outside-ipv6", "2001:dba::1"),
            ("ignored-ipv4", "100.64.200.8"),
            ("ignored-ipv6", "2001:db8:8000:8::1"),
            ("device-in-ignored-ipv4", "100.64.200.9"),
            ("device-in-ignored-ipv6", "2001:db8:8000:9::1"),
            ("customers-in-ignored-ipv4", "100.64.130.1"),
            ("unspecified-ipv4", "0.0.0.0"),
            ("unspecified-ipv6", "::"),
            ("multicast-ipv4", "224.0.0.251"),
            ("multicast-ipv6", "ff02::fb"),
        ],
    );
    // Between two customers each direction is about the end on its own side.
    let ip = || testkit::Ipv4::new([100, 64, 1, 10], [100, 64, 2, 7]);
    table
        .case("customer-to-customer-download", Frame::ethernet().ipv4(ip()).udp(1, 2).build())
        .case_in(
            "customer-to-customer-upload",
            Setting::Bridge,
            Direction::Upload,
            Frame::ethernet().ipv4(ip()).udp(1, 2).build(),
        )
}

fn places() -> Table {
    both_ways(
        Table::new(
            "places",
            "A circuit without a class has its packets counted, steered and left unclaimed on the way\n\
             out; one whose CPU takes no packets has them pass on the CPU where they are.",
        ),
        &[
            ("no-class-ipv4", "100.64.6.6"),
            ("no-class-ipv6", "2001:db8:6::6"),
            ("no-cpu-ipv4", "100.64.7.7"),
            ("no-cpu-ipv6", "2001:db8:7::7"),
        ],
    )
}
