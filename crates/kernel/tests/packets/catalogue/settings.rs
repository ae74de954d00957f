//! How the box is set up.

use abi::Direction;
use testkit::Frame;

use super::{FAMILIES, Table, between, device, tcp, with};
use crate::network::{CUSTOMERS_VLAN, INTERNET_VLAN};
use crate::stage::Setting;

pub(super) fn tables() -> Vec<Table> {
    vec![modes(), stick()]
}

fn modes() -> Table {
    let mut table = Table::new(
        "modes",
        "The same packets in other settings: observing steers nothing, a NIC that is not ours and the\n\
         bypass count nothing but a verdict, and a full list of unknown hosts is noted.",
    );
    for setting in [Setting::Observe, Setting::OtherNic, Setting::Bypass, Setting::UnknownFull] {
        for direction in Direction::ALL {
            for (is_ipv6, family) in FAMILIES {
                let unknown = if is_ipv6 { "2001:db8:77::77" } else { "100.64.77.77" };
                let outside = if is_ipv6 { "2001:dba::1" } else { "198.51.100.1" };
                let who = [
                    ("circuit", device(is_ipv6)),
                    ("unknown", unknown.parse().unwrap()),
                    ("outside", outside.parse().unwrap()),
                ];
                for (who, address) in who {
                    let frame = between(Frame::ethernet(), *direction, address).tcp(tcp()).build();
                    let name = format!("{}-{who}-{family}-{}", setting.name(), direction.name());
                    table = table.case_in(name, setting, *direction, frame);
                }
            }
        }
        let frame =
            between(Frame::ethernet(), Direction::Download, device(false)).udp(1, 2).build();
        table = table
            .case_in(
                format!("{}-malformed", setting.name()),
                setting,
                Direction::Download,
                with(frame.clone(), 14, &[0x41]),
            )
            .case_in(
                format!("{}-arp", setting.name()),
                setting,
                Direction::Download,
                with(frame, 12, &[8, 6]),
            );
    }
    table
}

fn stick() -> Table {
    let mut table = Table::new(
        "stick",
        "One NIC with two VLANs: the outer tag tells the direction, whatever the line \"direction\"\n\
         says. A packet of a trial leaves with the tag that it came with, not with the other side's\n\
         one that forwarding gives it, and so counts as going back out where it came from.",
    );
    for (name, frame) in [
        ("internet", Frame::ethernet().vlan(INTERNET_VLAN)),
        ("internet-with-priority", Frame::ethernet().vlan(0xa000 | INTERNET_VLAN)),
        ("customers", Frame::ethernet().vlan(CUSTOMERS_VLAN)),
        ("foreign", Frame::ethernet().vlan(300)),
        ("priority-tagged", Frame::ethernet().vlan(0xe000)),
        ("untagged", Frame::ethernet()),
        ("inner-is-ours", Frame::ethernet().service_vlan(300).vlan(INTERNET_VLAN)),
        ("outer-is-ours", Frame::ethernet().service_vlan(INTERNET_VLAN).vlan(300)),
        ("pppoe-internet", Frame::ethernet().vlan(INTERNET_VLAN).pppoe(1)),
    ] {
        for direction in Direction::ALL {
            for (is_ipv6, family) in FAMILIES {
                let frame = between(frame.clone(), *direction, device(is_ipv6)).tcp(tcp()).build();
                let name = format!("{name}-{family}-{}", direction.name());
                table = table.case_in(name, Setting::Stick, *direction, frame);
            }
        }
    }
    table
}
