//! From two readings of a counter to a rate.

use std::ops::AddAssign;

use units::BitsPerSec;

use crate::sample::{ByProtocol, Traffic};

/// The shortest time between two samples from which a rate is made. In a shorter one a single
/// packet would look like a flood.
pub const MIN_INTERVAL_NS: u64 = 50_000_000;

const NS_PER_SEC: u128 = 1_000_000_000;

/// How fast bytes and packets came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Bits per second.
    pub bits: BitsPerSec,
    /// Packets per second, to the nearest.
    pub packets_per_sec: u64,
}

impl AddAssign for Rate {
    fn add_assign(&mut self, other: Self) {
        self.bits = self.bits + other.bits;
        self.packets_per_sec = self.packets_per_sec.saturating_add(other.packets_per_sec);
    }
}

/// A time between two samples that is long enough to make a rate from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval(u64);

impl Interval {
    /// The time from `before_ns` to `now_ns`, unless it is shorter than [`MIN_INTERVAL_NS`] or
    /// runs backwards.
    pub(crate) fn between(before_ns: u64, now_ns: u64) -> Option<Self> {
        let elapsed = now_ns.checked_sub(before_ns)?;
        (elapsed >= MIN_INTERVAL_NS).then_some(Self(elapsed))
    }

    pub(crate) fn ns(self) -> u64 {
        self.0
    }

    /// How many a second, to the nearest.
    pub(crate) fn per_sec(self, count: u64) -> u64 {
        let ns = u128::from(self.0);
        let rate = (u128::from(count) * NS_PER_SEC + ns / 2) / ns;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    fn bits_per_sec(self, bytes: u64) -> BitsPerSec {
        let ns = u128::from(self.0);
        let rate = (u128::from(bytes) * 8 * NS_PER_SEC + ns / 2) / ns;
        BitsPerSec::new(u64::try_from(rate).unwrap_or(u64::MAX))
    }

    /// The rate at which `before` became `now`. When either counter went back, both began anew:
    /// the rate of that interval is not known and given as nothing.
    pub(crate) fn rate(self, before: Traffic, now: Traffic) -> Rate {
        if now.bytes < before.bytes || now.packets < before.packets {
            return Rate::default();
        }
        Rate {
            bits: self.bits_per_sec(now.bytes.since(before.bytes).get()),
            packets_per_sec: self.per_sec(now.packets.since(before.packets).get()),
        }
    }

    /// The same for each protocol.
    pub(crate) fn rates(
        self,
        before: &ByProtocol<Traffic>,
        now: &ByProtocol<Traffic>,
    ) -> ByProtocol<Rate> {
        ByProtocol {
            tcp: self.rate(before.tcp, now.tcp),
            udp: self.rate(before.udp, now.udp),
            icmp: self.rate(before.icmp, now.icmp),
            other: self.rate(before.other, now.other),
        }
    }
}

/// What a counter of 32 bits grew by. It wraps, so going back a little way round is growth; more
/// than half way round it was reset, and the growth is not known and given as nothing.
pub(crate) fn grown_wrapping(before: u32, now: u32) -> u64 {
    let grown = now.wrapping_sub(before);
    if grown <= u32::MAX / 2 { grown.into() } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use units::{Bytes, Packets};

    use super::*;

    fn traffic(bytes: u64, packets: u64) -> Traffic {
        Traffic { bytes: Bytes::new(bytes), packets: Packets::new(packets) }
    }

    #[test]
    fn a_megabyte_in_half_a_second_is_sixteen_megabits() {
        let interval = Interval::between(0, 500_000_000).unwrap();
        let rate = interval.rate(traffic(0, 0), traffic(1_000_000, 700));
        assert_eq!(rate, Rate { bits: BitsPerSec::from_mbps(16), packets_per_sec: 1400 });
    }

    #[test]
    fn no_interval_where_time_stands_still_or_runs_back() {
        assert_eq!(Interval::between(5, 5), None);
        assert_eq!(Interval::between(u64::MAX, 0), None);
        assert_eq!(Interval::between(0, MIN_INTERVAL_NS - 1), None);
        assert!(Interval::between(0, MIN_INTERVAL_NS).is_some());
    }

    #[test]
    fn fault_13_thirty_two_bits_wrap_but_a_reset_yields_nothing() {
        assert_eq!(grown_wrapping(u32::MAX - 1, 3), 5);
        assert_eq!(grown_wrapping(7, 7), 0);
        assert_eq!(grown_wrapping(1000, 5), 0);
    }

    proptest! {
        #[test]
        fn a_rate_is_never_more_than_what_was_counted(
            before: u64, grown in 0..u64::MAX / 16, ns in MIN_INTERVAL_NS..3_600_000_000_000,
        ) {
            let before = before / 2;
            let interval = Interval::between(0, ns).unwrap();
            let rate = interval.rate(traffic(before, before), traffic(before + grown, before + grown));
            let exact = grown as f64 * 8e9 / ns as f64;
            prop_assert!(rate.bits == BitsPerSec::new(u64::MAX) || (rate.bits.get() as f64 - exact).abs() <= exact * 1e-9 + 1.0);
        }

        #[test]
        fn a_counter_that_goes_back_yields_nothing(now: u64, back in 1..u64::MAX, ns in MIN_INTERVAL_NS..u64::MAX) {
            let before = now.saturating_add(back);
            prop_assume!(before > now);
            let interval = Interval::between(0, ns).unwrap();
            prop_assert_eq!(interval.rate(traffic(before, 0), traffic(now, 0)), Rate::default());
            prop_assert_eq!(interval.rate(traffic(0, before), traffic(0, now)), Rate::default());
        }

        #[test]
        fn a_wrapping_counter_never_leaps(before: u32, now: u32) {
            prop_assert!(grown_wrapping(before, now) <= u64::from(u32::MAX / 2));
        }
    }
}
