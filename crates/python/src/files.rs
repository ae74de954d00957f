//! The configuration's files, read by the daemon's own rules.

use config::{Circuit, Config, Leaf, Network, Node, Problem, Source, Sources};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pythonize::{depythonize, pythonize};
use serde::Serialize;
use units::PerDirection;

/// What is taken for tidegate.toml where there is none: no limit of its own and no range, so that only
/// what is wrong anywhere is told.
const ANY_SETTINGS: &str = "[interfaces]\ninternet = \"internet\"\ncustomers = \"customers\"\n\
    [queues]\ndownload = \"10 Tbps\"\nupload = \"10 Tbps\"\n\
    [limits]\ncircuits = 1000000\nhosts = 4000000\nprefixes = 4000000\n";

/// File, line, key, what is wrong, whether it is an error, and what to do.
type Told = (String, Option<u32>, Option<String>, String, bool, Option<String>);

/// What the texts of network.json and ShapedDevices.csv say, none where there are errors, and all
/// problems of them. `settings` is tidegate.toml's name and text.
#[pyfunction]
#[pyo3(signature = (settings, network, circuits))]
pub(crate) fn read_files<'py>(
    py: Python<'py>,
    settings: Option<(String, Vec<u8>)>,
    network: Vec<u8>,
    circuits: Vec<u8>,
) -> PyResult<(Vec<Told>, Option<Bound<'py, PyAny>>)> {
    let (name, text) = settings.unwrap_or_else(|| ("tidegate.toml".into(), ANY_SETTINGS.into()));
    let sources = Sources {
        settings: Source::new(name, text),
        network: Source::new("network.json", network),
        devices: Source::new("ShapedDevices.csv", circuits),
    };
    match py.detach(|| Config::from_sources(&sources)) {
        Ok(loaded) => {
            let problems = loaded.warnings.into_iter().map(told).collect();
            Ok((problems, Some(pythonize(py, &Said::by(&loaded.config.network))?)))
        }
        Err(problems) => Ok((problems.into_iter().map(told).collect(), None)),
    }
}

/// The text of tidegate.toml with these sections.
///
/// # Errors
/// `ValueError` when TOML has no such values.
#[pyfunction]
pub(crate) fn settings_text(sections: &Bound<'_, PyAny>) -> PyResult<String> {
    let table: toml::Table =
        depythonize(sections).map_err(|error| PyValueError::new_err(error.to_string()))?;
    toml::to_string(&table).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn told(problem: Problem) -> Told {
    let Problem { file, line, key, why, severity, help } = problem;
    let is_error = severity == config::Severity::Error;
    (file.display().to_string(), line, key, why, is_error, help)
}

/// A network as Python's classes take it: names instead of positions.
#[derive(Serialize)]
struct Said<'n> {
    nodes: Vec<SaidNode<'n>>,
    circuits: Vec<SaidCircuit<'n>>,
}

#[derive(Serialize)]
struct SaidNode<'n> {
    name: &'n str,
    id: Option<&'n str>,
    parent: Option<&'n str>,
    download: Option<u64>,
    upload: Option<u64>,
    kind: Option<&'n str>,
    is_virtual: bool,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

#[derive(Serialize)]
struct SaidCircuit<'n> {
    id: &'n str,
    name: &'n str,
    parent: Option<&'n str>,
    download: u64,
    upload: u64,
    min_download: u64,
    min_upload: u64,
    sqm: String,
    comment: &'n str,
    devices: Vec<SaidDevice<'n>>,
}

#[derive(Serialize)]
struct SaidDevice<'n> {
    id: &'n str,
    name: &'n str,
    mac: &'n str,
    addresses: Vec<String>,
}

impl<'n> Said<'n> {
    fn by(network: &'n Network) -> Self {
        let Network { nodes, circuits } = network;
        let name_of = |index: Option<usize>| index.map(|index| nodes[index].name.as_ref());
        Self {
            nodes: nodes.iter().map(|node| SaidNode::by(node, name_of(node.parent))).collect(),
            circuits: circuits
                .iter()
                .map(|circuit| SaidCircuit::by(circuit, name_of(circuit.parent)))
                .collect(),
        }
    }
}

impl<'n> SaidNode<'n> {
    fn by(node: &'n Node, parent: Option<&'n str>) -> Self {
        let Node { id, name, parent: _, rate, kind, is_virtual, position } = node;
        let rate = rate.map(|rate| rate.map(units::BitsPerSec::get));
        Self {
            name,
            // a node without an id is known by its name
            id: (id.as_str() != name.as_ref()).then(|| id.as_str()),
            parent,
            download: rate.down,
            upload: rate.up,
            kind: kind.as_deref(),
            is_virtual: *is_virtual,
            latitude: position.map(|(latitude, _)| latitude),
            longitude: position.map(|(_, longitude)| longitude),
        }
    }
}

impl<'n> SaidCircuit<'n> {
    fn by(circuit: &'n Circuit, parent: Option<&'n str>) -> Self {
        let Circuit { id, name, parent: _, min, max, leaf, devices, comment } = circuit;
        let device = |device: &'n config::Device| SaidDevice {
            id: &device.id,
            name: &device.name,
            mac: &device.mac,
            addresses: device.prefixes.iter().map(ToString::to_string).collect(),
        };
        Self {
            id: id.as_str(),
            name,
            parent,
            download: max.down.get(),
            upload: max.up.get(),
            min_download: min.down.get(),
            min_upload: min.up.get(),
            sqm: sqm(*leaf),
            comment,
            devices: devices.iter().map(device).collect(),
        }
    }
}

/// The leaves as the column `sqm` has them.
fn sqm(leaf: PerDirection<Option<Leaf>>) -> String {
    let PerDirection { down, up } = leaf.map(|leaf| match leaf {
        None => "",
        Some(Leaf::Cake(_)) => "cake",
        Some(Leaf::FqCodel) => "fq_codel",
        // no circuit can ask for a FIFO of ours
        Some(Leaf::Fifo | Leaf::None) => "none",
    });
    if down == up { down.to_owned() } else { format!("{down}/{up}") }
}
