//! A measured figure, and how figures are shown.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// Rounds of which the median counts.
const ROUNDS: usize = 7;

/// One measured figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) bench: String,
    pub(super) scenario: String,
    pub(super) metric: String,
    pub(super) unit: String,
    pub(super) value: f64,
    /// The same work done bare, where there is such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<f64>,
}

/// Seconds that `work` takes: the median of several rounds after one that does not count.
pub(super) fn seconds<T>(
    bench: &str,
    scenario: &str,
    mut work: impl FnMut() -> Result<T>,
) -> Result<Figure> {
    work()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let product = work()?;
        rounds.push(start.elapsed());
        // Taking it apart again is not what is measured.
        drop(product);
    }
    Ok(Figure {
        bench: bench.to_owned(),
        scenario: scenario.to_owned(),
        metric: "seconds".to_owned(),
        unit: "s".to_owned(),
        value: median(rounds).as_secs_f64(),
        reference: None,
    })
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds[rounds.len() / 2]
}

/// Machine, kernel and compiler.
pub(super) fn heading() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("could not read /proc/cpuinfo")?;
    let models: Vec<&str> = cpus
        .lines()
        .filter(|line| line.starts_with("model name"))
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output().context("could not run rustc")?;
    Ok(format!(
        "{} x {}, Linux {}, {}",
        models.len(),
        models.first().unwrap_or(&"unknown CPU"),
        kernel.trim(),
        String::from_utf8_lossy(&rustc.stdout).trim()
    ))
}

/// The figures for people.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for figure in figures {
        table.add_row([
            figure.bench.clone(),
            figure.scenario.clone(),
            figure.metric.clone(),
            format!("{:.3} {}", figure.value, figure.unit),
            figure
                .reference
                .map_or(String::new(), |bare| format!("bare {bare:.3} {}", figure.unit)),
        ]);
    }
    if let Some(values) = table.column_mut(3) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_round_counts() {
        let rounds = [9, 1, 5].map(Duration::from_secs);
        assert_eq!(median(rounds.to_vec()), Duration::from_secs(5));
    }

    #[test]
    fn figures_have_the_agreed_fields() {
        let figure = seconds("plan", "circuits-1", || Ok(())).unwrap();
        let value = serde_json::to_value(&figure).unwrap();
        let fields: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["bench", "metric", "scenario", "unit", "value"]);
    }
}
