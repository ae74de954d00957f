//! `tidegate import`: a tidegate.toml from another program's installation.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use config::lqos::{self, Import};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, inert_lines};

/// From where to where.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    from: From,
}

/// The other program.
#[derive(Debug, Subcommand)]
enum From {
    /// LibreQoS. Its network.json and ShapedDevices.csv are used as they are, where they lie.
    Lqos {
        /// The folder with lqos.conf, network.json and ShapedDevices.csv, or an lqos.conf.
        #[arg(value_name = "DIR")]
        from: PathBuf,

        /// Write the settings here instead of to the standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,

        /// Replace the file if it exists.
        #[arg(long, requires = "output")]
        force: bool,
    },
}

/// The import for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub(crate) struct Imported<'a> {
    toml: &'a str,
    network: &'a Path,
    devices: &'a Path,
    notes: Vec<NoteView<'a>>,
}

/// A key that was not carried over as it is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportNote")]
pub(crate) struct NoteView<'a> {
    line: u32,
    key: &'a str,
    why: &'a str,
}

/// Converts, and writes the settings; what was not carried over goes to the standard error.
pub(super) fn run(options: &Options, output: Output) -> Result<(), Failure> {
    let From::Lqos { from, output: file, force } = &options.from;
    let import = lqos::import(from).map_err(Failure::Import)?;
    if let Some(file) = file {
        write(file, &import.toml, *force)?;
    }
    if !output.json {
        import.notes.iter().for_each(|note| output.note(&format!("{note}\n")));
    }
    output.show(&view(&import), |import, look| match file {
        Some(file) => inert_lines(&format!("wrote {}", file.display())),
        None if look.size.is_some() => inert_lines(import.toml),
        None => import.toml.to_owned(),
    })
}

fn view(import: &Import) -> Imported<'_> {
    let notes = import.notes.iter();
    Imported {
        toml: &import.toml,
        network: &import.network,
        devices: &import.devices,
        notes: notes.map(|it| NoteView { line: it.line, key: &it.key, why: &it.why }).collect(),
    }
}

/// Writes the file whole or not at all: under another name in the same folder, synced, then renamed.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new()
        .prefix(".tidegate-import-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(failed)?;
    temporary.write_all(text.as_bytes()).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    let kept = if force { temporary.persist(path) } else { temporary.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if !force && error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error.error)),
    }
}
