//! What HTB and the numbers of traffic control allow, and the sizes of a class.

use std::time::Duration;

use units::ours::{FIRST_LEAF, MQ};
use units::{BitsPerSec, Bytes};

use config::Leaf;

use crate::facts::NicFacts;
use crate::model::Codel;

/// The most queues of one NIC that can have an HTB.
pub(crate) const MOST_QUEUES: u16 = MQ.major() - 1;
/// Minors of nodes and circuits.
pub(crate) const FIRST_MINOR: u16 = 3;
/// The last minor of nodes and circuits.
pub(crate) const LAST_MINOR: u16 = 0xffff;
/// Nodes and circuits that one HTB takes.
pub(crate) const MOST_CLASSES: usize = (LAST_MINOR - FIRST_MINOR) as usize + 1;
/// The last major of a leaf: 0xffff belongs to clsact.
pub(crate) const LAST_LEAF: u16 = 0xfffe;
/// Leaves that one NIC takes.
pub(crate) const MOST_LEAVES: usize = (LAST_LEAF - FIRST_LEAF) as usize + 1;
/// Levels of nodes between the link and a circuit. `TC_HTB_MAXDEPTH` is 8 and
/// `htb_change_class` in `net/sched/sch_htb.c` refuses a class whose grandparent's level is below
/// 2: the link has level 7, nodes 6 to 1, the circuit 0.
pub(crate) const NODE_LEVELS: usize = 6;
/// The least rate of a class. HTB refuses 0, and a burst has to last no longer than the 274 s that
/// its 32 bits of 64 ns hold.
pub(crate) const LEAST_RATE: BitsPerSec = BitsPerSec::new(1_000);
/// The share of the link, in percent, that is guaranteed to what no circuit claims.
pub(crate) const DEFAULT_PERCENT: u64 = 1;

/// Ethernet header and two VLAN tags.
const LINK_LAYER: u64 = 14 + 8;
/// The most bytes in a turn. More would make others wait; HTB warns above 200,000.
const MOST_QUANTUM: u64 = 60_000;
/// The least bytes in a turn that HTB does not warn about.
const LEAST_QUANTUM: u64 = 1_000;
/// Timers may be this late without a class losing rate.
const BURST_MS: u64 = 5;
/// The most bytes that go out at once: 0.8 ms at 10 Gbps.
const MOST_BURST: u64 = 1 << 20;
/// Time that a burst may stand for, below what HTB's 32 bits hold.
const MOST_BURST_SECONDS: u64 = 200;
/// How long packets may wait in a leaf that knows `CoDel`, where they come fast enough.
const TARGET_MS: u64 = 5;
/// How long they may wait for longer: the longest usual round trip.
const INTERVAL_MS: u64 = 100;
/// What a FIFO holds at its class's ceiling.
const FIFO_MS: u64 = 50;
/// What a FIFO holds at least, so that a TCP's first windows survive on slow circuits.
const FIFO_FRAMES: u64 = 16;

/// The largest frame that a NIC sends.
pub(crate) fn frame(nic: &NicFacts) -> Bytes {
    Bytes::new(u64::from(nic.mtu) + LINK_LAYER)
}

/// Bytes that may go out at once at `rate`: 5 ms of it, so that a timer that late costs nothing,
/// at least a frame and at most 1 MiB. A larger packet (GSO) still leaves in one piece, as HTB
/// sends while the tokens are not negative and lets them go below (`htb_accnt_tokens`).
pub(crate) fn burst(rate: BitsPerSec, frame: Bytes) -> Bytes {
    let per_second = rate.bytes_per_sec();
    let wanted = (per_second.saturating_mul(BURST_MS) / 1_000).max(frame.get()).min(MOST_BURST);
    Bytes::new(wanted.min(per_second.saturating_mul(MOST_BURST_SECONDS)).max(1))
}

/// Bytes that a leaf holds, where it takes a limit in bytes: 50 ms at `ceil`, at least 16 frames.
pub(crate) fn leaf_limit(kind: Leaf, ceil: BitsPerSec, frame: Bytes) -> Bytes {
    match kind {
        Leaf::Fifo => {
            let time = ceil.bytes_per_sec().saturating_mul(FIFO_MS) / 1_000;
            Bytes::new(time.max(frame.get() * FIFO_FRAMES).min(u32::MAX.into()))
        }
        Leaf::Cake(_) | Leaf::FqCodel | Leaf::None => Bytes::new(0),
    }
}

/// When a leaf drops, under a class with this ceiling. A target that is shorter than a packet takes would have
/// it drop while the circuit is not even busy, and a leaf below HTB does not know the rate: so it is what
/// CAKE reckons where it does (`cake_set_rate` in `net/sched/sch_cake.c`), rounded up.
pub(crate) fn codel(ceil: BitsPerSec, frame: Bytes) -> Codel {
    let packet_us = frame.get().saturating_mul(1_000_000) / ceil.bytes_per_sec().max(1);
    let target = (packet_us * 3 / 2).div_ceil(1_000).max(TARGET_MS);
    let interval = (target + INTERVAL_MS - TARGET_MS).max(2 * target);
    Codel { target: Duration::from_millis(target), interval: Duration::from_millis(interval) }
}

/// Turns guaranteed rates into quanta.
///
/// HTB shares what classes borrow by deficit round robin (`htb_dequeue_tree`). Only leaf classes
/// have a deficit: an inner class hands the turn on when each of its leaves has had one, so a
/// node's share is what the quanta of its busy circuits add up to. Therefore all circuits of one
/// direction share one scale; a scale per node would let few circuits outweigh many. The scale is
/// the smallest power of two that keeps the most circuits between one frame and 60,000 bytes:
/// small turns keep waiting short, and one circuit more rarely moves a power of two, so quanta
/// stay what they are. A scale that was in use stays as long as it keeps seven in eight of those that the
/// best one keeps. Outside of the range a quantum is cut to it.
///
/// A class whose deficit is below zero still sends one packet a turn. With frames the shares are
/// exact; aggregated packets (GRO, GSO) larger than the quantum make them even out. CAKE splits
/// such packets, the other leaves do not: keep aggregation off on the NICs where shares matter.
pub(crate) struct Quanta {
    shift: u32,
    least: u64,
    most: u64,
}

impl Quanta {
    /// The scale for circuits with these guaranteed rates, in place of one that was in use.
    pub(crate) fn fitting(
        rates: impl Iterator<Item = BitsPerSec>,
        frame: Bytes,
        previous: Option<u32>,
    ) -> Self {
        let least = frame.get().max(LEAST_QUANTUM);
        let most = MOST_QUANTUM.max(least);
        let mut fits = [0_i64; 65];
        for rate in rates {
            // Shifts s with least <= rate >> s <= most form a range; count its two ends.
            let last = (0..64).rev().find(|s| rate.get() >> s >= least);
            let first = (0..64).find(|s| rate.get() >> s <= most);
            if let (Some(first), Some(last)) = (first, last)
                && first <= last
            {
                fits[first as usize] += 1;
                fits[last as usize + 1] -= 1;
            }
        }
        let mut best = (0, 0);
        let (mut count, mut kept) = (0, 0);
        for (shift, change) in (0..64).zip(fits) {
            count += change;
            if count >= best.0 {
                best = (count, shift);
            }
            if previous == Some(shift) {
                kept = count;
            }
        }
        let shift = match previous {
            Some(previous) if kept > 0 && 8 * kept >= 7 * best.0 => previous,
            _ if best.0 == 0 => 0,
            _ => best.1,
        };
        Self { shift, least, most }
    }

    /// By how many bits rates are shifted.
    pub(crate) const fn shift(&self) -> u32 {
        self.shift
    }

    /// The quantum of a leaf class with this guaranteed rate.
    pub(crate) fn of(&self, rate: BitsPerSec) -> Bytes {
        Bytes::new((rate.get() >> self.shift).clamp(self.least, self.most))
    }

    /// The quantum of a class that has none of its own to send: HTB wants one, and reads none.
    pub(crate) fn idle(&self) -> Bytes {
        Bytes::new(self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Bytes = Bytes::new(1522);

    #[test]
    fn quanta_keep_the_proportion_of_rates_with_short_turns() {
        let rates = [10, 20, 40].map(BitsPerSec::from_mbps);
        let quanta = Quanta::fitting(rates.into_iter(), FRAME, None);
        let of = rates.map(|rate| quanta.of(rate).get());
        assert_eq!(of, [2441, 4882, 9765]);
    }

    #[test]
    fn a_lone_outlier_does_not_flatten_the_rest() {
        let rates = [10, 20, 40, 50_000].map(BitsPerSec::from_mbps);
        let quanta = Quanta::fitting(rates.into_iter(), FRAME, None);
        assert_eq!(rates.map(|rate| quanta.of(rate).get()), [2441, 4882, 9765, 60_000]);
    }

    #[test]
    fn a_scale_stays_until_it_is_clearly_worse() {
        let shift = |mbps: &[u64], previous| {
            let rates = mbps.iter().map(|mbps| BitsPerSec::from_mbps(*mbps));
            Quanta::fitting(rates, FRAME, previous).shift()
        };
        let many = [10; 15];
        let before = shift(&many, None);
        let slow: Vec<_> = many.into_iter().chain([1]).collect();
        assert_ne!(shift(&slow, None), before, "one circuit more tips the scale");
        assert_eq!(shift(&slow, Some(before)), before, "but not one that is in use");
        assert_ne!(shift(&[1; 15], Some(before)), before);
        assert_eq!(shift(&[], Some(before)), 0);
    }

    #[test]
    fn tiny_rates_and_jumbo_frames_still_get_a_quantum() {
        let quanta = Quanta::fitting([BitsPerSec::new(1_000)].into_iter(), FRAME, None);
        assert_eq!(quanta.of(BitsPerSec::new(1_000)), FRAME);
        let jumbo = Quanta::fitting(std::iter::empty(), Bytes::new(65_557), None);
        assert_eq!(jumbo.of(BitsPerSec::from_mbps(10)), Bytes::new(65_557));
    }

    #[test]
    fn a_burst_is_five_milliseconds_between_a_frame_and_a_mebibyte() {
        let of = |rate: BitsPerSec| burst(rate, FRAME).get();
        assert_eq!(of(BitsPerSec::from_mbps(1)), 1522);
        assert_eq!(of(BitsPerSec::from_mbps(100)), 62_500);
        assert_eq!(of(BitsPerSec::from_mbps(100_000)), 1 << 20);
        assert_eq!(burst(LEAST_RATE, Bytes::new(65_557)).get(), 25_000);
    }

    #[test]
    fn slow_circuits_may_wait_for_a_packet_and_a_half() {
        let of = |kbps: u64| {
            let Codel { target, interval } = codel(BitsPerSec::new(1_000 * kbps), FRAME);
            (target.as_millis(), interval.as_millis())
        };
        assert_eq!(of(100_000), (5, 100));
        assert_eq!(of(3_653), (5, 100), "the slowest with the usual times");
        assert_eq!(of(3_652), (6, 101));
        assert_eq!(of(1_000), (19, 114));
        assert_eq!(of(100), (183, 366), "an interval is two targets at least");
        let jumbo = codel(LEAST_RATE, Bytes::new(65_557));
        assert_eq!(jumbo.target.as_millis(), 786_684);
    }

    #[test]
    fn a_fifo_holds_fifty_milliseconds_or_sixteen_frames() {
        let of = |mbps| leaf_limit(Leaf::Fifo, BitsPerSec::from_mbps(mbps), FRAME).get();
        assert_eq!(of(1), 16 * 1522);
        assert_eq!(of(500), 3_125_000);
        assert_eq!(leaf_limit(Leaf::FqCodel, BitsPerSec::from_mbps(1), FRAME).get(), 0);
    }
}
