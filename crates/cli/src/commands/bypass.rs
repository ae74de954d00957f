//! `tidegate bypass`: passes everything unshaped, or shapes again.

use std::path::Path;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;
use crate::reading::connect;

/// Which of the two.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whether everything passes unshaped.
    #[arg(value_enum)]
    state: State,
}

/// The bypass is a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// Pass everything unshaped, at once.
    On,
    /// Shape again.
    Off,
}

/// What the daemon says afterwards.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Bypass")]
pub(crate) struct Outcome {
    bypass: bool,
}

/// Switches, and shows the state that the daemon is in afterwards.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let mut client = connect(socket)?;
    client.bypass(options.state == State::On)?;
    let outcome = Outcome { bypass: client.status()?.bypass };
    output.show(&outcome, |outcome, _| {
        if outcome.bypass {
            "bypass is on: nothing is shaped or measured\n".to_owned()
        } else {
            "bypass is off: the plan is in force\n".to_owned()
        }
    })
}
