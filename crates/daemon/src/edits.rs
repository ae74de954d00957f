//! Changes that clients ask for, as the files' reader takes them.

use config::{CircuitEdit, Edit};
use units::BitsPerSec;

/// A client's change as the files' reader takes it.
pub fn edit(edit: &bus::Edit) -> Edit {
    match edit {
        bus::Edit::Network(text) => Edit::Network(text.clone()),
        bus::Edit::Circuits(text) => Edit::Devices(text.clone()),
        bus::Edit::Circuit(edit) => Edit::Circuit(Box::new(circuit_edit(edit))),
        bus::Edit::RemoveCircuit(id) => Edit::RemoveCircuit(id.clone()),
    }
}

fn circuit_edit(edit: &bus::CircuitEdit) -> CircuitEdit {
    let bus::CircuitEdit {
        id,
        name,
        parent,
        min_bps,
        max_bps,
        sqm,
        device,
        device_name,
        mac,
        addresses,
        comment,
    } = edit.clone();
    let rate = |bps: Option<u64>| bps.map(BitsPerSec::new);
    CircuitEdit {
        id,
        name,
        parent,
        min: min_bps.map(rate),
        max: max_bps.map(rate),
        sqm,
        device,
        device_name,
        mac,
        addresses,
        comment,
    }
}
