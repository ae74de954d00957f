//! Frames as they are, in and out of a host's NIC.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike, bind, recv,
    send, setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::{HOST_NIC, Lab, Mac, Place};

/// The largest frame that is received whole.
const FRAME: usize = 65_536;
/// How long a single receive call rests.
const SLICE_MS: i64 = 20;

/// A packet socket on a host's NIC. It also receives what the host itself sends. The kernel takes
/// an outer VLAN tag out of received frames.
#[derive(Debug)]
pub struct RawSocket {
    fd: OwnedFd,
    mac: Mac,
}

impl RawSocket {
    /// Opens a socket on the NIC `eth0` of the customers or the Internet.
    ///
    /// # Errors
    /// When the place has no such NIC or the rights are missing.
    pub fn open(lab: &Lab, place: Place) -> Result<Self> {
        Self::open_on(lab, place, HOST_NIC)
    }

    /// Opens a socket on any NIC of the lab.
    ///
    /// # Errors
    /// When the place has no such NIC or the rights are missing.
    pub fn open_on(lab: &Lab, place: Place, nic: &str) -> Result<Self> {
        lab.namespace(place).inside(|| {
            let (fd, mac) = open_socket(nic)?;
            Ok(Self { fd, mac })
        })
    }

    /// The NIC's own address.
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// When the NIC refuses it, for instance because it is too long.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        send(self.fd.as_raw_fd(), frame, MsgFlags::empty())
            .with_context(|| format!("could not send a frame of {} bytes", frame.len()))?;
        Ok(())
    }

    /// Receives frames until one is `wanted`; none when the deadline passes first.
    ///
    /// # Errors
    /// When the NIC is gone.
    pub fn receive(
        &self,
        deadline: Duration,
        mut wanted: impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>> {
        let end = Instant::now() + deadline;
        let mut buffer = vec![0; FRAME];
        while Instant::now() < end {
            match recv(self.fd.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(length) if wanted(&buffer[..length]) => {
                    buffer.truncate(length);
                    return Ok(Some(buffer));
                }
                Ok(_) | Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
                Err(error) => return Err(error).context("could not receive a frame"),
            }
        }
        Ok(None)
    }
}

/// A packet socket on a NIC of the namespace that the thread is in, and the NIC's address.
pub(crate) fn open_socket(nic: &str) -> Result<(OwnedFd, Mac)> {
    let link = link_address(nic)?;
    let mac = link.addr().map(Mac).with_context(|| format!("{nic} has no MAC address"))?;
    let fd =
        socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
            .context("could not open a packet socket")?;
    bind(fd.as_raw_fd(), &link).with_context(|| format!("could not bind to {nic}"))?;
    setsockopt(&fd, ReceiveTimeout, &TimeVal::milliseconds(SLICE_MS))
        .context("could not set a receive deadline")?;
    Ok((fd, mac))
}

/// The link-layer address of a NIC, which also carries its index.
fn link_address(nic: &str) -> Result<LinkAddr> {
    getifaddrs()
        .context("could not list the interfaces")?
        .filter(|interface| interface.interface_name == nic)
        .find_map(|interface| {
            let address = interface.address?;
            (address.family() == Some(AddressFamily::Packet))
                .then(|| address.as_link_addr().copied())
                .flatten()
        })
        .with_context(|| format!("there is no interface {nic} here"))
}
