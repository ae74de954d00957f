//! Changes that clients ask for: as the files' reader takes them, and in words.

use std::fmt::Write as _;

use config::{CircuitEdit, Edit};
use units::BitsPerSec;

use crate::shaper::Wanted;

/// Changes that are told one by one.
const TOLD: usize = 10;

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

/// What is to be changed, for whoever asks later who changed what.
pub fn in_words(edits: &bus::Edits) -> String {
    let mut text = String::new();
    for edit in edits.edits.iter().take(TOLD) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        match edit {
            bus::Edit::Network(network) => {
                let _ = write!(text, "network.json of {} bytes", network.len());
            }
            bus::Edit::Circuits(circuits) => {
                let _ = write!(text, "ShapedDevices.csv of {} bytes", circuits.len());
            }
            bus::Edit::RemoveCircuit(id) => {
                let _ = write!(text, "removal of circuit {id}");
            }
            bus::Edit::Circuit(edit) => {
                let _ = write!(text, "circuit {}: {}", edit.id, fields(edit).join(", "));
            }
        }
    }
    if let Some(more) = edits.edits.len().checked_sub(TOLD).filter(|more| *more > 0) {
        let _ = write!(text, "; and {more} more");
    }
    text
}

/// What of a circuit is to be otherwise.
fn fields(edit: &bus::CircuitEdit) -> Vec<String> {
    let rate =
        |name: &str, bps: Option<u64>| bps.map(|bps| format!("{name} {}", BitsPerSec::new(bps)));
    let text =
        |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name} {text:?}"));
    // whoever may look sees events, but not the files: what no view has is named alone
    let named = |name: &str, text: &Option<String>| text.as_ref().map(|_| name.to_owned());
    let addresses = edit.addresses.as_ref().map(|addresses| {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        format!("addresses {}", addresses.join(" "))
    });
    let fields = [
        text("name", &edit.name),
        text("parent", &edit.parent),
        rate("download min", edit.min_bps.down),
        rate("upload min", edit.min_bps.up),
        rate("download max", edit.max_bps.down),
        rate("upload max", edit.max_bps.up),
        text("leaf", &edit.sqm),
        text("device", &edit.device),
        edit.new_device.then(|| "a further device".to_owned()),
        named("device name", &edit.device_name),
        named("MAC", &edit.mac),
        addresses,
        named("comment", &edit.comment),
    ];
    fields.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use bus::{CircuitEdit, Edit, Edits};
    use units::PerDirection;

    use super::*;

    #[test]
    fn changes_are_told_with_their_values_but_not_without_end() {
        let circuit = CircuitEdit {
            id: "17".into(),
            max_bps: PerDirection { down: Some(50_000_000), up: None },
            addresses: Some(vec!["100.64.0.1".parse().unwrap(), "2001:db8::/56".parse().unwrap()]),
            comment: Some(String::new()),
            ..CircuitEdit::default()
        };
        let mut edits = Edits {
            edits: vec![Edit::Network("{}".into()), Edit::Circuit(Box::new(circuit))],
            ..Edits::default()
        };
        let told = "network.json of 2 bytes; circuit 17: download max 50 Mbps, addresses 100.64.0.1 \
                    2001:db8::/56, comment";
        assert_eq!(in_words(&edits), told);
        edits.edits.extend((0..11).map(|id| Edit::RemoveCircuit(id.to_string())));
        assert!(
            in_words(&edits).ends_with("; removal of circuit 7; and 3 more"),
            "{}",
            in_words(&edits)
        );
    }
}
