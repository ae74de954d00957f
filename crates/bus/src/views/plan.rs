//! The plan that is in force.

use serde::{Deserialize, Serialize};

/// The plan that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// The configuration that it comes from.
    pub generation: u64,
    /// Path of the tidegate.toml that it follows from, on the daemon's machine.
    pub config: String,
    /// The plan as JSON text, the form in which it is written offline too.
    pub json: String,
}
