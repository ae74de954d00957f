//! Packets in real time.

use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use units::{PerSegment, Segment};

use super::Case;
use crate::Frame;
use crate::connection::{Ends, sender_of};

/// Between the beginnings of two cases: so many run at once as the machine can keep up with, and they
/// do not send at the same moments.
const STAGGER_NS: u64 = 110_130_000;
/// What it catches up with. When it is later than that, all that follows is put off as well, so
/// that packets keep their distances.
const LATE_NS: u64 = 50_000_000;
/// How long before a packet's time the player stops sleeping and looks at the clock.
const SPIN_NS: u64 = 80_000;

/// What measures RTTs.
pub trait Observer {
    /// Lets a packet of a case pass.
    ///
    /// # Errors
    /// When it cannot.
    fn pass(&mut self, frame: &[u8]) -> Result<()>;

    /// What is known of a flow's RTTs; nothing, where nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    fn reading(&self, ends: &Ends) -> Result<PerSegment<Reading>>;

    /// The RTT histograms of the `n`th case's circuit; empty where nobody asks for them.
    ///
    /// # Errors
    /// When they cannot be read.
    fn bins(&mut self, _n: usize) -> Result<PerSegment<Bins>> {
        Ok(PerSegment::default())
    }

    /// The VLAN tag of what this host sends.
    fn vlan(&self, host: Segment) -> u16;
}

/// What is known of a flow's RTTs of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Samples so far.
    pub samples: u32,
    /// The last one.
    pub last_ns: u64,
}

/// An RTT histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bins {
    /// The value that stands for a bin, in nanoseconds, and how many samples are in it; ascending.
    pub counts: Vec<(u64, u32)>,
    /// Samples since the programs were loaded.
    pub samples: u32,
}

/// One measured RTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The packet on which it was taken, by its place in the case.
    pub packet: usize,
    /// Of which segment it is said to be.
    pub segment: Segment,
    /// How long.
    pub rtt_ns: u64,
}

/// A case as it was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// By packet, the clock before and after it passed.
    pub passed_ns: Vec<(u64, u64)>,
    /// What was measured.
    pub samples: Vec<Sample>,
    /// What the circuit's histograms have in the end.
    pub bins: PerSegment<Bins>,
}

/// One packet on the common time line.
struct Turn {
    at_ns: u64,
    case: usize,
    packet: usize,
    frame: Vec<u8>,
}

/// Plays all cases at once.
///
/// # Errors
/// When the observer fails, or measures what cannot be: two samples on one packet, or one of the
/// segment that the packet does not answer for.
pub fn play(cases: &[Case], observer: &mut impl Observer) -> Result<Vec<Played>> {
    let ends: Vec<Ends> = cases.iter().enumerate().map(|(n, case)| case.ends(n)).collect();
    let turns = time_line(cases, &ends, observer);
    let mut before = vec![PerSegment::<Reading>::default(); cases.len()];
    let mut played: Vec<Played> =
        cases.iter().map(|case| Played::new(case.packets.len())).collect();
    let mut origin_ns = now_ns() + LATE_NS;
    for turn in turns {
        origin_ns += wait_until_ns(origin_ns + turn.at_ns);
        let started = now_ns();
        observer.pass(&turn.frame)?;
        let ended = now_ns();
        let (case, played) = (&cases[turn.case], &mut played[turn.case]);
        played.passed_ns[turn.packet] = (started, ended);
        let now = observer.reading(&ends[turn.case])?;
        let answers_for = sender_of(case.packets[turn.packet].direction);
        for segment in Segment::ALL {
            let taken = now[segment].samples.wrapping_sub(before[turn.case][segment].samples);
            ensure!(taken <= 1, "{}: {taken} samples on packet {}", case.name, turn.packet);
            ensure!(
                taken == 0 || segment == answers_for,
                "{}: packet {} answers for the {answers_for} segment, not the other",
                case.name,
                turn.packet
            );
            if taken == 1 {
                let rtt_ns = now[segment].last_ns;
                played.samples.push(Sample { packet: turn.packet, segment, rtt_ns });
            }
        }
        before[turn.case] = now;
    }
    for (n, played) in played.iter_mut().enumerate() {
        played.bins = observer.bins(n)?;
    }
    Ok(played)
}

impl Played {
    fn new(packets: usize) -> Self {
        Self { passed_ns: vec![(0, 0); packets], samples: Vec::new(), bins: PerSegment::default() }
    }
}

fn time_line(cases: &[Case], ends: &[Ends], observer: &impl Observer) -> Vec<Turn> {
    let mut turns = Vec::new();
    for (n, (case, ends)) in cases.iter().zip(ends).enumerate() {
        for (i, packet) in case.packets.iter().enumerate() {
            let vlan = observer.vlan(sender_of(packet.direction));
            turns.push(Turn {
                at_ns: packet.at_ns + n as u64 * STAGGER_NS,
                case: n,
                packet: i,
                frame: packet.frame(Frame::ethernet().vlan(vlan), ends),
            });
        }
    }
    // Stable: packets of one case that pass at the same time keep their order.
    turns.sort_by_key(|turn| turn.at_ns);
    turns
}

/// Waits and says by how much the rest is to be put off.
fn wait_until_ns(at_ns: u64) -> u64 {
    let left = at_ns.saturating_sub(now_ns());
    if left > SPIN_NS {
        std::thread::sleep(Duration::from_nanos(left - SPIN_NS));
    }
    loop {
        let now = now_ns();
        if now >= at_ns {
            let late = now - at_ns;
            return if late > LATE_NS { late } else { 0 };
        }
        std::hint::spin_loop();
    }
}

/// `CLOCK_MONOTONIC`, which is also the kernel programs' clock.
fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
