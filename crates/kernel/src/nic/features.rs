//! Offloads that hide from our programs what they need to see, by the ethtool ioctl.
//!
//! A NIC that strips VLAN tags on reception hands XDP the packet without its tag.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use thiserror::Error;
use tracing::warn;

/// `ETHTOOL_GFLAGS`.
const GET_FLAGS: u32 = 0x25;
/// `ETHTOOL_SFLAGS`.
const SET_FLAGS: u32 = 0x26;
/// `ETH_FLAG_RXVLAN`.
const RX_VLAN: u32 = 1 << 8;
/// `ETH_FLAG_LRO`.
const LARGE_RECEIVE: u32 = 1 << 15;

/// An offload could not be read or changed.
#[derive(Debug, Error)]
#[error("could not {operation} of network interface {name:?}")]
pub struct FeatureError {
    operation: &'static str,
    name: String,
    source: io::Error,
}

/// Whether the NIC called `name` strips VLAN tags on reception.
///
/// # Errors
/// When the kernel does not tell.
pub fn rx_vlan_offload(name: &str) -> Result<bool, FeatureError> {
    Ok(flags(name)? & RX_VLAN != 0)
}

/// Whether the NIC called `name` joins packets on reception into ones that cannot be forwarded.
///
/// # Errors
/// When the kernel does not tell.
pub fn large_receive_offload(name: &str) -> Result<bool, FeatureError> {
    Ok(flags(name)? & LARGE_RECEIVE != 0)
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
    pub fn turn_off(name: &str) -> Result<Self, FeatureError> {
        if !rx_vlan_offload(name)? {
            return Ok(Self { changed: None });
        }
        set_rx_vlan(name, false)?;
        let guard = Self { changed: Some(name.to_owned()) };
        if rx_vlan_offload(name)? {
            let source = io::Error::new(io::ErrorKind::Unsupported, "the driver keeps it on");
            return Err(FeatureError { operation: TURN_OFF, name: name.to_owned(), source });
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

fn flags(name: &str) -> Result<u32, FeatureError> {
    let operation = "read the offloads";
    ethtool(name, GET_FLAGS, 0).map_err(|source| FeatureError {
        operation,
        name: name.to_owned(),
        source,
    })
}

fn set_rx_vlan(name: &str, on: bool) -> Result<(), FeatureError> {
    let old = flags(name)?;
    let new = if on { old | RX_VLAN } else { old & !RX_VLAN };
    ethtool(name, SET_FLAGS, new).map(|_| ()).map_err(|source| FeatureError {
        operation: TURN_OFF,
        name: name.to_owned(),
        source,
    })
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Carries out a command that takes or gives one number in the calling thread's namespace.
fn ethtool(name: &str, command: u32, data: u32) -> io::Result<u32> {
    let socket: OwnedFd = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut value = EthtoolValue { command, data };
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() },
    };
    if name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::NotFound.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: SIOCETHTOOL takes a pointer to an ifreq with a zero-terminated name (checked above)
    // whose ifru_data points to the structure that the command in its first word asks for: for
    // GFLAGS and SFLAGS that is ethtool_value. Both live on this stack frame until the call returns.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value.data) }
}
