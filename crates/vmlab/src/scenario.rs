//! The scenarios: which there are, what each needs, and how long it may take.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kernel::namespace::in_private_network;
use testkit::run;
use testkit::verdict::{Outcome, Verdict};

use crate::findings::Findings;
use crate::stage::Programs;
use crate::{attach, change, fairness, kernel_tests, latency, round_trips, service, shaping};

/// One scenario.
pub(crate) struct Scenario {
    /// Its name.
    pub(crate) name: &'static str,
    /// After which it hangs. Ours to say, for others to act on: nobody ends it from inside.
    pub(crate) deadline: Duration,
    /// Queueing disciplines that it cannot do without.
    needs: &'static [Need],
    work: fn(&Programs, &mut Findings) -> Result<()>,
}

/// A queueing discipline that some kernels do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Cake,
    Netem,
}

impl Need {
    const fn name(self) -> &'static str {
        match self {
            Self::Cake => "cake",
            Self::Netem => "netem",
        }
    }

    /// Whether the kernel has it: tried on the loopback device of a namespace that exists for that long.
    fn is_met(self) -> Result<bool> {
        let arguments = ["qdisc", "add", "dev", "lo", "root", self.name()];
        let tried =
            in_private_network(|| run(Command::new("tc").args(arguments), Duration::from_secs(10)));
        Ok(tried.context("could not make a namespace")??.status.success())
    }
}

/// All of them, the quickest first.
pub(crate) static ALL: [Scenario; 11] = [
    Scenario::new("attach-bridge", 60, &[], attach::bridge),
    Scenario::new("attach-xdp-bridge", 60, &[], attach::xdp_bridge),
    Scenario::new("attach-stick", 60, &[], attach::stick),
    Scenario::new("kernel-tests", 240, &[], kernel_tests::run_all),
    Scenario::new("shaping", 180, &[Need::Cake], shaping::run),
    Scenario::new("fairness", 120, &[Need::Cake], fairness::run),
    Scenario::new("latency", 150, &[Need::Cake, Need::Netem], latency::run),
    Scenario::new("round-trips", 90, &[Need::Netem], round_trips::run),
    Scenario::new("changes", 120, &[Need::Cake], change::reloads),
    Scenario::new("successions", 150, &[Need::Cake], change::successions),
    Scenario::new("service", 300, &[Need::Cake], service::run),
];

impl Scenario {
    const fn new(
        name: &'static str,
        seconds_max: u64,
        needs: &'static [Need],
        work: fn(&Programs, &mut Findings) -> Result<()>,
    ) -> Self {
        Self { name, deadline: Duration::from_secs(seconds_max), needs, work }
    }

    /// Runs it, whatever comes of it.
    pub(crate) fn run(&self, programs: &Programs) -> Verdict {
        let begun = Instant::now();
        let mut findings = Findings::default();
        let (outcome, reason) = match self.lacks() {
            Ok(Some(lacking)) => (Outcome::Skipped, Some(format!("this kernel has no {lacking}"))),
            Ok(None) => {
                match (self.work)(programs, &mut findings).and_then(|()| findings.judge()) {
                    Ok(()) => (Outcome::Passed, None),
                    Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
                }
            }
            Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
        };
        Verdict {
            scenario: self.name.to_owned(),
            outcome,
            figures: findings.figures,
            facts: findings.facts,
            reason,
            seconds: begun.elapsed().as_secs_f64(),
        }
    }

    /// What it needs and this kernel does not have.
    fn lacks(&self) -> Result<Option<&'static str>> {
        for need in self.needs {
            if !need.is_met()? {
                return Ok(Some(need.name()));
            }
        }
        Ok(None)
    }
}
