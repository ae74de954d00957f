//! An HTB class's settings in the kernel's own units.

use units::{BitsPerSec, Bytes};

use super::encode::CLOCK_TICK_NS;
use super::request::HtbClass;

/// An HTB class's settings in the kernel's own units, so that what was sent and what is read back
/// can be compared exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HtbParameters {
    /// Bytes per second.
    pub rate: u64,
    /// Bytes per second.
    pub ceil: u64,
    /// Time to send the burst at `rate`, in ticks of the packet scheduler's clock.
    pub buffer_ticks: u32,
    /// Time to send the burst at `ceil`, likewise.
    pub cbuffer_ticks: u32,
    /// Bytes sent in a turn when borrowing.
    pub quantum: u32,
    /// Which classes borrow first.
    pub priority: u32,
}

impl From<&HtbClass> for HtbParameters {
    fn from(class: &HtbClass) -> Self {
        Self {
            rate: class.rate.bytes_per_sec(),
            ceil: class.ceil.bytes_per_sec(),
            buffer_ticks: ticks(class.burst, class.rate),
            cbuffer_ticks: ticks(class.cburst, class.ceil),
            quantum: u32::try_from(class.quantum.get()).unwrap_or(u32::MAX),
            priority: class.priority.into(),
        }
    }
}

/// How long `bytes` take at `rate`, saturating.
fn ticks(bytes: Bytes, rate: BitsPerSec) -> u32 {
    let rate = u128::from(rate.bytes_per_sec().max(1));
    let ns = u128::from(bytes.get()) * 1_000_000_000 / rate;
    u32::try_from(ns / u128::from(CLOCK_TICK_NS)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_become_time() {
        let rate = BitsPerSec::from_mbps(8);
        assert_eq!(ticks(Bytes::new(1_600), rate), 25_000);
        assert_eq!(ticks(Bytes::new(u64::MAX), rate), u32::MAX);
        assert_eq!(ticks(Bytes::new(1), BitsPerSec::ZERO), 15_625_000);
    }
}
