//! `tidegate get`: the configuration's files that are in force.

use std::path::Path;

use bus::SourcesView;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::output::Output;
use crate::reading::connect;

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// With --json, both come with their generation.
    #[arg(value_enum)]
    file: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum File {
    /// ShapedDevices.csv.
    Circuits,
    /// network.json.
    Network,
}

/// Prints the file, and on the standard error the number of the configuration.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let sources = connect(socket)?.sources()?;
    if !output.json {
        eprintln!("configuration {}", sources.generation);
    }
    output.show(&sources, |SourcesView { network, circuits, .. }, _| {
        if options.file == File::Circuits { circuits.clone() } else { network.clone() }
    })
}
