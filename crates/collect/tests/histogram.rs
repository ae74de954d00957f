//! The kernel's RTT histograms and those of `state` have the same bins.

use state::{RTT_BINS, RTT_OCTAVE_MAX, RTT_OCTAVE_MIN, RTT_UNIT_NS};

#[test]
fn state_and_the_kernel_programs_have_the_same_bins() {
    assert_eq!(RTT_UNIT_NS, u64::from(abi::RTT_UNIT_NS));
    assert_eq!(RTT_BINS, abi::RTT_BINS as usize);
    assert_eq!(RTT_OCTAVE_MIN, abi::RTT_OCTAVE_MIN);
    assert_eq!(RTT_OCTAVE_MAX, abi::RTT_OCTAVE_MAX);
}
