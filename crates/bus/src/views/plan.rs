//! The plan that is in force, and what would be another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The plan that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// The configuration that it comes from.
    pub generation: u64,
    /// Path of the tidegate.toml that it follows from, on the daemon's machine.
    pub config: String,
    /// The plan as JSON text, the form in which it is written offline too.
    pub json: String,
}

/// A line of a file that would go, or come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineChange {
    /// Path of the file.
    pub file: String,
    /// Counted from 1: in the file as it is where the line would go, as it would be where it would come.
    pub line: u32,
    /// Whether it would come.
    pub comes: bool,
    /// The line; a long one is cut.
    pub text: String,
}

/// What a reload, or edits, would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewView {
    /// The configuration in force, of which it would be the next.
    pub generation: u64,
    /// Path of its tidegate.toml, on the daemon's machine.
    pub config: String,
    /// What would change, a sentence each.
    pub changes: Vec<String>,
    /// Further changes that are not among these.
    pub more: u64,
    /// Lines of the files that would be written otherwise, the first of them; none for a reload.
    pub lines: Vec<LineChange>,
    /// Further lines that are not among these.
    pub more_lines: u64,
    /// Requests that would be sent for qdiscs and classes.
    pub requests: u64,
    /// Circuits that would be pointed elsewhere.
    pub circuits: u64,
    /// Address blocks that would lead elsewhere, or nowhere.
    pub addresses: u64,
    /// Classes whose packets would be waited for before they are removed.
    pub drained: u64,
    /// What deserves attention about the configuration.
    pub warnings: Vec<String>,
}
