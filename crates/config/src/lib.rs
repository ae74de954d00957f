//! Tidegate's configuration: tidegate.toml, network.json and ShapedDevices.csv.
//!
//! Text becomes raw records that keep the line of every value; `validate_*` functions check them
//! and collect every [`Problem`] of all three files; what is left is a [`Config`] that has no
//! invalid states. Nothing here looks at the machine: whether a card or a group exists is for
//! others to find out.
//!
//! Invariants:
//! - no input makes a reader panic, recurse without bound, or take more than near-linear time;
//! - nothing in a file is dropped in silence: what is not used is at least a warning;
//! - a [`Config`] comes only from files without errors.
//!
//! ```
//! use config::{Config, synthetic};
//! let loaded = Config::from_sources(&synthetic::sources(3))?;
//! assert_eq!(loaded.config.network.circuits.len(), 3);
//! # Ok::<(), config::Problems>(())
//! ```
//!
//! - `load`: files or texts to a configuration;
//! - `settings`: tidegate.toml and its sample;
//! - `network`: network.json;
//! - `devices`: ShapedDevices.csv;
//! - `edit`: changes of the files' texts;
//! - [`lqos`]: import of a LibreQoS installation;
//! - `model`: the validated configuration;
//! - `problem`, `source`, `nearest`, `rate`, `prefix`: what the readers share;
//! - [`synthetic`]: made-up networks for benchmarks and tests.

#![forbid(unsafe_code)]

mod devices;
mod edit;
mod load;
pub mod lqos;
mod model;
mod nearest;
mod network;
mod prefix;
mod problem;
mod rate;
mod settings;
mod source;
pub mod synthetic;

pub use devices::{CircuitEdit, EditError};
pub use edit::Edit;
pub use load::{Loaded, Outset};
pub use model::{
    Bus, Capture, Circuit, Config, Device, Diffserv, FastLeaf, Files, Flows, Interfaces, Leaf,
    Limits, Log, Metrics, Mode, Network, Node, Queues, Ranges,
};
pub use nearest::did_you_mean;
pub use problem::{Problem, Problems, Severity};
pub use settings::{reference, sample};
pub use source::{Source, Sources};
