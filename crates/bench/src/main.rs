//! Measures what Tidegate costs: one subcommand per benchmark, a table for people and, asked to,
//! records for programs.

#![forbid(unsafe_code)]

mod apply_plan;
mod machine;
mod record;
mod rtt;
mod shaped_plan;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::record::Record;

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
    /// How true the RTTs are that the programs measure. As root.
    Rtt,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("{}\n", machine::heading());
    let records: Vec<Record> = match arguments.bench {
        Bench::Apply(options) => apply_plan::run(options)?,
        Bench::Rtt => rtt::run()?,
    };
    println!("{}", record::table(&records));
    if let Some(path) = &arguments.json {
        record::append(path, &records)?;
    }
    Ok(())
}
