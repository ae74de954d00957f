//! What the kernel's records of flows and of single segments have in common.

use state::{FlowKey, Owner};
use units::CircuitSlot;

/// A flow as it is known here.
pub(crate) fn flow_key(key: &abi::FlowKey) -> FlowKey {
    FlowKey {
        customer: key.customer.into(),
        internet: key.internet.into(),
        customer_port: u16::from_be(key.customer_port),
        internet_port: u16::from_be(key.internet_port),
        protocol: key.protocol,
    }
}

/// The same flow as the kernel knows it.
pub(crate) fn kernel_key(key: &FlowKey) -> abi::FlowKey {
    abi::FlowKey {
        customer: key.customer.into(),
        internet: key.internet.into(),
        customer_port: key.customer_port.to_be(),
        internet_port: key.internet_port.to_be(),
        protocol: key.protocol,
        padding: [0; 3],
    }
}

/// Whose traffic it is by a value of the kernel's address maps: those that are no slots stand for
/// hosts that no device covers.
pub(crate) fn owner(target: u32) -> Owner {
    match target {
        abi::TARGET_IGNORED | abi::TARGET_CUSTOMERS => Owner::Unknown,
        slot => Owner::Circuit(CircuitSlot::new(slot)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(customer: &str, internet: &str) -> FlowKey {
        FlowKey {
            customer: customer.parse().unwrap(),
            internet: internet.parse().unwrap(),
            customer_port: 51_234,
            internet_port: 443,
            protocol: 6,
        }
    }

    #[test]
    fn keys_go_to_the_kernel_and_back() {
        for key in [key("100.64.0.1", "192.0.2.80"), key("2001:db8::1", "2001:db8:1::2")] {
            assert_eq!(flow_key(&kernel_key(&key)), key);
        }
    }

    #[test]
    fn the_kernel_has_mapped_addresses_and_ports_in_network_order() {
        let key = kernel_key(&key("100.64.0.1", "192.0.2.80"));
        assert_eq!(key.customer.bytes[10..], [0xff, 0xff, 100, 64, 0, 1]);
        assert_eq!(key.customer_port.to_ne_bytes(), [0xc8, 0x22]);
        assert_eq!(key.internet_port.to_ne_bytes(), [0x01, 0xbb]);
    }

    #[test]
    fn only_slots_are_circuits() {
        assert_eq!(owner(7), Owner::Circuit(CircuitSlot::new(7)));
        assert_eq!(owner(abi::TARGET_CUSTOMERS), Owner::Unknown);
        assert_eq!(owner(abi::TARGET_IGNORED), Owner::Unknown);
    }
}
