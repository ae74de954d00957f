//! The clock that samples are dated by: the one that the kernel programs read.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since 1970-01-01 00:00 UTC.
pub fn unix_ns() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    // a clock that is set to before 1970 is at its beginning
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + now.tv_nsec as u64
}

/// `CLOCK_MONOTONIC` in nanoseconds. Setting the wall clock does not move it.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // counted from boot, both parts are non-negative and fit for 584 years
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
