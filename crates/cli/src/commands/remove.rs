//! `tidegate remove`: takes circuits out of the configuration's files.

use std::path::Path;

use bus::Edit;
use clap::Args;

use super::set;
use crate::failure::Failure;
use crate::output::Output;

/// Which circuits. All of them go, or none.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Their ids.
    #[arg(required = true, value_name = "CIRCUIT")]
    ids: Vec<String>,

    #[command(flatten)]
    how: set::How,
}

/// Removes them, and shows what is in force then.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let edits = options.ids.iter().cloned().map(Edit::RemoveCircuit).collect();
    set::change(socket, &options.how, edits, output)
}
