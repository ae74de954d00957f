//! One scenario, measured: the datapath's program and the empty one in turn, and a look at the
//! counters whether the packets took the way that the scenario is named after.

use std::time::Instant;

use abi::{Egress, Event, Totals, Verdict};
use anyhow::{Context, Result, ensure};
use kernel::datapath::{Counters, Course, Hook, Rehearsal, Subject};

use super::packet::{course, frame};
use super::provider;
use super::scenario::{Customers, Pace, Scenario, Tables};
use crate::record::median;

/// The two programs take turns this often in a round, so that what else the machine does meets both.
const TURNS: u32 = 10;

/// Packets before the first round: the caches and the branch predictor learn, standing flows begin.
const WARM_UP: u32 = 200_000;

/// What one packet costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Nanoseconds beyond the empty program; the median of the rounds.
    pub(super) net_ns: f64,
    /// Nanoseconds of the empty program and the driver, likewise.
    pub(super) empty_ns: f64,
    /// The lowest and the highest of the rounds' net figures.
    pub(super) spread_ns: (f64, f64),
}

/// Measures one scenario.
pub(super) fn measure(scenario: &Scenario, rounds: usize) -> Result<Cost> {
    let mut stage = Stage::new(scenario)?;
    stage.prepare()?;
    let (mut net, mut empty) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (datapath_ns, empty_ns) = stage.round()?;
        net.push(datapath_ns - empty_ns);
        empty.push(empty_ns);
    }
    let lowest = net.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = net.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(Cost { net_ns: median(net), empty_ns: median(empty), spread_ns: (lowest, highest) })
}

/// Programs, tables and packets of one scenario.
struct Stage<'s> {
    scenario: &'s Scenario,
    rehearsal: Rehearsal,
    counters: Counters,
    frame: [u8; Course::FRAME_BYTES],
}

impl<'s> Stage<'s> {
    fn new(scenario: &'s Scenario) -> Result<Self> {
        let mut loaded = provider::load(scenario)?;
        let counters = loaded.take_counters().context("the counters were taken before")?;
        let rehearsal = Rehearsal::new(loaded, &course(scenario))?;
        Ok(Self { scenario, rehearsal, counters, frame: frame(scenario.kind) })
    }

    /// Lets packets pass until the tables are as the scenario wants them.
    fn prepare(&mut self) -> Result<()> {
        for subject in [Subject::Datapath, Subject::Empty] {
            self.rehearsal.run(self.scenario.hook, subject, &self.frame, WARM_UP)?;
        }
        Ok(())
    }

    /// Nanoseconds a packet: with the datapath's program, and with the empty one.
    fn round(&mut self) -> Result<(f64, f64)> {
        if self.scenario.tables == Tables::Emptied {
            self.rehearsal.clear("tg_flows")?;
        }
        let before = self.counters.totals();
        let (mut datapath_ns, mut empty_ns) = (0.0, 0.0);
        for _ in 0..TURNS {
            datapath_ns += self.turn(Subject::Datapath)? / f64::from(TURNS);
            empty_ns += self.turn(Subject::Empty)? / f64::from(TURNS);
        }
        self.check(&before).with_context(|| format!("scenario {}", self.scenario.name))?;
        Ok((datapath_ns, empty_ns))
    }

    /// Nanoseconds a packet.
    fn turn(&mut self, subject: Subject) -> Result<f64> {
        let mut run =
            |repeats| self.rehearsal.run(self.scenario.hook, subject, &self.frame, repeats);
        Ok(match self.scenario.pace {
            Pace::Repeated(packets) => run(packets / TURNS)?.as_nanos() as f64,
            Pace::Single(packets) => {
                let start = Instant::now();
                for _ in 0..packets / TURNS {
                    run(1)?;
                }
                start.elapsed().as_nanos() as f64 / f64::from(packets / TURNS)
            }
        })
    }

    fn check(&self, before: &Totals) -> Result<()> {
        let (Pace::Repeated(packets) | Pace::Single(packets)) = self.scenario.pace;
        let packets = u64::from(packets);
        let now = self.counters.totals();
        let (way, passed) = match (self.scenario.hook, self.scenario.customers) {
            (Hook::Tc, _) => {
                ("look-up", change(&now.egress, &before.egress, Egress::Lookup as usize))
            }
            (_, Customers::Shaped) => {
                ("circuit", change(&now.verdicts, &before.verdicts, Verdict::Circuit as usize))
            }
            (_, Customers::Unknown) => {
                ("unknown", change(&now.verdicts, &before.verdicts, Verdict::Unknown as usize))
            }
        };
        ensure!(passed == packets, "{passed} of {packets} packets went the way {way:?}");
        let refused = change(&now.events, &before.events, Event::UnknownFull as usize);
        let crowded =
            self.scenario.tables == Tables::Full && self.scenario.customers == Customers::Unknown;
        let expected = if crowded { packets } else { 0 };
        ensure!(
            refused == expected,
            "{refused} of {packets} found the table of unknown hosts full"
        );
        Ok(())
    }
}

fn change(now: &[u64], before: &[u64], index: usize) -> u64 {
    now[index] - before[index]
}
