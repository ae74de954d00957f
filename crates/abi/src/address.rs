//! Addresses as the kernel programs have them: of both families in one form.

use core::net::{IpAddr, Ipv6Addr};

use crate::Address;

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        let mapped = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        Self { bytes: mapped.octets() }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        Ipv6Addr::from(address.bytes).to_canonical()
    }
}
