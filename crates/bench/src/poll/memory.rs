//! What the process holds.

use std::fs;

use anyhow::{Context, Result};

/// Bytes of memory of the process's own, shared maps not among them.
pub(super) fn own_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("could not read memory use")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.map(|kibibytes: u64| kibibytes * 1024).context("the kernel does not tell memory use")
}
