//! One scenario, measured: the datapath's program and the empty one in turn, and a look at the
//! counters whether the packets took the way that the scenario is named after.

use abi::{Egress, Event, Totals, Verdict};
use anyhow::{Context, Result, ensure};
use kernel::datapath::{Course, Hook, Readers, Rehearsal, Subject};
use units::CircuitSlot;

use super::packet::{Kind, course, frame};
use super::provider;
use super::scenario::{Customers, Pace, Scenario, Tables};
use crate::record::median;

/// The two programs take turns this often in a round, so that what else the machine does meets both.
const TURNS: u32 = 10;

/// Packets before the first round, where flows stand: each has several.
const WARM_UP: u32 = 500_000;

/// In which of its places a flow finds room is up to chance: of so many, one may do the other.
const ODD_ONE_OF: u64 = 500;

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
    let rounds: Result<Vec<_>> = (0..rounds).map(|_| stage.round()).collect();
    Ok(Cost::of(&rounds.with_context(|| scenario.name)?))
}

impl Cost {
    /// From rounds: nanoseconds with the datapath's program, and with the empty one.
    pub(super) fn of(rounds: &[(f64, f64)]) -> Self {
        let net_ns = || rounds.iter().map(|(datapath, empty)| datapath - empty);
        Self {
            net_ns: median(net_ns().collect()),
            empty_ns: median(rounds.iter().map(|(_, empty)| *empty).collect()),
            spread_ns: (
                net_ns().fold(f64::INFINITY, f64::min),
                net_ns().fold(f64::NEG_INFINITY, f64::max),
            ),
        }
    }
}

/// Programs, tables and packets of one scenario.
struct Stage<'s> {
    scenario: &'s Scenario,
    rehearsal: Rehearsal,
    readers: Readers,
    frame: [u8; Course::FRAME_BYTES],
}

impl<'s> Stage<'s> {
    fn new(scenario: &'s Scenario) -> Result<Self> {
        let mut loaded =
            provider::load(provider::options(scenario)?, scenario.circuits, scenario.kind)?;
        let readers = loaded.take_readers().context("the readers were taken before")?;
        let rehearsal = Rehearsal::new(loaded, &course(scenario))?;
        Ok(Self { scenario, rehearsal, readers, frame: frame(scenario.kind) })
    }

    /// Lets packets pass until caches and branch predictors know them, and the tables are as the
    /// scenario wants them.
    fn prepare(&mut self) -> Result<()> {
        let capacities =
            [self.readers.flows.capacity() as u32, self.readers.counters.unknown_capacity()];
        let packets = match self.scenario.tables {
            Tables::Standing => WARM_UP,
            Tables::Emptied => provider::FLOWS / 2,
            Tables::Full => 8 * capacities.into_iter().max().unwrap_or(0),
        };
        for subject in [Subject::Datapath, Subject::Empty] {
            self.rehearsal.run(self.scenario.hook, subject, &self.frame, packets)?;
        }
        Ok(())
    }

    /// Nanoseconds a packet: with the datapath's program, and with the empty one.
    fn round(&mut self) -> Result<(f64, f64)> {
        if self.scenario.tables == Tables::Emptied {
            self.rehearsal.clear_flows();
        }
        let before = self.readers.counters.totals();
        let (mut datapath_ns, mut empty_ns) = (0.0, 0.0);
        for _ in 0..TURNS {
            datapath_ns += self.turn(Subject::Datapath)? / f64::from(TURNS);
            empty_ns += self.turn(Subject::Empty)? / f64::from(TURNS);
        }
        let after = self.readers.counters.totals();
        self.check_counters(&before, &after)?;
        self.check_tables()?;
        Ok((datapath_ns, empty_ns))
    }

    /// Nanoseconds a packet.
    fn turn(&mut self, subject: Subject) -> Result<f64> {
        let mut run =
            |repeats| self.rehearsal.run(self.scenario.hook, subject, &self.frame, repeats);
        Ok(match self.scenario.pace {
            Pace::Repeated(packets) => run(packets / TURNS)?.as_nanos() as f64,
            Pace::Single(packets) => {
                let mut sum_ns = 0.0;
                for _ in 0..packets / TURNS {
                    sum_ns += run(1)?.as_nanos() as f64;
                }
                sum_ns / f64::from(packets / TURNS)
            }
        })
    }

    /// Each packet went the way that the scenario is named after.
    fn check_counters(&self, before: &Totals, after: &Totals) -> Result<()> {
        let Scenario { hook, customers, tables, .. } = *self.scenario;
        let (Pace::Repeated(packets) | Pace::Single(packets)) = self.scenario.pace;
        let unknown = customers == Customers::Unknown;
        let ingress = if hook == Hook::Xdp { packets } else { 0 };
        let full = if tables == Tables::Full { packets } else { 0 };
        let verdict =
            |verdict| (after.verdicts[verdict as usize], before.verdicts[verdict as usize]);
        let event = |event| (after.events[event as usize], before.events[event as usize]);
        let egress = Egress::Lookup as usize;
        for (what, (after, before), expected) in [
            ("of circuits", verdict(Verdict::Circuit), if unknown { 0 } else { ingress }),
            ("of unknown hosts", verdict(Verdict::Unknown), if unknown { ingress } else { 0 }),
            ("looked up", (after.egress[egress], before.egress[egress]), packets - ingress),
            (
                "with no room for the host",
                event(Event::UnknownFull),
                if unknown { full } else { 0 },
            ),
            ("sent again", sums(after.retransmits, before.retransmits), 0),
            ("overtaken", sums(after.reordered, before.reordered), 0),
        ] {
            let counted = after - before;
            let expected = u64::from(expected);
            ensure!(counted == expected, "{counted} packets {what} instead of {expected}");
        }
        let (after, before) = event(Event::FlowsFull);
        is_near(after - before, full, packets, "packets with no room for the flow")
    }

    /// The tables hold what the packets leave there.
    fn check_tables(&mut self) -> Result<()> {
        let Scenario { hook, customers, tables, flows, .. } = *self.scenario;
        let (Pace::Repeated(packets) | Pace::Single(packets)) = self.scenario.pace;
        let flows = match (hook, tables) {
            (Hook::Tc, _) => 0,
            (_, Tables::Standing) => flows,
            (_, Tables::Emptied) => packets,
            (_, Tables::Full) => self.readers.flows.capacity() as u32,
        };
        let unknown = match (customers, tables) {
            (Customers::Shaped, _) => 0,
            (_, Tables::Full) => self.readers.counters.unknown_capacity(),
            (..) => flows,
        };
        is_near(self.rehearsal.flows() as u64, flows, flows, "flows")?;
        let hosts = self.rehearsal.unknown_hosts()?;
        ensure!(hosts == unknown as usize, "{hosts} unknown hosts instead of {unknown}");
        let first = CircuitSlot::new(0);
        let samples = self.readers.quality.take(first).map_or([0; 2], |quality| quality.samples);
        let sampled = self.scenario.kind == Kind::Tcp4BothWays;
        ensure!(
            samples.iter().all(|samples| (*samples > 0) == sampled),
            "{samples:?} RTT samples were taken"
        );
        Ok(())
    }
}

fn is_near(counted: u64, expected: u32, of: u32, what: &str) -> Result<()> {
    let odd = u64::from(of) / ODD_ONE_OF;
    ensure!(counted.abs_diff(expected.into()) <= odd, "{counted} {what} instead of {expected}");
    Ok(())
}

/// Of both directions.
fn sums(after: [u64; 2], before: [u64; 2]) -> (u64, u64) {
    (after.iter().sum(), before.iter().sum())
}

#[cfg(test)]
mod tests {
    use kernel::privileges::missing_capabilities;

    use super::super::scenario::ALL;
    use super::*;

    #[test]
    fn packets_take_the_way_that_their_scenario_is_named_after() {
        let missing = missing_capabilities().unwrap();
        if !missing.is_empty() {
            eprintln!("skipped: lacks {}", missing.join(", "));
            return;
        }
        for mut scenario in ALL {
            scenario.pace = match scenario.pace {
                Pace::Repeated(_) => Pace::Repeated(1_000),
                Pace::Single(_) => Pace::Single(100),
            };
            let cost = measure(&scenario, 1).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(cost.empty_ns > 0.0 && cost.net_ns.is_finite(), "{scenario:?}: {cost:?}");
        }
    }
}
