//! From address blocks to what they lead to, in the kernel's maps.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle};
use units::{CircuitSlot, IpPrefix};

use super::DatapathError;
use super::buckets::{self, Buckets};
use super::load::access;
use crate::tables::AddressTarget;

/// Entries written by one system call.
const BATCH: usize = 4096;

/// The number that stands for the target in the maps.
const fn code(target: AddressTarget) -> u32 {
    match target {
        AddressTarget::Circuit(slot) => slot.get(),
        AddressTarget::Ignored => abi::TARGET_IGNORED,
        AddressTarget::Customers => abi::TARGET_CUSTOMERS,
    }
}

/// The target that a number in the maps stands for.
const fn target(code: u32) -> AddressTarget {
    match code {
        abi::TARGET_IGNORED => AddressTarget::Ignored,
        abi::TARGET_CUSTOMERS => AddressTarget::Customers,
        slot => AddressTarget::Circuit(CircuitSlot::new(slot)),
    }
}

/// Single addresses, or longer blocks, and what each leads to.
#[derive(Clone, Copy)]
pub(super) struct AddressMap<'a> {
    /// Where IPv4 addresses lie; none for blocks.
    pub(super) buckets: Option<&'a Buckets>,
    pub(super) map: &'a MapHandle,
    pub(super) name: &'static str,
    pub(super) capacity: u32,
}

impl AddressMap<'_> {
    /// Whether it is the one for single addresses.
    pub(super) const fn is_of_hosts(&self) -> bool {
        self.buckets.is_some()
    }

    pub(super) fn read(&self) -> Result<BTreeMap<IpPrefix, AddressTarget>, DatapathError> {
        // One batch for all. The kernel cuts a batch short where a hash bucket does not fit into
        // the rest of it, and the iterator takes a short batch for the last.
        let entries = self
            .map
            .lookup_batch(self.capacity.max(1), MapFlags::ANY, MapFlags::ANY)
            .map_err(|source| access("read", self.name, source))?;
        let entry = |(key, value): (Vec<u8>, Vec<u8>)| {
            Some((self.prefix(&key)?, target(u32::from_ne_bytes(value.try_into().ok()?))))
        };
        let strange = || io::Error::new(io::ErrorKind::InvalidData, "a key is no address block");
        let mut all = entries
            .map(|found| entry(found).ok_or_else(|| access("read", self.name, strange().into())))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        // where a host is in both, the programs look into the bucket first
        let hosts = self.buckets.into_iter().flat_map(Buckets::read);
        all.extend(hosts.map(|(host, code)| (IpPrefix::host(host.into()), target(code))));
        Ok(all)
    }

    /// The block that a key stands for.
    fn prefix(&self, key: &[u8]) -> Option<IpPrefix> {
        let (address, length) = if self.is_of_hosts() {
            (bytemuck::try_pod_read_unaligned::<abi::Address>(key).ok()?, 128)
        } else {
            let key: abi::Prefix = bytemuck::try_pod_read_unaligned(key).ok()?;
            (key.address, u8::try_from(key.length).ok()?)
        };
        let address = Ipv6Addr::from(address.bytes);
        match (address.to_ipv4_mapped(), length.checked_sub(96)) {
            (Some(v4), Some(length)) => IpPrefix::new(v4.into(), length).ok(),
            _ => IpPrefix::new(address.into(), length).ok(),
        }
    }

    pub(super) fn insert(
        &self,
        entries: &[(IpPrefix, AddressTarget)],
    ) -> Result<(), DatapathError> {
        let mut rest = Vec::with_capacity(entries.len());
        for (prefix, target) in entries {
            if !self.put_into_bucket(*prefix, *target)? {
                rest.push((*prefix, *target));
            }
        }
        self.insert_into_map(&rest)
    }

    /// Whether it is an IPv4 address whose bucket has a place.
    fn put_into_bucket(
        &self,
        prefix: IpPrefix,
        target: AddressTarget,
    ) -> Result<bool, DatapathError> {
        let (Some(buckets), Some(host)) = (self.buckets, ipv4_host(prefix)) else {
            return Ok(false);
        };
        if buckets.put(host, code(target)) {
            return Ok(true);
        }
        buckets.spill(host, |host, code| {
            self.insert_into_map(&[(IpPrefix::host(host.into()), self::target(code))])
        })?;
        Ok(false)
    }

    fn insert_into_map(&self, entries: &[(IpPrefix, AddressTarget)]) -> Result<(), DatapathError> {
        for batch in entries.chunks(BATCH) {
            let keys: Vec<u8> = batch.iter().flat_map(|(prefix, _)| key(*prefix)).collect();
            let values: Vec<u8> =
                batch.iter().flat_map(|(_, target)| code(*target).to_ne_bytes()).collect();
            self.map
                .update_batch(&keys, &values, batch.len() as u32, MapFlags::ANY, MapFlags::ANY)
                .map_err(|source| access("write to", self.name, source))?;
        }
        Ok(())
    }

    pub(super) fn remove(&self, prefixes: &[IpPrefix]) -> Result<(), DatapathError> {
        for prefix in prefixes {
            if let (Some(buckets), Some(host)) = (self.buckets, ipv4_host(*prefix))
                && !buckets.remove(host)
            {
                continue;
            }
            match self.map.delete(&key(*prefix)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(|source| access("remove from", self.name, source))?,
            }
        }
        Ok(())
    }
}

/// The block's key in the map that holds its kind.
fn key(prefix: IpPrefix) -> Vec<u8> {
    let (address, length) = prefix.mapped();
    let address = abi::Address { bytes: address.octets() };
    if prefix.is_host() {
        bytemuck::bytes_of(&address).to_vec()
    } else {
        bytemuck::bytes_of(&abi::Prefix { length: length.into(), address }).to_vec()
    }
}

/// The IPv4 address that may lie in a bucket.
fn ipv4_host(prefix: IpPrefix) -> Option<Ipv4Addr> {
    match prefix.addr() {
        IpAddr::V4(host) if prefix.is_host() && buckets::fits(host) => Some(host),
        _ => None,
    }
}
