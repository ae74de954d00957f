//! Changes of a configuration's files.

use crate::devices::{CircuitEdit, EditError, put_circuit, remove_circuit};
use crate::source::Sources;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// network.json is to hold this.
    Network(String),
    /// ShapedDevices.csv is to hold this.
    Devices(String),
    /// A circuit of ShapedDevices.csv is to be otherwise, or to be there.
    Circuit(Box<CircuitEdit>),
    /// A circuit is to be no longer there.
    RemoveCircuit(String),
}

impl Sources {
    /// Makes changes, one after another. Whether what comes out is valid is for
    /// [`Config::from_sources`](crate::Config::from_sources) to say. A devices file in another encoding
    /// becomes UTF-8.
    ///
    /// # Errors
    /// The first change that cannot be made; those before it are.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<(), EditError> {
        for edit in edits {
            match edit {
                Edit::Network(text) => self.network.bytes = text.clone().into_bytes(),
                Edit::Devices(text) => self.devices.bytes = text.clone().into_bytes(),
                Edit::Circuit(edit) => self.edit_devices(|text| put_circuit(text, edit))?,
                Edit::RemoveCircuit(id) => self.edit_devices(|text| remove_circuit(text, id))?,
            }
        }
        Ok(())
    }

    fn edit_devices(
        &mut self,
        edit: impl FnOnce(&str) -> Result<String, EditError>,
    ) -> Result<(), EditError> {
        let text =
            self.devices.text().map_err(|problems| EditError::NoText(problems.summary(1)))?;
        self.devices.bytes = edit(&text)?.into_bytes();
        Ok(())
    }
}
