//! `tidegate set`: changes the configuration's files and puts that in force.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bus::{CircuitEdit, Edit, Edited, Edits, inert};
use clap::{Args, Subcommand};
use units::{BitsPerSec, IpPrefix, PerDirection};

use super::reload;
use crate::failure::Failure;
use crate::output::Output;
use crate::reading::connect;

/// What to change. All of it is put in force and written to the files, or nothing is.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,

    /// Change nothing if the files are others than those of this revision: `tidegate get` tells it, and so does
    /// each change.
    #[arg(long, global = true, value_name = "REVISION")]
    revision: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One circuit: what is not named stays as it is.
    Circuit(Box<Circuit>),
    /// All circuits: a whole ShapedDevices.csv.
    Circuits {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
    /// All nodes: a whole network.json.
    Network {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
    /// Nodes and circuits at once.
    Files {
        /// A whole network.json.
        network: PathBuf,
        /// A whole ShapedDevices.csv.
        circuits: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Circuit {
    /// Its id. Where no circuit has it, it is a new one, and takes all four rates.
    id: String,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    /// The node that it hangs from; "" for none.
    #[arg(long, value_name = "NODE")]
    parent: Option<String>,
    /// Its max rate down, like "100 Mbps".
    #[arg(long, value_name = "RATE")]
    download: Option<BitsPerSec>,
    /// Its max rate up.
    #[arg(long, value_name = "RATE")]
    upload: Option<BitsPerSec>,
    /// What it is guaranteed down.
    #[arg(long, value_name = "RATE")]
    min_download: Option<BitsPerSec>,
    /// What it is guaranteed up.
    #[arg(long, value_name = "RATE")]
    min_upload: Option<BitsPerSec>,
    /// Its leaf: cake, fq_codel, none, or down/up; "" for the configured one.
    #[arg(long, value_name = "LEAF")]
    sqm: Option<String>,
    /// The device that the following is about, by its id; needed only where the circuit has several.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// The device's name.
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
    /// The device's MAC.
    #[arg(long)]
    mac: Option<String>,
    /// All the device's addresses and blocks, separated by commas.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    addresses: Option<Vec<IpPrefix>>,
    /// A comment.
    #[arg(long)]
    comment: Option<String>,
}

impl Circuit {
    fn edit(&self) -> CircuitEdit {
        let bps = |down: Option<BitsPerSec>, up: Option<BitsPerSec>| PerDirection {
            down: down.map(BitsPerSec::get),
            up: up.map(BitsPerSec::get),
        };
        CircuitEdit {
            id: self.id.clone(),
            name: self.name.clone(),
            parent: self.parent.clone(),
            min_bps: bps(self.min_download, self.min_upload),
            max_bps: bps(self.download, self.upload),
            sqm: self.sqm.clone(),
            device: self.device.clone(),
            device_name: self.device_name.clone(),
            mac: self.mac.clone(),
            addresses: self.addresses.clone(),
            comment: self.comment.clone(),
        }
    }
}

/// Changes, and shows what is in force then.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let edits = match &options.what {
        What::Circuit(circuit) => vec![Edit::Circuit(Box::new(circuit.edit()))],
        What::Circuits { file } => vec![Edit::Circuits(text(file)?)],
        What::Network { file } => vec![Edit::Network(text(file)?)],
        What::Files { network, circuits } => {
            vec![Edit::Network(text(network)?), Edit::Circuits(text(circuits)?)]
        }
    };
    change(socket, Edits { base: options.revision.clone(), edits }, output)
}

/// Has the daemon make changes, and shows what is in force then.
pub(super) fn change(socket: &Path, edits: Edits, output: Output) -> Result<(), Failure> {
    let edited = connect(socket)?.edit(edits, reload::RELOAD)?;
    output.show(&edited, |Edited { reloaded, revision }, look| {
        reload::text(reloaded, look) + &format!("revision {}\n", inert(revision))
    })
}

fn text(file: &Path) -> Result<String, Failure> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    read.map_err(|source| Failure::Read { path: file.to_owned(), source })
}
