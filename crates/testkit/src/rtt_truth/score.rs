//! How near the truth the samples of a case are.

use units::{PerSegment, Segment};

use super::{Bins, Case, Expected, Played, Sample};
use crate::connection::sender_of;

/// Per direction, RTTs are sampled at most once in a timer tick, which is 4 ms at the most usual 250 Hz.
const TICK_NS: u64 = 4_000_000;
/// How far from truth the median may be: whichever is larger.
const ERROR_NS: u64 = 1_000_000;
const ERROR_SHARE: f64 = 0.05;
/// What a bin's value may be off.
const BIN_SHARE: f64 = 0.06;
/// One packet in so many may yield a sample where there is nothing but noise.
const NOISE_SHARE: usize = 100;
/// Round trips for which a spin bit may be watched before it is believed.
const SPIN_ROUND_TRIPS: u64 = 10;
/// Fewer round trips than this show nothing of the yield.
const ROUND_TRIPS: u64 = 6;

/// A case's result.
#[derive(Clone, Debug)]
pub struct Score {
    /// The case's name.
    pub name: String,
    /// By segment.
    pub sides: PerSegment<SideScore>,
    expected: Expected,
    packets: usize,
    warm_up: u64,
}

/// Of one segment.
#[derive(Clone, Debug, Default)]
pub struct SideScore {
    /// How many samples there were.
    pub samples: usize,
    /// Samples on packets that answer nothing.
    pub false_samples: usize,
    /// Timer ticks in which a packet that answers another passed: what could have been sampled.
    pub chances: u64,
    /// Round trips during which there were chances.
    pub round_trips: u64,
    /// How far off each sample is, ascending.
    pub errors_ns: Vec<u64>,
    /// The middle sample, and the middle of their truths.
    pub median_ns: u64,
    /// Likewise.
    pub truth_ns: u64,
    /// The path's own RTT, without what hosts add.
    pub path_ns: u64,
    /// The middle of the circuit's histogram, and the samples in it.
    pub histogram_ns: u64,
    /// Likewise.
    pub histogram_samples: u32,
    /// What the circuit says it has had.
    pub circuit_samples: u32,
}

impl SideScore {
    /// Samples per chance; none without chances.
    pub fn yielded(&self) -> Option<f64> {
        (self.chances > 0).then(|| self.samples as f64 / self.chances as f64)
    }

    /// The error in milliseconds that `percent` hundredths of the samples do not exceed.
    pub fn error_ms(&self, percent: usize) -> Option<f64> {
        let last = self.errors_ns.len().checked_sub(1)?;
        let at = (last * percent).div_ceil(100);
        Some(self.errors_ns[at] as f64 / 1e6)
    }

    fn tolerance_ns(&self) -> u64 {
        ERROR_NS.max((self.truth_ns as f64 * ERROR_SHARE) as u64)
    }
}

impl Score {
    /// Compares a case's samples with the truth.
    pub fn new(case: &Case, played: &Played) -> Self {
        let sides = PerSegment::from_fn(|segment| side(case, played, segment));
        Self {
            name: case.name.clone(),
            sides,
            expected: case.expected,
            packets: case.packets.len(),
            warm_up: if case.is_quic { SPIN_ROUND_TRIPS } else { 0 },
        }
    }

    /// One segment's result in a line.
    pub fn line(&self, segment: Segment) -> String {
        let side = &self.sides[segment];
        let ms = |ns: u64| ns as f64 / 1e6;
        let error = |percent| side.error_ms(percent).unwrap_or(f64::NAN);
        format!(
            "{:48} {segment:8} error {:8.3} ms median {:8.3} p99; {:8.3} ms of {:8.3}; {:5} samples \
             ({} false), {:5} chances, {:4} round trips; bins {:8.3}",
            self.name,
            error(50),
            error(99),
            ms(side.median_ns),
            ms(side.truth_ns),
            side.samples,
            side.false_samples,
            side.chances,
            side.round_trips,
            ms(side.histogram_ns),
        )
    }

    /// What is not as it must be; nothing when all is well.
    pub fn complaints(&self) -> Vec<String> {
        let complaints = Segment::ALL.map(|segment| {
            let side = &self.sides[segment];
            let complaints = match self.expected {
                Expected::Nothing if side.samples > 0 => {
                    vec![format!("{} samples where none can be", side.samples)]
                }
                Expected::Noise if side.samples * NOISE_SHARE > self.packets => {
                    vec![format!("{} samples of noise in {} packets", side.samples, self.packets)]
                }
                Expected::Nothing | Expected::Noise => Vec::new(),
                Expected::Truth => side.complaints(self.warm_up),
            };
            complaints.into_iter().map(move |why| format!("{}, {segment} side: {why}", self.name))
        });
        complaints.into_iter().flatten().collect()
    }
}

impl SideScore {
    fn complaints(&self, warm_up: u64) -> Vec<String> {
        let mut complaints = Vec::new();
        let tolerance = self.tolerance_ns();
        let median_error = self.errors_ns.get(self.errors_ns.len() / 2).copied().unwrap_or(0);
        if median_error > tolerance {
            complaints.push(format!("median error {median_error} ns"));
        }
        // One false sample in a hundred is what a lost acknowledgement can do.
        if self.false_samples * 100 > self.samples {
            complaints.push(format!("{} of {} samples false", self.false_samples, self.samples));
        }
        let round_trips = self.round_trips.saturating_sub(warm_up);
        let needed = round_trips.min(self.chances) / 2;
        if round_trips >= ROUND_TRIPS && (self.samples as u64) < needed {
            let samples = self.samples;
            complaints.push(format!("{samples} samples in {round_trips} round trips"));
        }
        let counts = [self.histogram_samples, self.circuit_samples];
        if counts != [self.samples as u32; 2] {
            complaints.push(format!(
                "{} samples, but {counts:?} in the circuit's histogram and count",
                self.samples
            ));
        }
        let off = self.histogram_ns.abs_diff(self.median_ns);
        if self.samples > 0 && off as f64 > self.median_ns as f64 * BIN_SHARE {
            complaints.push(format!("median {} ns, in bins {}", self.median_ns, self.histogram_ns));
        }
        complaints
    }
}

fn side(case: &Case, played: &Played, segment: Segment) -> SideScore {
    let samples: Vec<&Sample> =
        played.samples.iter().filter(|sample| sample.segment == segment).collect();
    let judged: Vec<(u64, u64)> =
        samples.iter().map(|sample| judge(case, played, sample)).collect();
    let answers_nothing = |sample: &&&Sample| case.packets[sample.packet].answers.is_empty();
    let (chances, round_trips) = chances(case, played, segment);
    let Bins { counts, samples: circuit_samples } = &played.bins[segment];
    SideScore {
        samples: samples.len(),
        false_samples: samples.iter().filter(answers_nothing).count(),
        chances,
        round_trips,
        errors_ns: sorted(judged.iter().map(|(error, _)| *error)),
        median_ns: middle(&sorted(samples.iter().map(|sample| sample.rtt_ns))),
        truth_ns: middle(&sorted(judged.iter().map(|(_, truth)| *truth))),
        path_ns: case.path_ns[segment],
        histogram_ns: middle_of_bins(counts),
        histogram_samples: counts.iter().map(|(_, count)| count).sum(),
        circuit_samples: *circuit_samples,
    }
}

/// A sample's error, and the truth that it is nearest to. Where nothing was answered, the path's RTT
/// has to do.
fn judge(case: &Case, played: &Played, sample: &Sample) -> (u64, u64) {
    let (from, to) = played.passed_ns[sample.packet];
    let answers = case.packets[sample.packet].answers.iter();
    let truths = answers.map(|answered| {
        let (earliest, latest) = played.passed_ns[*answered];
        let truth = (from.saturating_sub(latest), to.saturating_sub(earliest));
        let outside = sample.rtt_ns.clamp(truth.0, truth.1).abs_diff(sample.rtt_ns);
        (outside, truth.0.midpoint(truth.1))
    });
    let path_ns = case.path_ns[sample.segment];
    truths.min().unwrap_or((path_ns.abs_diff(sample.rtt_ns), path_ns))
}

/// Timer ticks with an answer, and round trips with one.
fn chances(case: &Case, played: &Played, segment: Segment) -> (u64, u64) {
    let round_trip_ns = case.path_ns[segment].max(TICK_NS);
    let (mut ticks, mut round_trips) = (0, 0);
    let (mut last_tick, mut round_trip_until) = (None, 0);
    for (packet, (at, _)) in case.packets.iter().zip(&played.passed_ns) {
        if sender_of(packet.direction) != segment || packet.answers.is_empty() {
            continue;
        }
        let tick = Some(at / TICK_NS);
        ticks += u64::from(tick != last_tick);
        last_tick = tick;
        if *at >= round_trip_until {
            round_trips += 1;
            round_trip_until = at + round_trip_ns;
        }
    }
    (ticks, round_trips)
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values
}

fn middle(sorted: &[u64]) -> u64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

fn middle_of_bins(counts: &[(u64, u32)]) -> u64 {
    let all: u32 = counts.iter().map(|(_, count)| count).sum();
    let mut seen = 0;
    let middle = counts.iter().find(|(_, count)| {
        seen += count;
        seen > all / 2
    });
    middle.map_or(0, |(value, _)| *value)
}
