//! What a packet costs in the kernel programs, and what loading them costs.
//!
//! The loaded programs run on packets made for each repeat, over tables as a provider's box has them
//! (`BPF_PROG_TEST_RUN`). The same driver in front of an empty program is subtracted; the two take turns,
//! and the median of the rounds counts. Times are told, never judged; instructions that the
//! verifier processes have a budget.

mod budget;
mod footprint;
mod live;
mod packet;
mod provider;
mod rounds;
mod scenario;
mod sheet;

use anyhow::Result;
use clap::Args;

use crate::record::Report;
use budget::Budget;
use sheet::Sheet;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only scenarios whose name contains this; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Makes what the verifier processes now the budget.
    #[arg(long)]
    update_budget: bool,
}

impl Options {
    fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| scenario.contains(part.as_str()))
    }
}

/// Measures and tells.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let mut sheet = Sheet::default();
    for scenario in scenario::ALL.iter().filter(|scenario| options.wants(scenario.name)) {
        sheet.packet(scenario.name, scenario.bars, rounds::measure(scenario, options.rounds)?);
    }
    if options.wants(live::NAME) {
        match live::measure(options.rounds)? {
            Some(cost) => sheet.packet(live::NAME, live::BARS, cost),
            None => println!("{} is left out: no packet kept its metadata", live::NAME),
        }
    }
    let footprint = footprint::measure(options.rounds)?;
    if options.update_budget {
        Budget::of(&footprint.efforts).write()?;
    }
    let budget = Budget::read()?;
    sheet.footprint(&footprint, &budget);
    Ok(sheet.report(budget.complaints(&footprint.efforts)))
}
