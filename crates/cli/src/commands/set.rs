//! `tidegate set`: changes the configuration's files and puts that in force.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bus::{CircuitEdit, ClientError, Edit, Edited, Edits, ErrorCode, Refusal, inert};
use clap::{Args, Subcommand};
use config::Source;
use units::{BitsPerSec, IpPrefix, PerDirection, PrefixError};

use super::{plan, reload};
use crate::failure::Failure;
use crate::output::{Look, Output};
use crate::reading::connect;

/// What to change. All of it is put in force and written to the files, or nothing is.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,

    #[command(flatten)]
    how: How,
}

/// How a change is made.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Change nothing if the files are others than those of this revision: `tidegate get` tells it, and so does
    /// each change.
    #[arg(long, global = true, value_name = "REVISION", value_parser = revision)]
    revision: Option<String>,

    /// Say what would change, and what it would cost. Nothing is changed.
    #[arg(long, global = true)]
    dry_run: bool,

    #[command(flatten)]
    shrink: reload::Shrink,
}

fn revision(text: &str) -> Result<String, &'static str> {
    let is_one = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one { Ok(text.to_ascii_lowercase()) } else { Err("a revision is 16 hexadecimal digits") }
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
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    download: Option<BitsPerSec>,
    /// Its max rate up.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    upload: Option<BitsPerSec>,
    /// What it is guaranteed down.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    min_download: Option<BitsPerSec>,
    /// What it is guaranteed up.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    min_upload: Option<BitsPerSec>,
    /// Its leaf: cake, fq_codel, none, or down/up; "" for the configured one.
    #[arg(long, value_name = "LEAF")]
    sqm: Option<String>,
    /// The device that the following is about, by its id; needed only where the circuit has several.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Add a device with this id to the circuit; the following is about it.
    #[arg(long, value_name = "ID", conflicts_with = "device")]
    new_device: Option<String>,
    /// The device's name.
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
    /// The device's MAC.
    #[arg(long)]
    mac: Option<String>,
    /// All the device's addresses and blocks, separated by commas; "" for none.
    #[arg(long, value_name = "ADDRESS,...")]
    addresses: Option<Addresses>,
    /// A comment.
    #[arg(long)]
    comment: Option<String>,
}

/// A list of addresses and blocks.
#[derive(Clone, Debug)]
struct Addresses(Vec<IpPrefix>);

impl FromStr for Addresses {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        named.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Circuit {
    /// Whether it only says which circuit and which device.
    fn changes_nothing(&self) -> bool {
        let edit = self.edit();
        let named = CircuitEdit {
            id: edit.id.clone(),
            device: edit.device.clone(),
            ..CircuitEdit::default()
        };
        edit == named
    }

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
            device: self.new_device.clone().or_else(|| self.device.clone()),
            new_device: self.new_device.is_some(),
            device_name: self.device_name.clone(),
            mac: self.mac.clone(),
            addresses: self.addresses.clone().map(|addresses| addresses.0),
            comment: self.comment.clone(),
        }
    }
}

/// Changes, and shows what is in force then.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let (given, edits) = match &options.what {
        What::Circuit(circuit) if circuit.changes_nothing() => {
            return Err(Failure::NothingToChange);
        }
        What::Circuit(circuit) => {
            (devices_in("the file as it would be"), vec![Edit::Circuit(Box::new(circuit.edit()))])
        }
        What::Circuits { file } => {
            (devices_in(&called(file)), vec![Edit::Circuits(devices_text(file)?)])
        }
        What::Network { file } => (network_in(file), vec![Edit::Network(network_text(file)?)]),
        What::Files { network, circuits } if is_stdin(network) && is_stdin(circuits) => {
            return Err(Failure::StdinTwice);
        }
        What::Files { network, circuits } => (
            format!("{}, {}", network_in(network), devices_in(&called(circuits))),
            vec![Edit::Network(network_text(network)?), Edit::Circuits(devices_text(circuits)?)],
        ),
    };
    change(socket, &options.how, edits, output).map_err(|failure| match failure {
        Failure::Bus(ClientError::Refused(refusal)) if has_lines(&refusal) => {
            let source = match &options.what {
                What::Circuit(_) => Refusal { text: by_option(refusal.text), ..refusal },
                _ => refusal,
            };
            Failure::Unacceptable { given, source }
        }
        other => other,
    })
}

fn network_in(file: &Path) -> String {
    format!("those of the network file in {}", called(file))
}

fn devices_in(place: &str) -> String {
    format!("those of the devices file in {place}")
}

/// Whether a refusal tells lines of files.
fn has_lines(refusal: &Refusal) -> bool {
    refusal.code == ErrorCode::Invalid && refusal.text.contains(": error: ")
}

/// Columns of the devices file, as problems call them, and the options that fill them.
const COLUMNS: [(&str, &str); 12] = [
    ("Download Min Mbps", "--min-download"),
    ("Upload Min Mbps", "--min-upload"),
    ("Download Max Mbps", "--download"),
    ("Upload Max Mbps", "--upload"),
    ("Circuit Name", "--name"),
    ("Parent Node", "--parent"),
    ("Device ID", "--device"),
    ("Device Name", "--device-name"),
    ("IPv4", "--addresses"),
    ("IPv6", "--addresses"),
    ("MAC", "--mac"),
    ("sqm", "--sqm"),
];

/// Problems as whoever gives options knows their places.
fn by_option(text: String) -> String {
    COLUMNS.iter().fold(text, |text, (column, option)| {
        text.replace(&format!(": error: {column}: "), &format!(": error: {option}: "))
            .replace(&format!(" the {column} of "), &format!(" the {option} of "))
    })
}

/// Has the daemon make changes, or say what they would be, and shows what is in force then.
pub(super) fn change(
    socket: &Path,
    how: &How,
    edits: Vec<Edit>,
    output: Output,
) -> Result<(), Failure> {
    let edits = Edits { base: how.revision.clone(), shrink: how.shrink.shrink, edits };
    let mut client = connect(socket)?;
    if how.dry_run {
        return plan::preview(&mut client, Some(edits), output);
    }
    output.show(&client.edit(edits, reload::RELOAD)?, shown)
}

fn shown(edited: &Edited, look: &Look) -> String {
    format!("{}revision {}\n", reload::text(&edited.reloaded, look), inert(&edited.revision))
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// How messages call a file.
fn called(file: &Path) -> String {
    if is_stdin(file) { "the standard input".to_owned() } else { file.display().to_string() }
}

fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    if !is_stdin(file) {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn network_text(file: &Path) -> Result<String, Failure> {
    let text = bytes(file).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    text.map_err(|source| Failure::Read { path: file.to_owned(), source })
}

/// In whichever encoding the daemon would read it.
fn devices_text(file: &Path) -> Result<String, Failure> {
    let bytes = bytes(file).map_err(|source| Failure::Read { path: file.to_owned(), source })?;
    Source::new(file, bytes).text().map_err(Failure::Config)
}
