//! What a scenario found so far, and what of it must not be.

use anyhow::{Result, ensure};
use testkit::verdict::Figure;

/// What a scenario found. It fills in while the scenario runs, so that it is there when that fails.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) figures: Vec<Figure>,
    pub(crate) facts: Vec<String>,
    pub(crate) complaints: Vec<String>,
}

impl Findings {
    /// A number that was measured.
    pub(crate) fn measured(&mut self, name: impl Into<String>, value: f64, unit: &str) {
        self.figures.push(Figure { name: name.into(), value, unit: unit.to_owned() });
    }

    /// Something that is no number.
    pub(crate) fn found(&mut self, fact: impl Into<String>) {
        self.facts.push(fact.into());
    }

    /// Fails the scenario unless it holds, but not at once: what follows is measured all the same.
    pub(crate) fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(otherwise());
        }
    }

    /// Whether all was as expected.
    pub(crate) fn judge(&self) -> Result<()> {
        ensure!(self.complaints.is_empty(), "{}", self.complaints.join("; "));
        Ok(())
    }
}
