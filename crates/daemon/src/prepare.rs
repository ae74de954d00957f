//! From the configuration to what is to be in force, with nothing changed yet.

use config::Loaded;
use plan::{Plan, plan};

use crate::error::ShaperError;
use crate::facts::Machine;

/// A configuration with the plan that follows from it here.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration.
    pub loaded: Loaded,
    /// The plan.
    pub plan: Plan,
    /// What deserves attention about them.
    pub warnings: Vec<String>,
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
    let nobody = loaded
        .config
        .network
        .circuits
        .is_empty()
        .then_some("the devices file has no circuits, so everything passes unshaped");
    let planned = plan(&loaded.config, &machine.facts, previous).map_err(ShaperError::Plan)?;
    let warnings = loaded
        .warnings
        .iter()
        .map(ToString::to_string)
        .chain(planned.warnings.iter().map(ToString::to_string))
        .chain(nobody.map(str::to_owned))
        .collect();
    Ok(Prepared { loaded, plan: planned.plan, warnings })
}
