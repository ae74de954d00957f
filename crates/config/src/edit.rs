//! Changes of a configuration's files.

use units::IpPrefix;

use crate::devices::{CircuitEdit, EditError, Editor, Surroundings, read, rows_of};
use crate::model::{Circuit, Config, Device, Limits};
use crate::network;
use crate::problem::{Problems, Report};
use crate::source::{Source, Sources};

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

impl Edit {
    /// The circuit that it is about, where it is about one.
    fn circuit(&self) -> Option<&str> {
        match self {
            Self::Network(_) | Self::Devices(_) => None,
            Self::Circuit(edit) => Some(&edit.id),
            Self::RemoveCircuit(id) => Some(id),
        }
    }
}

impl Sources {
    /// Makes changes, one after another. Whether what comes out is valid is for
    /// [`Config::from_sources`](crate::Config::from_sources) to say. A devices file in another encoding
    /// becomes UTF-8.
    ///
    /// # Errors
    /// The first change that cannot be made. Some of those before it may be.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<(), EditError> {
        for together in edits.chunk_by(|a, b| a.circuit().is_some() && b.circuit().is_some()) {
            match together {
                [Edit::Network(text)] => self.network.bytes = text.clone().into_bytes(),
                [Edit::Devices(text)] => self.devices.bytes = text.clone().into_bytes(),
                circuits => self.edit_circuits(circuits)?,
            }
        }
        Ok(())
    }

    /// Makes changes that are about circuits, reading the text once.
    fn edit_circuits(&mut self, edits: &[Edit]) -> Result<(), EditError> {
        let text =
            self.devices.text().map_err(|problems| EditError::NoText(problems.summary(1)))?;
        let ids = edits.iter().filter_map(Edit::circuit).collect();
        let mut editor = Editor::new(&text, &ids)?;
        for edit in edits {
            match edit {
                Edit::Circuit(edit) => editor.put(edit)?,
                Edit::RemoveCircuit(id) => editor.remove(id)?,
                Edit::Network(_) | Edit::Devices(_) => {}
            }
        }
        self.devices.bytes = editor.finish().into_bytes();
        Ok(())
    }

    /// What tells these two files' texts from all others, in a few letters.
    pub fn revision(&self) -> String {
        let length = (self.network.bytes.len() as u64).to_le_bytes();
        let bytes = length.iter().chain(&self.network.bytes).chain(&self.devices.bytes);
        // FNV-1a of 64 bits: the same in every build, as revisions outlive daemons
        let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, add))
    }
}

impl Config {
    /// This configuration, of which `sources` were the texts without any warning, after the circuit `id` has
    /// changed in them and nothing else: what [`Config::from_sources`] gives, but without reading all
    /// others again. Nothing where that takes a look at all texts, as for telling what is wrong.
    pub fn with_circuit(&self, sources: &Sources, id: &str) -> Option<Self> {
        let mut problems = Problems::default();
        let text = sources.network.text().ok()?;
        let tree = network::read(&text, &mut report(&sources.network, &mut problems))?;
        let around = Surroundings {
            tree: Some(&tree),
            leaf: Some(self.queues.leaf),
            ranges: Some(&self.ranges),
            limits: Some(self.limits),
        };
        let rows = rows_of(&sources.devices.text().ok()?, id)?;
        let circuits = read(&rows, around, &mut report(&sources.devices, &mut problems));
        let circuit = circuits.into_iter().next().filter(|_| problems.is_empty())?;
        self.has_room_for(&circuit).then(|| {
            let mut changed = self.clone();
            let all = &mut changed.network.circuits;
            match all.iter_mut().find(|other| other.id == circuit.id) {
                Some(old) => *old = circuit,
                None => all.push(circuit),
            }
            changed
        })
    }

    /// Whether a circuit shares no address and no device's id with any other, and fits into the limits
    /// with them.
    fn has_room_for(&self, circuit: &Circuit) -> bool {
        let prefixes = |circuit: &Circuit| {
            circuit.devices.iter().flat_map(|device| device.prefixes.clone()).collect::<Vec<_>>()
        };
        let own = prefixes(circuit);
        let others = self.network.circuits.iter().filter(|other| other.id != circuit.id);
        let (mut circuits, mut hosts, mut blocks) = (1, 0, 0);
        let mut count =
            |prefix: &IpPrefix| *if prefix.is_host() { &mut hosts } else { &mut blocks } += 1;
        own.iter().for_each(&mut count);
        for other in others {
            circuits += 1;
            for device in &other.devices {
                let is_same = |own: &Device| !own.id.is_empty() && own.id == device.id;
                let overlaps = |other: &IpPrefix| own.iter().any(|own| own.overlaps(*other));
                if circuit.devices.iter().any(is_same) || device.prefixes.iter().any(overlaps) {
                    return false;
                }
                device.prefixes.iter().for_each(&mut count);
            }
        }
        let blocks = blocks + self.ranges.customers.len() + self.ranges.ignored.len();
        let Limits { circuits: most, hosts: most_hosts, prefixes: most_blocks, .. } = self.limits;
        circuits <= most as usize && hosts <= most_hosts as usize && blocks <= most_blocks as usize
    }
}

fn report<'p>(source: &Source, problems: &'p mut Problems) -> Report<'p> {
    Report::new(&source.path.as_path().into(), problems)
}
