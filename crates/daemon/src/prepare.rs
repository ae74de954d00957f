//! From the configuration to what is to be in force, with nothing changed yet.

use config::{Config, Loaded};
use plan::{Plan, plan};

use crate::facts::Machine;
use crate::shaper::ShaperError;

/// A configuration with the plan that follows from it here.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration.
    pub config: Config,
    /// The plan.
    pub plan: Plan,
    /// What deserves attention.
    pub warnings: Vec<String>,
    /// Whether nothing about the files does.
    pub files_are_clean: bool,
}

/// Plans a configuration for a machine.
///
/// # Errors
/// When the network cannot be carried by this machine.
pub fn prepare(
    loaded: Loaded,
    machine: &Machine,
    previous: Option<&Plan>,
) -> Result<Prepared, ShaperError> {
    let Loaded { config, warnings } = loaded;
    let files_are_clean = warnings.is_empty();
    let nobody = config
        .network
        .circuits
        .is_empty()
        .then_some("the devices file has no circuits, so everything passes unshaped");
    let planned = plan(&config, &machine.facts, previous).map_err(ShaperError::Plan)?;
    let warnings = warnings
        .iter()
        .map(ToString::to_string)
        .chain(planned.warnings.iter().map(ToString::to_string))
        .chain(machine.warnings.iter().cloned())
        .chain(nobody.map(str::to_owned))
        .collect();
    Ok(Prepared { config, plan: planned.plan, warnings, files_are_clean })
}
