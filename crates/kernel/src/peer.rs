//! Who is at the other end of a Unix socket, and what groups are called.

use std::ffi::CString;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::null_mut;

/// Groups beyond this many are not asked for; Linux allows 65,536.
const GROUPS_MAX: usize = 65_536;

/// Bytes for a group's members and name, at first and at most.
const GROUP_BYTES: (usize, usize) = (4096, 1 << 20);

/// The process at the other end, as the kernel attests it for the moment of its connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id.
    pub pid: Option<i32>,
    /// Its effective user.
    pub uid: u32,
    /// Its effective and supplementary groups.
    pub groups: Vec<u32>,
}

/// Who is at the other end of `socket` (unix(7), `SO_PEERCRED` and `SO_PEERGROUPS`).
///
/// # Errors
/// When it is no connected Unix socket.
pub fn peer(socket: impl AsFd) -> io::Result<Peer> {
    let credentials = credentials(&socket)?;
    let mut groups = supplementary_groups(&socket)?;
    groups.push(credentials.gid);
    // the kernel says 0 for a process outside of our PID namespace
    let pid = Some(credentials.pid).filter(|pid| *pid != 0);
    Ok(Peer { pid, uid: credentials.uid, groups })
}

fn credentials(socket: &impl AsFd) -> io::Result<libc::ucred> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut bytes = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: getsockopt(2) writes at most `bytes` bytes, the size of `credentials`, every pattern
    // of which is valid.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut bytes,
        )
    };
    if result == 0 { Ok(credentials) } else { Err(io::Error::last_os_error()) }
}

fn supplementary_groups(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    let fd = socket.as_fd().as_raw_fd();
    let mut groups = vec![0_u32; 64];
    loop {
        let mut bytes = (groups.len() * size_of::<u32>()) as libc::socklen_t;
        // SAFETY: getsockopt(2) writes at most `bytes` bytes, which `groups` has, and their number.
        let result = unsafe {
            libc::getsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        if result == 0 {
            groups.truncate(bytes as usize / size_of::<u32>());
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        let needed = bytes as usize / size_of::<u32>();
        if error.raw_os_error() != Some(libc::ERANGE) || needed > GROUPS_MAX {
            return Err(error);
        }
        groups.resize(needed, 0);
    }
}

/// The id of the group called `name`; none when there is no such group.
///
/// # Errors
/// When the system's databases cannot be asked.
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    let Ok(name) = CString::new(name) else { return Ok(None) };
    let mut buffer = vec![0_u8; GROUP_BYTES.0];
    loop {
        let mut group = MaybeUninit::<libc::group>::uninit();
        let mut found = null_mut();
        // SAFETY: getgrnam_r(3) reads the terminated `name`, writes `group` and, inside its length,
        // `buffer`, and sets `found` to `group` or null.
        let result = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                group.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        match result {
            0 if found.is_null() => return Ok(None),
            // SAFETY: a non-null `found` means that `group` was written.
            0 => return Ok(Some(unsafe { group.assume_init() }.gr_gid)),
            libc::ERANGE if buffer.len() < GROUP_BYTES.1 => buffer.resize(buffer.len() * 2, 0),
            // "not found" is also told in these ways (getgrnam_r(3), RETURN VALUE)
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_other_end_of_a_pair_is_this_process() {
        let (here, _there) = UnixStream::pair().unwrap();
        let peer = peer(&here).unwrap();
        assert_eq!(peer.pid, Some(std::process::id() as i32));
        assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
        assert!(peer.groups.contains(&rustix::process::getegid().as_raw()));
    }

    #[test]
    fn groups_have_ids_or_do_not_exist() {
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert_eq!(group_id("no-such-group-here").unwrap(), None);
        assert_eq!(group_id("a\0b").unwrap(), None);
    }
}
