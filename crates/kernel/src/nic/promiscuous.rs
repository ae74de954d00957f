//! Receiving what is not addressed to us, as a NIC must where we forward in a bridge's stead.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use thiserror::Error;
use tracing::warn;

/// Whether a NIC receives everything could not be read or changed.
#[derive(Debug, Error)]
#[error("could not {operation} network interface {name:?} to receive what is not addressed to it")]
pub struct PromiscuousError {
    operation: &'static str,
    name: String,
    source: io::Error,
}

/// A NIC that receives everything; dropping it restores what was. It stays so when we are killed, as
/// programs that forward do.
#[derive(Debug)]
#[must_use = "dropping the guard restores the NIC"]
pub struct PromiscuousGuard {
    name: String,
    /// Whether it was not before.
    changed: bool,
}

impl PromiscuousGuard {
    /// Has the NIC called `name` receive everything (`IFF_PROMISC`, netdevice(7)).
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub fn turn_on(name: &str) -> Result<Self, PromiscuousError> {
        let failed =
            |operation| move |source| PromiscuousError { operation, name: name.to_owned(), source };
        let flags = flags(name, None).map_err(failed("ask"))?;
        let changed = flags & libc::IFF_PROMISC == 0;
        if changed {
            self::flags(name, Some(flags | libc::IFF_PROMISC)).map_err(failed("tell"))?;
        }
        Ok(Self { name: name.to_owned(), changed })
    }

    /// Whether it was not so before.
    pub const fn changed(&self) -> bool {
        self.changed
    }

    /// Takes over what a daemon before has changed: dropping this restores what was before that.
    pub const fn take_over(&mut self) {
        self.changed = true;
    }

    /// Leaves the NIC as it is.
    pub fn leave(mut self) {
        self.changed = false;
    }
}

impl Drop for PromiscuousGuard {
    fn drop(&mut self) {
        if !self.changed {
            return;
        }
        let restored = flags(&self.name, None)
            .and_then(|now| flags(&self.name, Some(now & !libc::IFF_PROMISC)));
        if let Err(error) = restored {
            warn!(%error, nic = self.name, "could not restore which packets are received");
        }
    }
}

/// The NIC's flags, after they were set to `new`.
fn flags(name: &str, new: Option<i32>) -> io::Result<i32> {
    let socket: OwnedFd = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: new.unwrap_or(0) as i16 },
    };
    if name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::NotFound.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    let command = if new.is_some() { libc::SIOCSIFFLAGS } else { libc::SIOCGIFFLAGS };
    // SAFETY: both commands take a pointer to an ifreq with a zero-terminated name (checked above)
    // and read or write its flags; it lives on this stack frame until the call returns.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), command, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both commands leave the flags in the union.
    Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags } as u16))
}
