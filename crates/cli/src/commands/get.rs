//! `tidegate get`: the configuration's files that are in force.

use std::path::Path;

use bus::SourcesView;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::output::{Output, inert_lines};
use crate::reading::connect;

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// With --json, both come with their revision.
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

/// Prints the file, and on the standard error the revision of both. A terminal gets nothing that acts on it;
/// files and programs get the file as it is.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let sources = connect(socket)?.sources()?;
    if !output.json {
        output.note(&format!("revision {}\n", sources.revision));
        if sources.files_changed {
            output.note(
                "The files on disk are others by now; `tidegate plan --diff` says what they would change.\n",
            );
        }
    }
    output.show(&sources, |SourcesView { network, circuits, .. }, look| {
        let text = if options.file == File::Circuits { circuits } else { network };
        if look.size.is_some() { inert_lines(text) } else { text.clone() }
    })
}
