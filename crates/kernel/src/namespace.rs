//! Throw-away network namespaces.
//!
//! A thread steps into a namespace of its own and the namespace goes when the thread and the
//! sockets opened in it are gone, so nothing can be left behind, whatever happens inside.

use std::io;
use std::panic::resume_unwind;
use std::thread;

use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

/// Runs `work` on a thread of its own in a new network namespace, which has a loopback device and
/// nothing else. `/sys` still shows the old namespace; see [`in_private_network_with_sysfs`].
///
/// # Errors
/// When the namespace cannot be made: it takes `CAP_SYS_ADMIN`.
pub fn in_private_network<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    in_private(UnshareFlags::NEWNET, || Ok(()), work)
}

/// As [`in_private_network`], with a `/sys` for the thread alone that shows the new namespace.
///
/// # Errors
/// When the namespaces cannot be made or `/sys` cannot be mounted.
pub fn in_private_network_with_sysfs<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let flags = UnshareFlags::NEWNET | UnshareFlags::NEWNS;
    in_private(flags, mount_sysfs, work)
}

fn in_private<T: Send>(
    flags: UnshareFlags,
    prepare: impl FnOnce() -> io::Result<()> + Send,
    work: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    let inside = move || {
        // SAFETY: what makes unshare unsafe is that threads may stop sharing file descriptors;
        // neither NEWNET nor NEWNS, the only flags passed here, touches the descriptor table.
        unsafe { rustix::thread::unshare_unsafe(flags) }?;
        prepare()?;
        Ok(work())
    };
    thread::scope(|scope| {
        let thread =
            thread::Builder::new().name("private-network".into()).spawn_scoped(scope, inside)?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn mount_sysfs() -> io::Result<()> {
    // Mounts made here must not spread to the namespace that we come from.
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    rustix::mount::mount("tidegate", "/sys", "sysfs", MountFlags::empty(), None)?;
    Ok(())
}
