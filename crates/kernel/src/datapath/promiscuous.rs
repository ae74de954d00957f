//! Receiving what is not addressed to us, as a NIC must where we forward in a bridge's stead.

use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use units::IfIndex;

/// Keeps a NIC promiscuous until it is dropped (packet(7), `PACKET_ADD_MEMBERSHIP`). The kernel
/// counts such wishes, so others' are not disturbed, and drops ours even when we are killed.
#[derive(Debug)]
pub(super) struct Promiscuous {
    _membership: OwnedFd,
}

impl Promiscuous {
    pub(super) fn new(nic: IfIndex) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: socket(2) takes no pointers; protocol 0 receives nothing.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and is nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let membership = libc::packet_mreq {
            mr_ifindex: nic.get() as i32,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        // SAFETY: the option takes a packet_mreq, which lives through the call, and its size.
        let added = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_ADD_MEMBERSHIP,
                (&raw const membership).cast(),
                size_of_val(&membership) as libc::socklen_t,
            )
        };
        if added < 0 { Err(io::Error::last_os_error()) } else { Ok(Self { _membership: socket }) }
    }
}
