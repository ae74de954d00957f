//! Offloads that hide from our programs what they need to see.
//!
//! A NIC that strips VLAN tags on reception hands XDP the packet without its tag.

use std::collections::BTreeMap;
use std::io;

use thiserror::Error;
use tracing::warn;

use crate::wire::{Offload, Sockets, Wire};

/// The kernel's name for stripping 802.1Q's tags on reception,
const RX_TAG: &str = "rx-vlan-hw-parse";
/// and for the outer tag of QinQ.
const RX_OUTER_TAG: &str = "rx-vlan-stag-hw-parse";
/// The kernel's name for joining packets into ones that cannot be forwarded.
const LARGE_RECEIVE: &str = "rx-lro";

/// An offload could not be read or changed.
#[derive(Debug, Error)]
#[error("could not {operation} of network interface {name:?}")]
pub struct OffloadError {
    operation: &'static str,
    name: String,
    source: io::Error,
}

/// By which offloads the NIC called `name` strips VLAN tags on reception, in the kernel's words.
///
/// # Errors
/// When the kernel does not tell.
pub fn rx_vlan_offloads(name: &str) -> Result<Vec<&'static str>, OffloadError> {
    let offloads = offloads(name)?;
    let is_on = |offload: &&str| offloads.get(*offload).is_some_and(|offload| offload.on);
    Ok([RX_TAG, RX_OUTER_TAG].into_iter().filter(is_on).collect())
}

/// Whether the NIC called `name` joins packets on reception into ones that cannot be forwarded.
///
/// # Errors
/// When the kernel does not tell.
pub fn large_receive_offload(name: &str) -> Result<bool, OffloadError> {
    Ok(offloads(name)?.get(LARGE_RECEIVE).is_some_and(|offload| offload.on))
}

/// A NIC that leaves VLAN tags where they are; dropping it restores what was.
#[derive(Debug)]
#[must_use = "dropping the guard restores the offloads"]
pub struct RxVlanGuard {
    name: String,
    /// Offloads that were on.
    changed: Vec<String>,
}

impl RxVlanGuard {
    /// Turns those offloads of the NIC called `name` off that are on. A driver that keeps that of QinQ on is
    /// warned of, as few networks have such tags.
    ///
    /// # Errors
    /// When the driver does not let that of 802.1Q be turned off: tagged packets would then be misread.
    pub fn turn_off(name: &str) -> Result<Self, OffloadError> {
        let mut guard = Self { name: name.to_owned(), changed: Vec::new() };
        for offload in rx_vlan_offloads(name)? {
            match turn_off(name, offload) {
                Ok(()) => guard.changed.push(offload.to_owned()),
                Err(error) if offload == RX_OUTER_TAG => {
                    warn!(%error, nic = name, "packets with two VLAN tags will be misread");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(guard)
    }

    /// Takes over what a daemon before has turned off: dropping this turns it on again.
    pub fn take_over(&mut self, changed: &[String]) {
        let further = changed.iter().filter(|offload| !self.changed.contains(offload));
        let further: Vec<_> = further.cloned().collect();
        self.changed.extend(further);
    }

    /// Leaves the offloads as they are.
    pub fn leave(mut self) {
        self.changed.clear();
    }

    /// Those that were on.
    pub fn changed(&self) -> &[String] {
        &self.changed
    }
}

impl Drop for RxVlanGuard {
    fn drop(&mut self) {
        for offload in &self.changed {
            if let Err(error) = set(&self.name, offload, true) {
                warn!(%error, nic = self.name, offload, "could not restore VLAN offload on reception");
            }
        }
    }
}

const CHANGE: &str = "change VLAN offload on reception";

fn offloads(name: &str) -> Result<BTreeMap<String, Offload>, OffloadError> {
    let failed =
        |source| OffloadError { operation: "read the offloads", name: name.to_owned(), source };
    Sockets::new().offloads(name).map_err(failed)
}

fn turn_off(name: &str, offload: &str) -> Result<(), OffloadError> {
    set(name, offload, false)?;
    if !rx_vlan_offloads(name)?.contains(&offload) {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::Unsupported, "the driver keeps it on");
    Err(OffloadError { operation: CHANGE, name: name.to_owned(), source })
}

fn set(name: &str, offload: &str, on: bool) -> Result<(), OffloadError> {
    let failed = |source| OffloadError { operation: CHANGE, name: name.to_owned(), source };
    Sockets::new().set_offload(name, offload, on).map_err(failed)
}
