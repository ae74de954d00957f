//! Import of a LibreQoS installation: its `lqos.conf` becomes a tidegate.toml.
//!
//! network.json and ShapedDevices.csv are read by Tidegate as they are; the imported settings point
//! at them where they lie. Every key that is not carried over is named in a [`Note`] with the
//! reason. Nothing is written.

mod convert;
mod keys;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::problem::{Problems, Report, inert};
use crate::source::{Fallback, Lines, decode, read_file};

/// What an import yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The text of a tidegate.toml that Tidegate's own reader accepts.
    pub toml: String,
    /// What was not carried over, or carried over with a change, in the order of the file.
    pub notes: Vec<Note>,
    /// The network.json that `toml` points at; it need not exist.
    pub network: PathBuf,
    /// The ShapedDevices.csv that `toml` points at; it need not exist.
    pub devices: PathBuf,
}

/// A key of lqos.conf that was not carried over as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its line.
    pub line: u32,
    /// Its name with its section's.
    pub key: String,
    /// Why it was not, or what was made of it.
    pub why: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, inert(&self.key), inert(&self.why))
    }
}

/// Converts the lqos.conf at `path`, or the one in the folder `path`.
///
/// # Errors
/// When the file cannot be read or is no TOML, or when what it says cannot be put into a valid
/// tidegate.toml, such as a missing link rate.
pub fn import(path: &Path) -> Result<Import, Problems> {
    let is_folder = path.is_dir();
    let file = if is_folder { path.join("lqos.conf") } else { path.to_owned() };
    let mut problems = Problems::default();
    let report = &mut Report::new(&file.as_path().into(), &mut problems);
    let import = read_file(&file)
        .map_err(|error| {
            report.error(None, "", format!("cannot be read: {error}"));
        })
        .ok()
        .and_then(|bytes| {
            let text = decode(&bytes, Fallback::Refuse, report)?;
            let lines = Lines::of(&text);
            let settings = keys::Settings::read(&text, &lines, report)?;
            Some(convert::convert(settings, &file, is_folder, report))
        });
    match import {
        Some(import) if problems.errors() == 0 => Ok(import),
        _ => Err(problems),
    }
}
