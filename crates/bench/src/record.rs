//! One measured figure, for people and for programs.

use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

/// One measured figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Name of the benchmark.
    pub(crate) bench: String,
    /// What was done.
    pub(crate) scenario: String,
    /// What was measured.
    pub(crate) metric: String,
    /// In what.
    pub(crate) unit: String,
    /// The median.
    pub(crate) value: f64,
    /// The same work done bare in the same run, where there is such a thing.
    pub(crate) reference: Option<f64>,
}

/// What a benchmark found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The figures for people.
    pub(crate) table: Table,
    /// The same for programs.
    pub(crate) records: Vec<Record>,
    /// Which figures must not be what they are.
    pub(crate) complaints: Vec<String>,
}

impl Report {
    /// Figures that are shown just as they are.
    pub(crate) fn new(records: Vec<Record>) -> Self {
        Self { table: table(&records), records, complaints: Vec::new() }
    }
}

/// The middle of an odd number of figures, the upper middle of an even one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The records as a table.
fn table(records: &[Record]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["scenario", "metric", "value", "unit", "reference", "ratio"]);
    for record in records {
        let of_reference =
            |show: &dyn Fn(f64) -> String| record.reference.map_or("-".to_owned(), show);
        table.add_row([
            record.scenario.clone(),
            record.metric.clone(),
            format!("{:.3}", record.value),
            record.unit.clone(),
            of_reference(&|reference| format!("{reference:.3}")),
            of_reference(&|reference| format!("{:.2}", record.value / reference)),
        ]);
    }
    for column in [2, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Adds the records to the array in the file, which need not exist.
pub(crate) fn append(path: &Path, records: &[Record]) -> Result<()> {
    let mut all: Vec<Record> = match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} holds no records", path.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).context(format!("could not read {}", path.display())),
    };
    all.extend_from_slice(records);
    let text = serde_json::to_string_pretty(&all)?;
    fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))
}
