//! What the programs count, read without stopping them.

use std::net::IpAddr;

use libbpf_rs::{MapCore, MapFlags, MapHandle, Object};
use units::{CircuitSlot, PerDirection};

use super::clock::{Clock, Moment};
use super::load::{access, map_handle, mapped};
use super::mapped::Mapped;
use super::traffic::Traffic;
use super::{DatapathError, MapSizes};

/// What the programs count. Reading is a memory read for all but unknown hosts.
#[derive(Debug)]
pub struct Counters {
    traffic: Traffic,
    totals: Mapped<abi::Totals>,
    unknown: MapHandle,
    clock: Clock,
    sizes: MapSizes,
}

/// A host that no device covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownHost {
    /// Its address.
    pub address: IpAddr,
    /// `CLOCK_MONOTONIC` of its first packet, to a timer tick.
    pub first_seen_ns: u64,
    /// Likewise of its last.
    pub last_seen_ns: u64,
    /// Whole frames.
    pub counts: PerDirection<abi::Count>,
}

impl Counters {
    pub(super) fn new(
        object: &Object,
        sizes: &MapSizes,
        cpus: usize,
    ) -> Result<Self, DatapathError> {
        Ok(Self {
            traffic: Traffic::new(object, sizes, cpus)?,
            totals: mapped(object, "tg_totals", cpus)?,
            unknown: map_handle(object, "tg_unknown")?,
            clock: Clock::new(object)?,
            sizes: *sizes,
        })
    }

    /// A circuit's traffic since the programs were loaded, all CPUs added; at
    /// `direction * Protocol::COUNT + protocol`. Zero beyond the table.
    pub fn traffic(&self, slot: CircuitSlot) -> [abi::Count; 8] {
        self.traffic.sum(slot)
    }

    /// The box's traffic since the programs were loaded, all CPUs added.
    pub fn totals(&self) -> abi::Totals {
        let mut sum = abi::Totals::default();
        for cpu in 0..self.totals.rows() {
            add_words(&mut sum, &self.totals.read(cpu));
        }
        sum.unknown_full = 0;
        sum
    }

    /// All unknown hosts, in no order.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn unknown_hosts(&self) -> Result<Vec<UnknownHost>, DatapathError> {
        // All in one call: the kernel cuts a batch short at a bucket that no longer fits, and a
        // short batch ends the iteration.
        let entries = self
            .unknown
            .lookup_batch(self.sizes.unknown_hosts.max(1), MapFlags::ANY, MapFlags::ANY)
            .map_err(|source| access("read", "tg_unknown", source))?;
        let now = self.clock.now()?;
        Ok(entries.filter_map(|(key, value)| unknown_host(&key, &value, now)).collect())
    }

    /// Forgets unknown hosts, making room for others.
    ///
    /// # Errors
    /// When one could not be removed, though it was there.
    pub fn forget_unknown(&self, hosts: &[IpAddr]) -> Result<(), DatapathError> {
        for host in hosts {
            match self.unknown.delete(&abi::Address::from(*host).bytes) {
                Err(error) if error.kind() == libbpf_rs::ErrorKind::NotFound => {}
                removed => removed.map_err(|source| access("remove from", "tg_unknown", source))?,
            }
        }
        Ok(())
    }

    /// Room for unknown hosts.
    pub const fn unknown_capacity(&self) -> u32 {
        self.sizes.unknown_hosts
    }
}

fn unknown_host(key: &[u8], value: &[u8], now: Moment) -> Option<UnknownHost> {
    let address = abi::Address { bytes: key.try_into().ok()? };
    let host: abi::UnknownHost = bytemuck::try_pod_read_unaligned(value).ok()?;
    let [down, up] = host.counts;
    Some(UnknownHost {
        address: address.into(),
        first_seen_ns: now.ns(host.first_seen),
        last_seen_ns: now.ns(host.last_seen),
        counts: PerDirection { down, up },
    })
}

/// Adds records that are nothing but 64-bit counters.
fn add_words<T: bytemuck::Pod>(sum: &mut T, other: &T) {
    let other: &[u64] = bytemuck::cast_slice(std::slice::from_ref(other));
    let sum: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(sum));
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum = sum.wrapping_add(*other);
    }
}
