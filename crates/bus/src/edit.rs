//! Changes of the configuration's files that a client asks for.

use serde::{Deserialize, Serialize};
use units::{IpPrefix, PerDirection};

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// The generation that they were made from: refused with [`Outdated`](crate::ErrorCode::Outdated) when
    /// another one is in force by now. None: whichever is in force.
    pub base: Option<u64>,
    /// One after another.
    pub edits: Vec<Edit>,
}

/// One change. New ones are appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    /// network.json is to hold this text.
    Network(String),
    /// ShapedDevices.csv is to hold this text.
    Circuits(String),
    /// One circuit is to be otherwise, or to be there.
    Circuit(Box<CircuitEdit>),
    /// The circuit with this id is to be no longer there.
    RemoveCircuit(String),
}

/// What is to become of one circuit. What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitEdit {
    /// Which circuit. Where there is none with this id, it is a new one.
    pub id: String,
    /// Free text.
    pub name: Option<String>,
    /// Name of the node that it hangs from; empty: none.
    pub parent: Option<String>,
    /// Guaranteed when its parents are busy, in bits per second.
    pub min_bps: PerDirection<Option<u64>>,
    /// Never exceeded, in bits per second.
    pub max_bps: PerDirection<Option<u64>>,
    /// The leaf: `cake`, `fq_codel`, `none`, or `down/up`; empty: the configured one.
    pub sqm: Option<String>,
    /// Id of the device that the rest is about; needed only where the circuit has several. A new
    /// circuit's device gets it.
    pub device: Option<String>,
    /// Free text.
    pub device_name: Option<String>,
    /// Informative.
    pub mac: Option<String>,
    /// All addresses of the device.
    pub addresses: Option<Vec<IpPrefix>>,
    /// Free text.
    pub comment: Option<String>,
}

/// The texts of the configuration's files that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesView {
    /// The generation that they are.
    pub generation: u64,
    /// network.json.
    pub network: String,
    /// ShapedDevices.csv.
    pub circuits: String,
}
