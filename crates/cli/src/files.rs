//! The configuration and the machine's facts, read from disk.

use std::path::Path;

use config::{Config, Loaded};
use plan::Facts;

use crate::failure::Failure;
use crate::output::Output;

/// Reads the configuration; its warnings go to the standard error.
pub(crate) fn config(path: &Path, output: Output) -> Result<Config, Failure> {
    let Loaded { config, warnings, .. } = Config::load(path).map_err(Failure::Config)?;
    output.note(&warnings.to_string());
    Ok(config)
}

/// Reads a machine's facts.
pub(crate) fn facts(path: &Path) -> Result<Facts, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::Read { path: path.to_owned(), source })?;
    Facts::from_json(&text).map_err(|source| Failure::Facts { path: path.to_owned(), source })
}
