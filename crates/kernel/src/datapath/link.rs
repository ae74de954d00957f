//! A program's attachment to a NIC, as a kernel object: it lasts as long as a descriptor or a pin.

use std::ffi::CString;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use libbpf_rs::libbpf_sys::{self, bpf_attach_type};
use units::IfIndex;

/// One attachment. Dropping it ends it, unless it is pinned.
#[derive(Debug)]
pub(super) struct Link {
    fd: OwnedFd,
}

/// What the kernel says of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkState {
    /// The program's id.
    pub(super) program: u32,
    /// The NIC; 0 when that is gone.
    pub(super) nic: IfIndex,
}

impl Link {
    /// Attaches a program to a NIC (`bpf_link_create` of `include/uapi/linux/bpf.h`).
    pub(super) fn create(
        program: BorrowedFd<'_>,
        nic: IfIndex,
        hook: bpf_attach_type,
        flags: u32,
    ) -> io::Result<Self> {
        let options = libbpf_sys::bpf_link_create_opts {
            sz: size_of::<libbpf_sys::bpf_link_create_opts>() as libbpf_sys::size_t,
            flags,
            ..Default::default()
        };
        let nic = nic.get() as i32;
        // SAFETY: the descriptor is open through the call, which reads `options` by the size in it.
        let fd = unsafe {
            libbpf_sys::bpf_link_create(program.as_raw_fd(), nic, hook, &raw const options)
        };
        Self::from_raw(fd)
    }

    /// The attachment that is pinned at `path`, if there is one.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let path = zero_terminated(path)?;
        // SAFETY: the call reads a zero-terminated path.
        match Self::from_raw(unsafe { libbpf_sys::bpf_obj_get(path.as_ptr()) }) {
            Ok(link) => Ok(Some(link)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has it outlive us, under this path.
    pub(super) fn pin(&self, path: &Path) -> io::Result<()> {
        let path = zero_terminated(path)?;
        // SAFETY: the descriptor is open and the path zero-terminated through the call.
        check(unsafe { libbpf_sys::bpf_obj_pin(self.fd.as_raw_fd(), path.as_ptr()) }).map(drop)
    }

    /// Puts another program in the place of the one that runs; no packet is without one.
    pub(super) fn update(&self, program: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: both descriptors are open through the call; it takes no options.
        check(unsafe {
            libbpf_sys::bpf_link_update(self.fd.as_raw_fd(), program.as_raw_fd(), ptr::null())
        })
        .map(drop)
    }

    /// What it attaches to what.
    pub(super) fn state(&self) -> io::Result<LinkState> {
        let mut info = libbpf_sys::bpf_link_info::default();
        let mut size = size_of::<libbpf_sys::bpf_link_info>() as u32;
        // SAFETY: the call writes at most `size` bytes of plain integers into `info`.
        check(unsafe {
            libbpf_sys::bpf_link_get_info_by_fd(self.fd.as_raw_fd(), &raw mut info, &raw mut size)
        })?;
        // SAFETY: the index is the first word of either kind's part of the union, an integer.
        let nic = unsafe { info.__bindgen_anon_1.xdp.ifindex };
        Ok(LinkState { program: info.prog_id, nic: IfIndex::new(nic) })
    }

    fn from_raw(fd: i32) -> io::Result<Self> {
        let fd = check(fd)?;
        // SAFETY: the call that gave it has just opened the descriptor for us.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }
}

fn zero_terminated(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// libbpf gives negative error numbers.
fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
