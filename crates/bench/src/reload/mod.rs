//! What traffic feels of changes: the real daemon in a lab, with UDP streams that number and date their
//! packets, TCP beside them, and something done in their midst.
//!
//! The reference of a gap is the longest of the same streams while nothing is done, as streams of some
//! thousand packets a second on a machine of two CPUs have gaps of their own. Each deed is done in
//! several rounds, all deeds in each, and the median of the rounds' longest gaps counts.

mod deed;
mod stage;

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use testkit::UdpReport;

use crate::apply_plan;
use crate::record::{Record, median};
use deed::Deed;
use stage::Stage;

const ANSWER_MAX: Duration = Duration::from_secs(60);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Circuits of the network.
    #[arg(long, default_value_t = 10_000)]
    circuits: usize,
    /// How often everything is done.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many circuits are put into the kernel from nothing, once each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 50_000])]
    scale: Vec<usize>,
}

/// What came of one deed in all rounds.
#[derive(Default)]
struct Felt {
    sent: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    /// The longest of each round, in milliseconds.
    gaps: Vec<f64>,
    /// How long it took, in milliseconds.
    took: Vec<f64>,
}

impl Felt {
    fn add(&mut self, reports: &[UdpReport], took: Duration) {
        let longest = reports.iter().map(|report| report.longest_gap).max().unwrap_or_default();
        self.gaps.push(longest.as_secs_f64() * 1e3);
        self.took.push(took.as_secs_f64() * 1e3);
        for report in reports {
            self.sent += report.sent;
            self.lost += report.lost();
            self.duplicated += report.duplicated;
            self.reordered += report.reordered;
        }
    }
}

/// Measures and tells.
pub(crate) fn run(options: &Options) -> Result<Vec<Record>> {
    let mut stage = Stage::new(options.circuits)?;
    let mut felt = Deed::ALL.map(|deed| (deed, Felt::default()));
    for _ in 0..options.rounds {
        for (deed, felt) in &mut felt {
            let (reports, took) = stage.under_traffic(*deed)?;
            felt.add(&reports, took);
        }
    }
    let record = |deed: Deed, metric: &str, unit: &str, value, reference| Record {
        bench: "reload".to_owned(),
        scenario: format!("circuits-{}-{}", options.circuits, deed.name()),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference,
    };
    let mut records = Vec::new();
    let worst = |gaps: &[f64]| gaps.iter().copied().fold(0.0, f64::max);
    let idle = felt[0].1.gaps.clone();
    for (deed, felt) in felt {
        let is_idle = deed == Deed::Nothing;
        let reference = |of: f64| (!is_idle).then_some(of);
        records.extend([
            record(deed, "sent", "packets", felt.sent as f64, None),
            record(deed, "lost", "packets", felt.lost as f64, None),
            record(deed, "duplicated", "packets", felt.duplicated as f64, None),
            record(deed, "reordered", "packets", felt.reordered as f64, None),
            record(deed, "longest_gap_worst", "ms", worst(&felt.gaps), reference(worst(&idle))),
            record(deed, "longest_gap", "ms", median(felt.gaps), reference(median(idle.clone()))),
            record(deed, "took", "ms", median(felt.took), None),
        ]);
    }
    let (to_kernel, to_answer) = stage.time_bus_to_kernel()?;
    records.extend([
        record(Deed::RateOverBus, "from_request_to_kernel", "ms", to_kernel, None),
        record(Deed::RateOverBus, "from_request_to_answer", "ms", to_answer, None),
        record(Deed::Rate, "from_file_to_kernel", "ms", stage.time_file_to_kernel()?, None),
        record(Deed::Nothing, "daemon_memory", "MiB", stage.memory()?, None),
    ]);
    drop(stage);
    for circuits in &options.scale {
        records.extend(apply_plan::measure(*circuits, 1)?);
    }
    Ok(records)
}
