//! What the process is allowed to do.

use std::io;

use rustix::thread::{CapabilitySet, capabilities};

/// Names of the capabilities that shaping takes and the calling thread lacks. `CAP_SYS_ADMIN`
/// stands in for the two that were split off from it.
///
/// # Errors
/// When the kernel does not tell.
pub fn missing_capabilities() -> io::Result<Vec<&'static str>> {
    Ok(missing_of(capabilities(None)?.effective))
}

fn missing_of(held: CapabilitySet) -> Vec<&'static str> {
    let needed = [
        (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
        (CapabilitySet::BPF, "CAP_BPF"),
        (CapabilitySet::PERFMON, "CAP_PERFMON"),
    ];
    let split_off = CapabilitySet::BPF | CapabilitySet::PERFMON;
    let held = if held.contains(CapabilitySet::SYS_ADMIN) { held | split_off } else { held };
    needed.into_iter().filter(|(set, _)| !held.contains(*set)).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_missing() {
        assert_eq!(missing_of(CapabilitySet::empty()), ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(missing_of(CapabilitySet::SYS_ADMIN), ["CAP_NET_ADMIN"]);
        assert!(missing_of(CapabilitySet::all()).is_empty());
    }
}
