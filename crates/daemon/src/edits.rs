//! Changes that clients ask for, as the files' reader takes them.

use config::{CircuitEdit, Edit};
use units::BitsPerSec;

use crate::shaper::Wanted;

/// A client's changes as the shaper takes them.
pub fn wanted(edits: bus::Edits) -> Wanted {
    let bus::Edits { base, shrink, edits } = edits;
    Wanted { base, shrink, edits: edits.into_iter().map(edit).collect() }
}

fn edit(edit: bus::Edit) -> Edit {
    match edit {
        bus::Edit::Network(text) => Edit::Network(text),
        bus::Edit::Circuits(text) => Edit::Devices(text),
        bus::Edit::Circuit(edit) => Edit::Circuit(Box::new(circuit_edit(*edit))),
        bus::Edit::RemoveCircuit(id) => Edit::RemoveCircuit(id),
    }
}

fn circuit_edit(edit: bus::CircuitEdit) -> CircuitEdit {
    let bus::CircuitEdit {
        id,
        name,
        parent,
        min_bps,
        max_bps,
        sqm,
        device,
        new_device,
        device_name,
        mac,
        addresses,
        comment,
    } = edit;
    let rate = |bps: Option<u64>| bps.map(BitsPerSec::new);
    CircuitEdit {
        id,
        name,
        parent,
        min: min_bps.map(rate),
        max: max_bps.map(rate),
        sqm,
        device,
        new_device,
        device_name,
        mac,
        addresses,
        comment,
    }
}
