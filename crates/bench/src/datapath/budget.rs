//! How many instructions the verifier may process for each program.
//!
//! Unlike times these counts are the same on each run of a kernel, so exceeding them is an error.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use kernel::datapath::ProgramEffort;
use serde::{Deserialize, Serialize};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budget.toml");

/// How far above its budget a program may be, in percent: compilers and kernels differ.
const SLACK_PERCENT: u64 = 25;

const HEAD: &str = "\
# Instructions that the kernel's verifier processes for each program. The benchmark `datapath` and
# a test fail where a program takes over a quarter more. `cargo xtask bench datapath -- --update-budget`
# writes this file.

";

/// The budget of every program.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    instructions: BTreeMap<String, u64>,
}

impl Budget {
    /// Reads the budget that is in force.
    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(PATH).context("could not read the budget")?;
        toml::from_str(&text).context("the budget cannot be understood")
    }

    /// A budget of just what the programs take.
    pub(super) fn of(efforts: &[ProgramEffort]) -> Self {
        let pairs = efforts.iter().map(|effort| (effort.name.clone(), effort.instructions));
        Self { instructions: pairs.collect() }
    }

    /// Puts it in force.
    pub(super) fn write(&self) -> Result<()> {
        let text = HEAD.to_owned() + &toml::to_string(self)?;
        fs::write(PATH, text).context("could not write the budget")
    }

    /// What a program may take, when it has a budget.
    pub(super) fn limit(&self, program: &str) -> Option<u64> {
        self.instructions.get(program).map(|budget| budget + budget * SLACK_PERCENT / 100)
    }

    /// A sentence for each program that takes too much, and for each that is in one list only.
    pub(super) fn complaints(&self, efforts: &[ProgramEffort]) -> Vec<String> {
        let excess = efforts.iter().filter_map(|ProgramEffort { name, instructions }| {
            match self.limit(name) {
                None => Some(format!("{name} has no budget")),
                Some(limit) if *instructions > limit => Some(format!(
                    "the verifier processes {instructions} instructions of {name}; its budget allows {limit}"
                )),
                Some(_) => None,
            }
        });
        let gone = self
            .instructions
            .keys()
            .filter(|name| efforts.iter().all(|effort| effort.name != **name))
            .map(|name| format!("there is a budget for {name}, but no such program"));
        excess.chain(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use kernel::privileges::missing_capabilities;

    use super::super::footprint::efforts;
    use super::*;

    fn effort(name: &str, instructions: u64) -> ProgramEffort {
        ProgramEffort { name: name.to_owned(), instructions }
    }

    #[test]
    fn a_quarter_more_is_let_pass() {
        let budget = Budget::of(&[effort("a", 100), effort("b", 100)]);
        assert!(budget.complaints(&[effort("a", 125), effort("b", 7)]).is_empty());
        let complaints = budget.complaints(&[effort("a", 126), effort("b", 100)]);
        assert!(
            matches!(complaints.as_slice(), [one] if one.contains("126") && one.contains("125"))
        );
    }

    #[test]
    fn programs_and_budgets_are_the_same() {
        let budget = Budget::of(&[effort("a", 100)]);
        let complaints = budget.complaints(&[effort("b", 1)]);
        assert_eq!(complaints, ["b has no budget", "there is a budget for a, but no such program"]);
    }

    #[test]
    fn it_reads_back() {
        let budget = Budget::of(&[effort("a", 100), effort("b", 7)]);
        let text = HEAD.to_owned() + &toml::to_string(&budget).unwrap();
        assert_eq!(toml::from_str::<Budget>(&text).unwrap(), budget);
    }

    #[test]
    fn the_programs_stay_within_their_budget() {
        let missing = missing_capabilities().unwrap();
        if !missing.is_empty() {
            eprintln!("skipped: lacks {}", missing.join(", "));
            return;
        }
        let complaints = Budget::read().unwrap().complaints(&efforts().unwrap());
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
