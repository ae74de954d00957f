//! What the process is allowed to do.

use std::io;

use rustix::thread::{CapabilitySet, capabilities};

/// Names of the capabilities that shaping takes and the calling thread lacks. `CAP_SYS_ADMIN` makes
/// the throw-away namespace in which the kernel's queueing disciplines are tried.
///
/// # Errors
/// When the kernel does not tell.
pub fn missing_capabilities() -> io::Result<Vec<&'static str>> {
    Ok(missing_of(capabilities(None)?.effective))
}

fn missing_of(held: CapabilitySet) -> Vec<&'static str> {
    let needed =
        [(CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"), (CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN")];
    needed.into_iter().filter(|(set, _)| !held.contains(*set)).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_missing() {
        assert_eq!(missing_of(CapabilitySet::empty()), ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
        assert_eq!(missing_of(CapabilitySet::SYS_ADMIN), ["CAP_NET_ADMIN"]);
        assert!(missing_of(CapabilitySet::all()).is_empty());
    }
}
