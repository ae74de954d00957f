//! Ranges of addresses, made free of overlap and sorted to be searched.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::answer::AnswerId;

/// An address as a number: `u32` for IPv4, `u128` for IPv6.
pub(crate) trait Address: Copy + Ord {
    /// The address after this one, unless it is the last.
    fn after(self) -> Option<Self>;
    /// How many addresses `end` is further on.
    fn distance(self, end: Self) -> Self;
}

impl Address for u32 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn distance(self, end: Self) -> Self {
        end - self
    }
}

impl Address for u128 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn distance(self, end: Self) -> Self {
        end - self
    }
}

/// A range as its file has it: `start` is not after `end`, and both belong to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<A> {
    pub(crate) start: A,
    pub(crate) end: A,
    pub(crate) answer: AnswerId,
    pub(crate) line: u32,
}

/// What was found to overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overlaps {
    /// Ranges that begin inside of others, or where others begin.
    pub(crate) count: u64,
    /// The line of the first.
    pub(crate) line: u32,
}

/// Spans that a search ends among after it has found their block: 256 bytes of IPv4 starts.
const BLOCK: usize = 64;

/// Every address up to the next start has the answer of the last start that is not after it.
#[derive(Debug)]
pub(crate) struct Spans<A> {
    /// The first start of each block: few enough to stay in the processor's caches.
    blocks: Box<[A]>,
    starts: Box<[A]>,
    answers: Box<[AnswerId]>,
}

impl<A: Address> Spans<A> {
    /// Sweeps over the ranges from the first address on. Where several hold an address, the narrowest
    /// counts, and of equally wide ones the one of the latest line.
    pub(crate) fn build(mut ranges: Vec<Range<A>>) -> (Self, Overlaps) {
        ranges.sort_unstable_by_key(|range| (range.start, range.line));
        let overlaps = overlaps(&ranges);
        let mut starts = Vec::with_capacity(ranges.len());
        let mut answers = Vec::with_capacity(ranges.len());
        let mut emit = |start: A, answer: AnswerId| {
            if answers.last().copied().unwrap_or(AnswerId::NOTHING) != answer {
                starts.push(start);
                answers.push(answer);
            }
        };
        // ranges that have begun, the one that counts on top; those that ended go when they get there
        let mut open = BinaryHeap::new();
        let mut coming = ranges.iter().enumerate().peekable();
        let mut next = ranges.first().map(|range| range.start);
        while let Some(at) = next {
            while let Some((index, range)) = coming.next_if(|(_, range)| range.start == at) {
                open.push((Reverse(range.start.distance(range.end)), range.line, index));
            }
            while open.peek().is_some_and(|(_, _, index)| ranges[*index].end < at) {
                open.pop();
            }
            let start = coming.peek().map(|(_, range)| range.start);
            next = match open.peek() {
                Some((_, _, index)) => {
                    let range = &ranges[*index];
                    emit(at, range.answer);
                    [range.end.after(), start].into_iter().flatten().min()
                }
                None => {
                    emit(at, AnswerId::NOTHING);
                    start
                }
            };
        }
        let blocks = starts.iter().copied().step_by(BLOCK).collect();
        (Self { blocks, starts: starts.into(), answers: answers.into() }, overlaps)
    }

    /// The answer for this address.
    pub(crate) fn get(&self, address: A) -> AnswerId {
        let blocks = self.blocks.partition_point(|start| *start <= address);
        let Some(block) = blocks.checked_sub(1) else { return AnswerId::NOTHING };
        let first = block * BLOCK;
        let end = self.starts.len().min(first + BLOCK);
        // the block's own start is not after the address
        let more = self.starts[first + 1..end].partition_point(|start| *start <= address);
        self.answers[first + more]
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks) + size_of_val(&*self.starts) + size_of_val(&*self.answers)
    }
}

/// Of ranges sorted by their start.
fn overlaps<A: Address>(ranges: &[Range<A>]) -> Overlaps {
    let mut overlaps = Overlaps::default();
    let mut furthest = None;
    for range in ranges {
        if furthest.is_some_and(|end| range.start <= end) {
            overlaps.line = if overlaps.count == 0 { range.line } else { overlaps.line };
            overlaps.count += 1;
        }
        furthest = furthest.max(Some(range.end));
    }
    overlaps
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::answer::Collector;

    /// Ranges from (start, end, AS), with line numbers as they come.
    fn ranges<A: Address>(given: &[(A, A, u32)], collector: &mut Collector) -> Vec<Range<A>> {
        let lines = given.iter().zip(1..);
        lines
            .map(|(&(start, end, asn), line)| Range {
                start,
                end,
                answer: collector.id(Some(asn), None, None),
                line,
            })
            .collect()
    }

    fn lookup<A: Address>(given: &[(A, A, u32)], at: &[A]) -> (Vec<u32>, Overlaps, usize) {
        let mut collector = Collector::new();
        let (spans, overlaps) = Spans::build(ranges(given, &mut collector));
        let answers = collector.finish();
        let found = at.iter().map(|at| answers.get(spans.get(*at)).asn.unwrap_or(0)).collect();
        (found, overlaps, spans.len())
    }

    #[test]
    fn the_narrower_counts_and_of_equals_the_later() {
        let given = [(0, u32::MAX, 1), (10, 19, 2), (15, 16, 3), (10, 19, 4), (18, 27, 5)];
        let at = [0, 9, 10, 14, 15, 16, 17, 18, 27, 28, u32::MAX];
        let (found, overlaps, _) = lookup(&given, &at);
        assert_eq!(found, [1, 1, 4, 4, 3, 3, 4, 5, 5, 1, 1]);
        assert_eq!(overlaps, Overlaps { count: 4, line: 2 });
    }

    #[test]
    fn neighbours_with_one_answer_become_one_span() {
        let given = [(10_u128, 19, 1), (20, 29, 1), (40, 49, 1)];
        let (found, overlaps, len) = lookup(&given, &[9, 10, 29, 30, 39, 40, 49, 50]);
        assert_eq!(found, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!((overlaps.count, len), (0, 4));
    }

    #[test]
    fn every_span_of_many_blocks_is_found() {
        for count in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 1_000] {
            let count = count as u32;
            let given: Vec<_> = (1..=count).map(|i| (i * 10, i * 10 + 9, i)).collect();
            let at: Vec<u32> = (0..count * 10 + 30).collect();
            let expected = at.iter().map(|at| if *at < count * 10 + 10 { at / 10 } else { 0 });
            assert_eq!(lookup(&given, &at).0, expected.collect::<Vec<_>>(), "{count}");
        }
    }

    #[test]
    fn no_ranges_know_nothing() {
        assert_eq!(lookup::<u32>(&[], &[0, 7]).0, [0, 0]);
    }

    /// The rule as it is said, by trying every range.
    fn naive<A: Address>(given: &[(A, A, u32)], at: A) -> u32 {
        let holding =
            given.iter().enumerate().filter(|(_, (start, end, _))| *start <= at && at <= *end);
        let best =
            holding.min_by_key(|(line, (start, end, _))| (start.distance(*end), Reverse(*line)));
        best.map_or(0, |(_, (_, _, asn))| *asn)
    }

    fn given(offset: u32) -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
        let range = (0_u32..40, 0_u32..40, 0_u32..5);
        let range = range.prop_map(move |(a, b, asn)| (offset + a.min(b), offset + a.max(b), asn));
        vec(range, 0..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_search_finds_what_trying_every_range_finds(
            given in prop_oneof![given(0), given(u32::MAX - 39)],
        ) {
            let at: Vec<u32> = (0..42).chain(u32::MAX - 41..=u32::MAX).collect();
            let expected: Vec<u32> = at.iter().map(|at| naive(&given, *at)).collect();
            prop_assert_eq!(lookup(&given, &at).0, expected);
            // the same at the end of IPv6
            let wide = |at: u32| u128::MAX - u128::from(u32::MAX - at);
            let given: Vec<_> = given.iter().map(|&(a, b, asn)| (wide(a), wide(b), asn)).collect();
            let at: Vec<u128> = at.into_iter().map(wide).collect();
            let expected: Vec<u32> = at.iter().map(|at| naive(&given, *at)).collect();
            prop_assert_eq!(lookup(&given, &at).0, expected);
        }
    }
}
