//! RTTs of the last minute.

use units::{PerSegment, Segment};

use crate::histogram::{Histogram, RTT_BINS};

/// The time that one slice of a window takes.
pub const WINDOW_SLICE_NS: u64 = 10_000_000_000;
/// The slices of a window: the one that is being filled and those before it.
pub const WINDOW_SLICES: u64 = 6;

/// Slice numbers are kept modulo this.
const SLICE_MODULUS: u64 = 128;

/// RTTs of a sliding window, told by segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RttFigures {
    /// Half of the samples do not exceed this.
    pub p50_ns: u64,
    /// 90 % do not exceed this.
    pub p90_ns: u64,
    /// 99 % do not exceed this.
    pub p99_ns: u64,
    /// Samples in the window.
    pub samples: u64,
}

impl RttFigures {
    /// What a histogram says; none of an empty one.
    pub fn of(histogram: &Histogram) -> Option<Self> {
        let [p50_ns, p90_ns, p99_ns] = histogram.percentiles([50, 90, 99])?;
        Some(Self { p50_ns, p90_ns, p99_ns, samples: histogram.count() })
    }
}

/// The RTT samples of the last minute, by segment.
///
/// Time is cut into slices of ten seconds at multiples of ten seconds on the monotonic clock. The
/// window holds the slice that is being filled and the five before it, so it covers the last 50 to
/// 60 seconds. A slice is kept as its filled bins, in six bytes each; an empty window takes no heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RttWindow {
    /// By slice, the newest last; within the slice by segment and bin.
    entries: Vec<Entry>,
    /// The newest slice.
    newest: u64,
}

/// A bin of one slice. The count is an array so that an entry takes six bytes instead of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Slice modulo [`SLICE_MODULUS`], and the segment in the lowest bit.
    place: u8,
    bin: u8,
    count: [u8; 4],
}

impl Entry {
    fn new(slice: u64, segment: Segment, (bin, count): (u8, u32)) -> Self {
        let place = ((slice % SLICE_MODULUS) as u8) << 1 | segment as u8;
        Self { place, bin, count: count.to_ne_bytes() }
    }

    fn count(self) -> u32 {
        u32::from_ne_bytes(self.count)
    }
}

impl RttWindow {
    /// Lets go of what is too old at `now_ns`. Says whether there was any. Time that goes back
    /// changes nothing.
    pub fn advance(&mut self, now_ns: u64) -> bool {
        let slice = now_ns / WINDOW_SLICE_NS;
        if slice <= self.newest {
            return false;
        }
        let before = self.entries.len();
        let kept = |entry: &Entry| {
            let age = (self.newest - u64::from(entry.place >> 1)) % SLICE_MODULUS;
            slice - (self.newest - age) < WINDOW_SLICES
        };
        let gone = self.entries.iter().take_while(|entry| !kept(entry)).count();
        self.newest = slice;
        if gone == before {
            self.entries = Vec::new();
        } else {
            self.entries.drain(..gone);
        }
        gone > 0
    }

    /// Adds samples to the newest slice, bins ascending. What has no bin is left out.
    pub fn add(&mut self, segment: Segment, bins: impl IntoIterator<Item = (u8, u32)>) {
        let place = Entry::new(self.newest, segment, (0, 0)).place;
        let is_older = |entry: &Entry| entry.place >> 1 != place >> 1;
        let older = |entry: &Entry| is_older(entry) || entry.place < place;
        let mut at = self.entries.len();
        // from the end: the newest slice is short, the whole is not
        while at > 0 && !older(&self.entries[at - 1]) {
            at -= 1;
        }
        for (bin, count) in bins.into_iter().filter(|(bin, _)| usize::from(*bin) < RTT_BINS) {
            let is_before = |entry: &Entry| entry.place == place && entry.bin < bin;
            while self.entries.get(at).is_some_and(is_before) {
                at += 1;
            }
            match self.entries.get_mut(at) {
                Some(entry) if entry.place == place && entry.bin == bin => {
                    entry.count = entry.count().saturating_add(count).to_ne_bytes();
                }
                _ => self.entries.insert(at, Entry::new(self.newest, segment, (bin, count))),
            }
        }
    }

    /// Whether it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds all its samples to `sum`.
    pub fn add_to(&self, sum: &mut PerSegment<Histogram>) {
        for entry in &self.entries {
            let segment = if entry.place & 1 == 0 { &mut sum.customer } else { &mut sum.internet };
            segment.add_bin(entry.bin, entry.count());
        }
    }

    /// Its percentiles.
    pub fn figures(&self) -> PerSegment<Option<RttFigures>> {
        if self.is_empty() {
            return PerSegment::default();
        }
        let mut sum = PerSegment::default();
        self.add_to(&mut sum);
        sum.as_ref().map(RttFigures::of)
    }

    /// Bytes of heap that it takes.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::{rtt_bin, rtt_of_bin};

    const SECOND: u64 = 1_000_000_000;

    fn samples(window: &RttWindow, segment: Segment) -> u64 {
        window.figures()[segment].map_or(0, |figures| figures.samples)
    }

    #[test]
    fn an_entry_takes_six_bytes() {
        assert_eq!((size_of::<Entry>(), size_of::<RttWindow>()), (6, 32));
    }

    #[test]
    fn a_sample_stays_for_fifty_to_sixty_seconds() {
        for begun in [0, 9, 1_279, 1_280, 4_000_000_003] {
            let mut window = RttWindow::default();
            window.advance(begun * SECOND);
            window.add(Segment::Customer, [(5, 1)]);
            window.advance((begun + 50) * SECOND);
            assert_eq!(samples(&window, Segment::Customer), 1, "{begun}");
            assert!(window.advance((begun + 60) * SECOND));
            assert_eq!((samples(&window, Segment::Customer), window.heap_bytes()), (0, 0));
        }
    }

    #[test]
    fn a_pause_of_any_length_empties_it_and_time_that_goes_back_does_nothing() {
        let mut window = RttWindow::default();
        window.advance(SECOND);
        for pause in [60, 1_280, 1_290, 12_800, 1_000_000] {
            window.add(Segment::Internet, [(5, 7)]);
            window.advance((window.newest * 10 + pause) * SECOND);
            assert!(window.is_empty(), "{pause}");
        }
        window.add(Segment::Internet, [(5, 7)]);
        assert!(!window.advance(0));
        assert_eq!(samples(&window, Segment::Internet), 7);
    }

    #[test]
    fn segments_are_kept_apart() {
        let mut window = RttWindow::default();
        window.add(Segment::Internet, [(9, 2), (11, 1), (146, 7)]);
        window.add(Segment::Customer, [(rtt_bin(20_000_000), 10)]);
        window.add(Segment::Internet, [(3, 1), (10, 1), (11, 1)]);
        let figures = window.figures();
        assert_eq!(figures.customer.unwrap().p99_ns, rtt_of_bin(rtt_bin(20_000_000)));
        assert_eq!(figures.internet.unwrap().samples, 6);
        assert_eq!(figures.internet.unwrap().p50_ns, rtt_of_bin(9));
        assert_eq!(window.entries.len(), 5);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_list_of_all_samples_says(
            adds in prop::collection::vec(
                (0u64..30, any::<bool>(), prop::collection::btree_map(0u8..146, 1u32..9, 0..6)), 1..60
            )
        ) {
            let mut window = RttWindow::default();
            let mut all = Vec::new();
            let mut now = 0;
            for (seconds, internet, bins) in adds {
                now += seconds * SECOND;
                window.advance(now);
                let segment = if internet { Segment::Internet } else { Segment::Customer };
                window.add(segment, bins.clone());
                all.push((now / WINDOW_SLICE_NS, segment, bins));
                let mut truth = PerSegment::<Histogram>::default();
                for (slice, segment, bins) in &all {
                    if now / WINDOW_SLICE_NS - slice < WINDOW_SLICES {
                        truth[*segment].add_sparse(bins.clone());
                    }
                }
                let mut sum = PerSegment::default();
                window.add_to(&mut sum);
                prop_assert_eq!(sum, truth);
            }
        }
    }
}
