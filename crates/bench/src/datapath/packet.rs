//! The packets: a frame of each kind, and where the driver rewrites it.

use kernel::datapath::Course;
use testkit::{Frame, Ipv4, Ipv6, Tcp};

use super::provider::{
    CUSTOMERS_VLAN, FIRST_SHAPED4, FIRST_SHAPED6, FIRST_UNKNOWN4, INTERNET_VLAN, SERVER4, SERVER6,
};
use super::scenario::{Customers, Scenario};

/// Bytes of an Ethernet header, and of a VLAN tag.
const ETHERNET: usize = 14;
const TAG: usize = 4;
/// Where a TCP header's sequence number and the value of its one option are.
const SEQUENCE: usize = 4;
const TIMESTAMPS: usize = 24;

/// What the packets consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Downloads, TCP with timestamps over IPv4.
    Tcp4,
    /// Likewise, and every other packet an upload that answers it, on a stick: only by VLAN ids
    /// can the direction of a test run's packets change.
    Tcp4BothWays,
    /// Likewise over IPv6.
    Tcp6,
    /// Downloads, UDP over IPv4.
    Udp4,
}

/// The frame that the driver begins with.
pub(super) fn frame(kind: Kind) -> [u8; Course::FRAME_BYTES] {
    let frame = match kind {
        Kind::Tcp4BothWays => Frame::ethernet().vlan(INTERNET_VLAN),
        _ => Frame::ethernet(),
    };
    let frame = match kind {
        Kind::Tcp6 => frame.ipv6(Ipv6::new(SERVER6.octets(), FIRST_SHAPED6.octets())),
        _ => frame.ipv4(Ipv4::new(SERVER4.octets(), FIRST_SHAPED4.octets())),
    };
    let frame = match kind {
        Kind::Udp4 => frame.udp(443, 0x8000),
        _ => frame.tcp(Tcp::new(443, 0x8000).timestamps(1, 1)),
    };
    let payload = vec![0; Course::FRAME_BYTES - frame.build().len()];
    let mut bytes = [0; Course::FRAME_BYTES];
    bytes.copy_from_slice(&frame.payload(&payload).build());
    bytes
}

/// What the driver makes of it.
pub(super) fn course(scenario: &Scenario) -> Course {
    let kind = scenario.kind;
    let both_ways = kind == Kind::Tcp4BothWays;
    let (tcp, ipv6) = (kind != Kind::Udp4, kind == Kind::Tcp6);
    let ip = ETHERNET + if both_ways { TAG } else { 0 };
    let [source, destination, transport] =
        if ipv6 { [20, 36, 40] } else { [12, 16, 20] }.map(|offset| ip + offset);
    let in_tcp = |offset: usize| if tcp { (transport + offset) as u16 } else { 0 };
    let header = if tcp { 32 } else { 8 };
    let customer = match (scenario.customers, ipv6) {
        (Customers::Shaped, false) => FIRST_SHAPED4.to_bits(),
        (Customers::Shaped, true) => FIRST_SHAPED6.to_bits() as u32,
        (Customers::Unknown, _) => FIRST_UNKNOWN4.to_bits(),
    };
    let moves = |moves: bool| u32::from(moves);
    let new_flows = scenario.flows == 0;
    Course {
        flows: scenario.flows,
        customer,
        internet: if ipv6 { SERVER6.to_bits() as u32 } else { SERVER4.to_bits() },
        // New flows are those of one shaped host, or of unknown hosts that are new as well.
        customer_step: moves(!new_flows || scenario.customers == Customers::Unknown),
        internet_step: moves(scenario.customers == Customers::Shaped),
        alternates: both_ways.into(),
        source_at: source as u16,
        destination_at: destination as u16,
        ports_at: transport as u16,
        sequence_at: in_tcp(SEQUENCE),
        timestamps_at: in_tcp(TIMESTAMPS),
        payload: (Course::FRAME_BYTES - transport - header) as u16,
        vlan_at: if both_ways { ETHERNET as u16 } else { 0 },
        download_vlan: INTERNET_VLAN,
        upload_vlan: CUSTOMERS_VLAN,
        padding: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::ALL;
    use super::*;

    #[test]
    fn the_driver_writes_where_the_fields_are() {
        for scenario in ALL {
            let (frame, course) = (frame(scenario.kind), course(&scenario));
            let at = |at: u16| u32::from_be_bytes(frame[at.into()..][..4].try_into().unwrap());
            assert_eq!(at(course.source_at), course.internet, "{}", scenario.name);
            if scenario.customers == Customers::Shaped {
                assert_eq!(at(course.destination_at), course.customer, "{}", scenario.name);
            }
            assert_eq!(at(course.ports_at), 443 << 16 | 0x8000, "{}", scenario.name);
            if scenario.kind != Kind::Udp4 {
                assert_eq!(at(course.sequence_at), 1, "{}", scenario.name);
                assert_eq!(at(course.timestamps_at - 4), 0x0101_080a, "{}", scenario.name);
                let payload = &frame[usize::from(course.timestamps_at) + 8..];
                assert_eq!(payload.len(), usize::from(course.payload), "{}", scenario.name);
            }
            if course.vlan_at != 0 {
                let tag = u32::from(INTERNET_VLAN) << 16 | 0x0800;
                assert_eq!(at(course.vlan_at), tag, "{}", scenario.name);
            }
        }
    }
}
