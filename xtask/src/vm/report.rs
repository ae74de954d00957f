//! What came of the scenarios, for people and for programs.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use testkit::verdict::{Figure, Outcome, Verdict};

use super::boot::Course;

/// Columns of the table, when nobody says how wide the screen is.
const WIDTH: u16 = 110;

/// All of it.
#[derive(Serialize)]
pub(super) struct Report {
    /// Whether nothing failed and everything was run.
    pub(super) passed: bool,
    kernel: String,
    boot_seconds: f64,
    /// With what had to be built before.
    seconds: f64,
    scenarios: Vec<Verdict>,
}

impl Report {
    /// Sums up.
    pub(super) fn new(course: Course, took: Duration) -> Self {
        let failed = |verdict: &Verdict| verdict.outcome == Outcome::Failed;
        Self {
            passed: course.is_whole
                && !course.verdicts.is_empty()
                && !course.verdicts.iter().any(failed),
            kernel: course.kernel,
            boot_seconds: course.boot.as_secs_f64(),
            seconds: took.as_secs_f64(),
            scenarios: course.verdicts,
        }
    }

    /// Writes it for programs.
    pub(super) fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("could not write JSON")?;
        fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
        table.set_header(["scenario", "result", "took, s"]);
        for verdict in &self.scenarios {
            table.add_row([
                verdict.scenario.clone(),
                result(verdict),
                format!("{:.1}", verdict.seconds),
            ]);
        }
        if let Some(column) = table.column_mut(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")?;
        let Self { kernel, boot_seconds, seconds, .. } = self;
        writeln!(
            f,
            "Linux {kernel}, emulated; it booted in {boot_seconds:.1} s, everything took {seconds:.0} s"
        )
    }
}

/// One cell: how it ended, and what was measured, a line each.
fn result(verdict: &Verdict) -> String {
    let outcome = match verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
    };
    let first = match &verdict.reason {
        Some(reason) => format!("{outcome}: {reason}"),
        None => outcome.to_owned(),
    };
    let facts = verdict.facts.iter().cloned();
    let figures = verdict.figures.iter().map(figure);
    std::iter::once(first).chain(facts).chain(figures).collect::<Vec<_>>().join("\n")
}

fn figure(Figure { name, value, unit }: &Figure) -> String {
    let is_whole = value.fract() == 0.0;
    let value = if is_whole { format!("{value:.0}") } else { format!("{value:.2}") };
    format!("{name}: {value} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(outcome: Outcome) -> Verdict {
        Verdict {
            scenario: "latency".into(),
            outcome,
            figures: vec![
                Figure { name: "p99".into(), value: 23.456, unit: "ms".into() },
                Figure { name: "lost".into(), value: 0.0, unit: "packets".into() },
            ],
            facts: vec!["native".into()],
            reason: (outcome != Outcome::Passed).then(|| "why".into()),
            seconds: 1.0,
        }
    }

    #[test]
    fn a_cell_has_all_that_was_found() {
        let text = result(&verdict(Outcome::Failed));
        assert_eq!(text, "FAILED: why\nnative\np99: 23.46 ms\nlost: 0 packets");
    }

    #[test]
    fn only_a_whole_run_without_failures_passes() {
        let passes = |verdicts: Vec<Verdict>, is_whole| {
            Report::new(Course { verdicts, is_whole, ..Course::default() }, Duration::ZERO).passed
        };
        assert!(passes(vec![verdict(Outcome::Passed), verdict(Outcome::Skipped)], true));
        assert!(!passes(vec![verdict(Outcome::Passed)], false));
        assert!(!passes(vec![verdict(Outcome::Failed)], true));
        assert!(!passes(Vec::new(), true));
    }
}
