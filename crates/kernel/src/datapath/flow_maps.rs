//! The two maps of flows, one for each address family.

use std::net::Ipv6Addr;

use bytemuck::{Pod, Zeroable};
use libbpf_rs::{MapCore, MapFlags, MapHandle, Object};

use super::DatapathError;
use super::load::{access, map_handle};

/// The map of IPv4 flows.
pub(super) const IPV4: &str = "tg_ipv4_flows";
/// The map of IPv6 flows.
pub(super) const IPV6: &str = "tg_ipv6_flows";

/// Entries that one system call writes or deletes.
const BATCH: usize = 4096;

/// How many IPv6 flows there is room for beside so many of IPv4.
pub(super) const fn ipv6_flows(flows: u32) -> u32 {
    flows.div_ceil(2)
}

/// Both maps, by the keys that fit all flows.
#[derive(Debug)]
pub(super) struct FlowMaps {
    pub(super) ipv4: MapHandle,
    pub(super) ipv6: MapHandle,
}

/// A key in its own map.
enum Key {
    Ipv4(abi::Ipv4FlowKey),
    Ipv6(abi::FlowKey),
}

impl FlowMaps {
    pub(super) fn new(object: &Object) -> Result<Self, DatapathError> {
        Ok(Self { ipv4: map_handle(object, IPV4)?, ipv6: map_handle(object, IPV6)? })
    }

    /// The entry of a flow.
    pub(super) fn lookup(&self, key: &abi::FlowKey) -> Result<Option<abi::Flow>, DatapathError> {
        match own_key(key) {
            Key::Ipv4(key) => value(&self.ipv4, IPV4, &key),
            Key::Ipv6(key) => {
                let found: Option<abi::Ipv6Flow> = value(&self.ipv6, IPV6, &key)?;
                Ok(found.map(|found| found.flow))
            }
        }
    }

    /// Writes as many `flows` as `keys`.
    pub(super) fn write(
        &self,
        keys: &[abi::FlowKey],
        flows: &[abi::Flow],
    ) -> Result<(), DatapathError> {
        let (mut ipv4, mut ipv6) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for (key, flow) in keys.iter().zip(flows) {
            match own_key(key) {
                Key::Ipv4(key) => {
                    ipv4.0.push(key);
                    ipv4.1.push(*flow);
                }
                Key::Ipv6(key) => {
                    ipv6.0.push(key);
                    ipv6.1.push(abi::Ipv6Flow { flow: *flow, ..abi::Ipv6Flow::zeroed() });
                }
            }
        }
        write(&self.ipv4, IPV4, &ipv4.0, &ipv4.1)?;
        write(&self.ipv6, IPV6, &ipv6.0, &ipv6.1)
    }

    /// Removes flows. One that is not there is none to remove.
    pub(super) fn remove(&self, keys: &[abi::FlowKey]) -> Result<(), DatapathError> {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for key in keys {
            match own_key(key) {
                Key::Ipv4(key) => ipv4.push(key),
                Key::Ipv6(key) => ipv6.push(key),
            }
        }
        remove(&self.ipv4, IPV4, &ipv4)?;
        remove(&self.ipv6, IPV6, &ipv6)
    }
}

fn own_key(key: &abi::FlowKey) -> Key {
    let ipv4 = |address: abi::Address| Ipv6Addr::from(address.bytes).to_ipv4_mapped();
    match (ipv4(key.customer), ipv4(key.internet)) {
        (Some(customer), Some(internet)) => Key::Ipv4(abi::Ipv4FlowKey {
            customer: u32::from_ne_bytes(customer.octets()),
            internet: u32::from_ne_bytes(internet.octets()),
            customer_port: key.customer_port,
            internet_port: key.internet_port,
            protocol: key.protocol,
            padding: [0; 3],
        }),
        _ => Key::Ipv6(*key),
    }
}

fn value<K: Pod, V: Pod>(
    map: &MapHandle,
    name: &'static str,
    key: &K,
) -> Result<Option<V>, DatapathError> {
    let value = map
        .lookup(bytemuck::bytes_of(key), MapFlags::ANY)
        .map_err(|source| access("read", name, source))?;
    Ok(value.and_then(|bytes| bytemuck::try_pod_read_unaligned(&bytes).ok()))
}

fn write<K: Pod, V: Pod>(
    map: &MapHandle,
    name: &'static str,
    keys: &[K],
    values: &[V],
) -> Result<(), DatapathError> {
    for (keys, values) in keys.chunks(BATCH).zip(values.chunks(BATCH)) {
        let count = keys.len() as u32;
        let (keys, values) = (bytemuck::cast_slice(keys), bytemuck::cast_slice(values));
        map.update_batch(keys, values, count, MapFlags::ANY, MapFlags::ANY)
            .map_err(|source| access("write to", name, source))?;
    }
    Ok(())
}

fn remove<K: Pod>(map: &MapHandle, name: &'static str, keys: &[K]) -> Result<(), DatapathError> {
    let is_gone = |error: &libbpf_rs::Error| error.kind() == libbpf_rs::ErrorKind::NotFound;
    for batch in keys.chunks(BATCH) {
        let bytes = bytemuck::cast_slice(batch);
        match map.delete_batch(bytes, batch.len() as u32, MapFlags::ANY, MapFlags::ANY) {
            // a batch ends at a key that is not there
            Err(error) if is_gone(&error) => {
                for key in batch {
                    match map.delete(bytemuck::bytes_of(key)) {
                        Err(error) if is_gone(&error) => {}
                        deleted => deleted.map_err(|source| access("remove from", name, source))?,
                    }
                }
            }
            deleted => deleted.map_err(|source| access("remove from", name, source))?,
        }
    }
    Ok(())
}
