//! The figures: beside their bars for people, as records for programs.

use comfy_table::{CellAlignment, Table, presets};

use super::budget::Budget;
use super::footprint::Footprint;
use super::rounds::Cost;
use crate::record::{Record, Report};

/// What must be reached and what is aimed at.
pub(super) type Bars = (f64, f64);

/// Of the program that sees every packet first.
const XDP_INSTRUCTIONS: Bars = (120_000.0, 60_000.0);
const LOAD_MS: Bars = (600.0, 200.0);
const MEMORY_MIB: Bars = (130.0, 100.0);
const MEMORY_PER_CPU_MIB: Bars = (8.0, 2.0);

/// The figures so far.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<[String; 7]>,
    records: Vec<Record>,
}

impl Sheet {
    /// Adds a packet's cost.
    pub(super) fn packet(&mut self, scenario: &str, bars: Bars, cost: Cost) {
        let (lowest, highest) = cost.spread_ns;
        self.add(
            scenario,
            ("ns_per_packet_net", "ns"),
            (cost.net_ns, Some(cost.empty_ns)),
            Some(bars),
            format!("{lowest:.1} to {highest:.1}"),
        );
    }

    /// Adds what loading costs.
    pub(super) fn footprint(&mut self, footprint: &Footprint, budget: &Budget) {
        for effort in &footprint.efforts {
            let bars = (effort.name == "xdp_ingress").then_some(XDP_INSTRUCTIONS);
            let limit = budget.limit(&effort.name);
            let note = limit.map_or("no budget".to_owned(), |limit| format!("at most {limit}"));
            let name = format!("verifier-{}", effort.name.replace('_', "-"));
            let figure = (effort.instructions as f64, None);
            self.add(&name, ("instructions", "instructions"), figure, bars, note);
        }
        let Footprint { load_ms, memory_mib, memory_per_cpu_mib, .. } = footprint;
        for (name, metric, value, bars) in [
            ("load-both-nics", ("ms", "ms"), load_ms, LOAD_MS),
            ("memory", ("mebibytes", "MiB"), memory_mib, MEMORY_MIB),
            (
                "memory-per-further-cpu",
                ("mebibytes", "MiB"),
                memory_per_cpu_mib,
                MEMORY_PER_CPU_MIB,
            ),
        ] {
            self.add(name, metric, (*value, None), Some(bars), String::new());
        }
    }

    fn add(
        &mut self,
        scenario: &str,
        (metric, unit): (&str, &str),
        (value, reference): (f64, Option<f64>),
        bars: Option<Bars>,
        note: String,
    ) {
        let bar = |bar: fn(Bars) -> f64| bars.map_or(String::new(), |bars| bar(bars).to_string());
        self.rows.push([
            scenario.to_owned(),
            format!("{value:.1}"),
            unit.to_owned(),
            bar(|(must, _)| must),
            bar(|(_, aim)| aim),
            reference.map_or(String::new(), |reference| format!("{reference:.1}")),
            note,
        ]);
        self.records.push(Record {
            bench: "datapath".to_owned(),
            scenario: scenario.to_owned(),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            value,
            reference,
        });
    }

    /// All of them.
    pub(super) fn report(self, complaints: Vec<String>) -> Report {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["scenario", "figure", "unit", "must", "aim", "empty", "rounds, budget"]);
        table.add_rows(self.rows);
        for column in [1, 3, 4, 5] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Report { table, records: self.records, complaints }
    }
}
