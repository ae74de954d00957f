//! Changes of the configuration's files that a client asks for.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use units::{IpPrefix, PerDirection};

use crate::reply::Reloaded;

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// The revision that they were made from: refused with [`Outdated`](crate::ErrorCode::Outdated) when
    /// the files are others by now. None: whichever are in force.
    pub base: Option<String>,
    /// Whether more than half of the circuits or nodes may go; else that is refused as a likely mistake.
    pub shrink: bool,
    /// One after another, [`MAX_EDITS`] at most.
    #[serde(deserialize_with = "few")]
    pub edits: Vec<Edit>,
}

/// The most changes that are made together. Whoever has more sends the whole file.
pub const MAX_EDITS: usize = 10_000;

/// Reads a list no further than it may be long.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Edit>, D::Error> {
    struct Few;
    impl<'de> Visitor<'de> for Few {
        type Value = Vec<Edit>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{MAX_EDITS} edits at most")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<Edit>, A::Error> {
            let mut edits = Vec::new();
            while let Some(edit) = all.next_element()? {
                if edits.len() == MAX_EDITS {
                    return Err(A::Error::invalid_length(edits.len() + 1, &self));
                }
                edits.push(edit);
            }
            Ok(edits)
        }
    }
    deserializer.deserialize_seq(Few)
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
    /// That device is to be a further one of the circuit.
    pub new_device: bool,
    /// Free text.
    pub device_name: Option<String>,
    /// Informative.
    pub mac: Option<String>,
    /// All addresses of the device.
    pub addresses: Option<Vec<IpPrefix>>,
    /// Free text.
    pub comment: Option<String>,
}

/// What a change has brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// What is in force now.
    pub reloaded: Reloaded,
    /// The base of the next change.
    pub revision: String,
}

/// The texts of the configuration's files that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourcesView {
    /// What tells them from all others: the base of changes.
    pub revision: String,
    /// Whether the files are others by now.
    pub files_changed: bool,
    /// network.json.
    pub network: String,
    /// ShapedDevices.csv.
    pub circuits: String,
}
