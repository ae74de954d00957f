//! Measures what Tidegate costs: one subcommand per benchmark, a table for people and, asked to,
//! records for programs.

#![forbid(unsafe_code)]

mod apply_plan;
mod bus_clients;
mod datapath;
mod live;
mod machine;
mod network;
mod poll;
mod record;
mod reload;
mod rtt;
mod shaped_plan;
mod top;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use crate::record::Report;

/// Measures what Tidegate costs on this machine.
#[derive(Debug, Parser)]
#[command(name = "tidegate-bench")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    /// Adds the records to this file, an array in JSON.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Building all queues and classes, against a bare loop that sends the same messages. As root.
    Apply(apply_plan::Options),
    /// What clients of the daemon wait, alone and beside many others. As root.
    Bus(bus_clients::Options),
    /// Packets through the kernel programs, against an empty program. As root.
    Datapath(datapath::Options),
    /// What traffic feels of reloads, deaths and handovers of the daemon. As root.
    Reload(reload::Options),
    /// How true the RTTs are that the programs measure. As root.
    Rtt,
    /// A tick: reading the kernel, deriving and publishing, against a bare reading. As root.
    Poll,
    /// What the viewer costs with 10,000 circuits, in a real terminal.
    Top,
    /// Packets across a lab of network namespaces, against a bridge with HTB. As root.
    Live,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("{}\n", machine::heading());
    let report = match arguments.bench {
        Bench::Apply(options) => Report::new(apply_plan::run(options)?),
        Bench::Bus(options) => Report::new(bus_clients::run(&options)?),
        Bench::Datapath(options) => datapath::run(&options)?,
        Bench::Rtt => Report::new(rtt::run()?),
        Bench::Reload(options) => Report::new(reload::run(&options)?),
        Bench::Live => Report::new(live::run()?),
        Bench::Poll => Report::new(poll::run()?),
        Bench::Top => Report::new(top::run()?),
    };
    println!("{}", report.table);
    if let Some(path) = &arguments.json {
        record::append(path, &report.records)?;
    }
    ensure!(report.complaints.is_empty(), "{}", report.complaints.join("\n"));
    Ok(())
}
