//! RTT histograms with the bins of the kernel's.
//!
//! The bins are log-linear, as those of Gil Tene's HdrHistogram are: eight equal ones an octave. One
//! bin lies below all octaves and one above. A bin stands for its harmonic middle, which is at most
//! one part in 17 off any value in the bin (the first bin and the last, which have one border, stand
//! for the middle of the first and the lower border of the last).

use std::fmt;
use std::ops::AddAssign;

/// An RTT is counted in units of this many nanoseconds.
pub const RTT_UNIT_NS: u64 = 1024;
/// Bins of a histogram.
pub const RTT_BINS: usize = 146;
/// Values below this power of two units share the first bin.
pub const RTT_OCTAVE_MIN: u32 = 6;
/// Values from this power of two units on share the last bin.
pub const RTT_OCTAVE_MAX: u32 = 24;

const BINS_PER_OCTAVE_LOG2: u32 = 3;

/// The bin of an RTT.
pub fn rtt_bin(rtt_ns: u64) -> u8 {
    let units = rtt_ns / RTT_UNIT_NS;
    if units < 1 << RTT_OCTAVE_MIN {
        return 0;
    }
    let octave = units.ilog2();
    if octave >= RTT_OCTAVE_MAX {
        return (RTT_BINS - 1) as u8;
    }
    let within = (units >> (octave - BINS_PER_OCTAVE_LOG2)) & 7;
    (1 + ((octave - RTT_OCTAVE_MIN) << BINS_PER_OCTAVE_LOG2) + within as u32) as u8
}

/// The RTT that a bin stands for.
pub fn rtt_of_bin(bin: u8) -> u64 {
    let Some(inner) = u32::from(bin).checked_sub(1) else {
        return (RTT_UNIT_NS << RTT_OCTAVE_MIN) / 2;
    };
    let octave = RTT_OCTAVE_MIN + (inner >> BINS_PER_OCTAVE_LOG2);
    if octave >= RTT_OCTAVE_MAX {
        return RTT_UNIT_NS << RTT_OCTAVE_MAX;
    }
    let width = RTT_UNIT_NS << (octave - BINS_PER_OCTAVE_LOG2);
    let (low, high) = (8 + u64::from(inner & 7), 9 + u64::from(inner & 7));
    2 * low * high * width / (low + high)
}

/// How many RTTs fell into each bin. It takes 584 bytes; many are kept as [`crate::RttWindow`]s.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    bins: [u32; RTT_BINS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: [0; RTT_BINS] }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.filled()).finish()
    }
}

impl AddAssign<&Self> for Histogram {
    fn add_assign(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            *bin = bin.saturating_add(*more);
        }
    }
}

impl Histogram {
    /// Adds one RTT.
    pub fn add(&mut self, rtt_ns: u64) {
        self.add_bin(rtt_bin(rtt_ns), 1);
    }

    /// Adds `count` RTTs to a bin; nothing when there is no such bin.
    pub fn add_bin(&mut self, bin: u8, count: u32) {
        if let Some(sum) = self.bins.get_mut(usize::from(bin)) {
            *sum = sum.saturating_add(count);
        }
    }

    /// Adds bins and how many RTTs are in each.
    pub fn add_sparse(&mut self, bins: impl IntoIterator<Item = (u8, u32)>) {
        for (bin, count) in bins {
            self.add_bin(bin, count);
        }
    }

    /// The bins that are not empty, ascending, and how many RTTs are in each.
    pub fn filled(&self) -> impl Iterator<Item = (u8, u32)> {
        (0u8..).zip(self.bins).filter(|(_, count)| *count > 0)
    }

    /// How many RTTs it holds.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|count| u64::from(*count)).sum()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.bins.fill(0);
    }

    /// The RTT that `percent` of all do not exceed, by the nearest rank; none of an empty one.
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        self.percentiles([percent])?.first().copied()
    }

    /// Several percentiles at once, which must ascend.
    pub(crate) fn percentiles<const N: usize>(&self, percents: [u32; N]) -> Option<[u64; N]> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let mut found = [0; N];
        let (mut bin, mut upto) = (0, u64::from(self.bins[0]));
        for (found, percent) in found.iter_mut().zip(percents) {
            let rank = (count * u64::from(percent)).div_ceil(100).clamp(1, count);
            while upto < rank {
                bin += 1;
                upto += u64::from(self.bins[bin]);
            }
            *found = rtt_of_bin(bin as u8);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEAST_NS: u64 = RTT_UNIT_NS << RTT_OCTAVE_MIN;
    const MOST_NS: u64 = (RTT_UNIT_NS << RTT_OCTAVE_MAX) - 1;

    fn of(rtts: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        rtts.iter().for_each(|rtt| histogram.add(*rtt));
        histogram
    }

    fn is_near(estimate: u64, truth: u64) -> bool {
        estimate.abs_diff(truth) as f64 <= truth as f64 * 0.06
    }

    #[test]
    fn bins_have_the_borders_that_the_kernel_gives_them() {
        for (units, bin) in [
            (0, 0),
            (63, 0),
            (64, 1),
            (71, 1),
            (72, 2),
            (127, 8),
            (128, 9),
            (143, 9),
            (144, 10),
            ((1 << 24) - 1, 144),
            (1 << 24, 145),
            (u64::MAX / RTT_UNIT_NS, 145),
        ] {
            assert_eq!(rtt_bin(units * RTT_UNIT_NS), bin, "{units} units");
        }
        assert_eq!(rtt_of_bin(0), 32_768);
        assert_eq!(rtt_of_bin(145), RTT_UNIT_NS << 24);
        assert!((0..145).all(|bin| rtt_bin(rtt_of_bin(bin)) == bin));
    }

    #[test]
    fn an_empty_one_has_no_percentiles_and_strange_bins_are_ignored() {
        let mut histogram = Histogram::default();
        histogram.add_sparse([(146, 5), (255, 1)]);
        assert_eq!((histogram.count(), histogram.percentile(50)), (0, None));
        histogram.add_sparse([(3, u32::MAX), (3, 9)]);
        assert_eq!(histogram.count(), u64::from(u32::MAX));
    }

    proptest! {
        #[test]
        fn a_bin_is_within_six_percent_of_all_that_is_in_it(rtt in LEAST_NS..=MOST_NS) {
            prop_assert!(is_near(rtt_of_bin(rtt_bin(rtt)), rtt));
        }

        #[test]
        fn percentiles_are_within_six_percent_of_the_truth(
            mut rtts in prop::collection::vec(LEAST_NS..=MOST_NS, 1..400),
            octaves in prop::collection::vec(0u32..18, 400),
            percent in 1u32..=100,
        ) {
            for (rtt, octave) in rtts.iter_mut().zip(&octaves) {
                *rtt = (*rtt >> octave).max(LEAST_NS);
            }
            let estimate = of(&rtts).percentile(percent).unwrap();
            rtts.sort_unstable();
            let rank = (rtts.len() * percent as usize).div_ceil(100);
            prop_assert!(is_near(estimate, rtts[rank - 1]), "{estimate} {}", rtts[rank - 1]);
        }

        #[test]
        fn merging_is_adding(
            a in prop::collection::vec(0..MOST_NS * 2, 0..50),
            b in prop::collection::vec(0..MOST_NS * 2, 0..50),
        ) {
            let mut merged = of(&a);
            merged += &of(&b);
            let mut sparse = of(&a);
            sparse.add_sparse(of(&b).filled());
            prop_assert_eq!(&merged, &of(&[a, b].concat()));
            prop_assert_eq!(&merged, &sparse);
        }
    }
}
