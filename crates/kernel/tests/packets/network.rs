//! The small provider whose packets are tried: who has which address, and where it leads.

use std::net::IpAddr;

use kernel::datapath::{MapSizes, MapTables};
use kernel::tables::{AddressTarget, CircuitPlace, Tables};
use units::{CircuitSlot, CpuId, IpPrefix, PerDirection, QueueId, TcHandle};

/// Rows of the circuits' table.
pub(crate) const CIRCUITS: u32 = 16;
/// The circuit that has an address, but no place.
pub(crate) const HOMELESS: u32 = 6;
/// The circuit whose CPU takes no packets.
pub(crate) const STRANDED: u32 = 7;
/// VLANs on a stick.
pub(crate) const INTERNET_VLAN: u16 = 100;
/// Likewise.
pub(crate) const CUSTOMERS_VLAN: u16 = 200;

const CUSTOMERS: AddressTarget = AddressTarget::Customers;
const IGNORED: AddressTarget = AddressTarget::Ignored;

const fn circuit(slot: u32) -> AddressTarget {
    AddressTarget::Circuit(CircuitSlot::new(slot))
}

/// Every prefix and where it leads. Prefixes lie in one another on purpose.
pub(crate) const ADDRESSES: &[(&str, AddressTarget)] = &[
    ("100.64.0.0/10", CUSTOMERS),
    ("2001:db8::/32", CUSTOMERS),
    ("100.64.1.10", circuit(0)),
    ("2001:db8:1::10", circuit(0)),
    ("100.64.2.0/24", circuit(1)),
    ("2001:db8:2::/48", circuit(1)),
    ("100.64.2.7", circuit(2)),
    ("2001:db8:2:7::/64", circuit(2)),
    ("10.0.0.0/8", circuit(3)),
    ("fd00::/16", circuit(3)),
    ("10.1.2.0/24", circuit(4)),
    ("fd00:1:2::/64", circuit(4)),
    ("10.1.2.3", circuit(5)),
    ("fd00:1:2::3", circuit(5)),
    ("100.64.6.6", circuit(HOMELESS)),
    ("2001:db8:6::6", circuit(HOMELESS)),
    ("100.64.7.7", circuit(STRANDED)),
    ("2001:db8:7::7", circuit(STRANDED)),
    // Ignored blocks inside a customers' range, with one device each that is not ignored.
    ("100.64.128.0/17", IGNORED),
    ("2001:db8:8000::/33", IGNORED),
    ("100.64.200.9", circuit(8)),
    ("2001:db8:8000:9::/64", circuit(8)),
    // A customer's range inside an ignored block.
    ("100.64.130.0/24", CUSTOMERS),
];

/// All of them, parsed.
pub(crate) fn addresses() -> Vec<(IpPrefix, AddressTarget)> {
    ADDRESSES.iter().map(|(text, target)| (text.parse().unwrap(), *target)).collect()
}

/// Somebody on the Internet.
pub(crate) fn server(is_ipv6: bool) -> IpAddr {
    if is_ipv6 { "2001:db9::1".parse().unwrap() } else { "203.0.113.1".parse().unwrap() }
}

/// Where a circuit's packets go.
pub(crate) fn place(slot: u32) -> Option<CircuitPlace> {
    (slot <= 8 && slot != HOMELESS).then(|| CircuitPlace {
        class: PerDirection {
            down: TcHandle::new(1, 0x10 + slot as u16),
            up: TcHandle::new(2, 0x10 + slot as u16),
        },
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(if slot == STRANDED { 4095 } else { 0 }),
    })
}

/// Room for everything above.
pub(crate) const fn sizes(unknown_hosts: u32) -> MapSizes {
    MapSizes { circuits: CIRCUITS, hosts: 64, prefixes: 64, unknown_hosts, flows: 65_536 }
}

/// Fills the tables.
pub(crate) fn fill(tables: &mut MapTables) {
    let rows: Vec<_> = (0..CIRCUITS).map(|slot| (CircuitSlot::new(slot), place(slot))).collect();
    tables.set_circuits(&rows).unwrap();
    let rows: Vec<_> =
        addresses().into_iter().map(|(prefix, target)| (prefix, Some(target))).collect();
    tables.set_addresses(&rows).unwrap();
}
