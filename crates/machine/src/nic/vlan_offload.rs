//! Offloads that hide from our programs what they need to see.
//!
//! A NIC that strips VLAN tags on reception hands XDP the packet without its tag.

use std::io;

use thiserror::Error;
use tracing::warn;

use crate::wire::{Sockets, Wire};

/// The kernel's name for stripping VLAN tags on reception.
const RX_VLAN: &str = "rx-vlan-hw-parse";
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

/// Whether the NIC called `name` strips VLAN tags on reception.
///
/// # Errors
/// When the kernel does not tell.
pub fn rx_vlan_offload(name: &str) -> Result<bool, OffloadError> {
    is_on(name, RX_VLAN)
}

/// Whether the NIC called `name` joins packets on reception into ones that cannot be forwarded.
///
/// # Errors
/// When the kernel does not tell.
pub fn large_receive_offload(name: &str) -> Result<bool, OffloadError> {
    is_on(name, LARGE_RECEIVE)
}

/// A NIC that leaves VLAN tags where they are; dropping it restores what was.
#[derive(Debug)]
#[must_use = "dropping the guard restores the offload"]
pub struct RxVlanGuard {
    /// The NIC, where the offload was on.
    changed: Option<String>,
}

impl RxVlanGuard {
    /// Turns the offload of the NIC called `name` off, if it is on.
    ///
    /// # Errors
    /// When the driver does not let it be turned off: tagged packets would then be misread.
    pub fn turn_off(name: &str) -> Result<Self, OffloadError> {
        if !rx_vlan_offload(name)? {
            return Ok(Self { changed: None });
        }
        set_rx_vlan(name, false)?;
        let guard = Self { changed: Some(name.to_owned()) };
        if rx_vlan_offload(name)? {
            let source = io::Error::new(io::ErrorKind::Unsupported, "the driver keeps it on");
            return Err(OffloadError { operation: TURN_OFF, name: name.to_owned(), source });
        }
        Ok(guard)
    }

    /// Takes over what a daemon before has turned off: dropping this turns it on again.
    pub fn take_over(&mut self, name: &str) {
        self.changed = Some(name.to_owned());
    }

    /// Leaves the offload as it is.
    pub fn leave(mut self) {
        self.changed = None;
    }

    /// Whether it was on.
    pub fn was_on(&self) -> bool {
        self.changed.is_some()
    }
}

impl Drop for RxVlanGuard {
    fn drop(&mut self) {
        if let Some(name) = &self.changed
            && let Err(error) = set_rx_vlan(name, true)
        {
            warn!(%error, nic = name, "could not restore VLAN offload on reception");
        }
    }
}

const TURN_OFF: &str = "change VLAN offload on reception";

fn is_on(name: &str, offload: &str) -> Result<bool, OffloadError> {
    let operation = "read the offloads";
    let offloads = Sockets::new().offloads(name);
    let failed = |source| OffloadError { operation, name: name.to_owned(), source };
    Ok(offloads.map_err(failed)?.get(offload).is_some_and(|offload| offload.on))
}

fn set_rx_vlan(name: &str, on: bool) -> Result<(), OffloadError> {
    let failed = |source| OffloadError { operation: TURN_OFF, name: name.to_owned(), source };
    Sockets::new().set_offload(name, RX_VLAN, on).map_err(failed)
}
