//! Changes of ShapedDevices.csv that leave every other row as it was written.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use foldhash::{HashMap, HashMapExt, HashSet};
use memchr::memmem::Finder;
use units::{BitsPerSec, Direction, IpPrefix, PerDirection};

use super::layout::{Column, Layout};
use super::table::{Broken, Row, Rows};
use crate::problem::{Problems, Report};

/// What is to become of one circuit. What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CircuitEdit {
    /// Which circuit. Where there is none with this id, it is a new one.
    pub id: String,
    /// Free text.
    pub name: Option<String>,
    /// Name of the node that it hangs from; empty: none.
    pub parent: Option<String>,
    /// Guaranteed when its parents are busy.
    pub min: PerDirection<Option<BitsPerSec>>,
    /// Never exceeded.
    pub max: PerDirection<Option<BitsPerSec>>,
    /// The leaf, as the column `sqm` has it.
    pub sqm: Option<String>,
    /// Which of its devices the rest is about; needed only where it has several. It is the id of a new
    /// circuit's device.
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

/// Why a file cannot be changed as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has errors already.
    #[error("line {line} of the devices file cannot be read: {why}; correct it first")]
    Broken {
        /// Counted from 1.
        line: u32,
        /// What is wrong.
        why: String,
    },
    /// The file is not text.
    #[error("the devices file cannot be read: {0}")]
    NoText(String),
    /// An id that would not be read back as it is written.
    #[error("{0:?} is no circuit's id: it is empty, or begins or ends in blanks")]
    Id(String),
    /// An id by which the device could not be named again.
    #[error("{0:?} is no device's id: it is empty, or begins or ends in blanks")]
    DeviceId(String),
    /// There is no such circuit.
    #[error("no circuit has the id {0:?}")]
    NoCircuit(String),
    /// There is no such device.
    #[error("circuit {circuit:?} has no device with the id {device:?}, only {devices}")]
    NoDevice {
        /// The circuit.
        circuit: String,
        /// The device.
        device: String,
        /// The ids of those that it has.
        devices: String,
    },
    /// It is not clear which device is meant.
    #[error(
        "circuit {circuit:?} has several devices, {devices}; say which one is meant: --device ID"
    )]
    SeveralDevices {
        /// The circuit.
        circuit: String,
        /// Their ids.
        devices: String,
    },
    /// There is no place to write it to.
    #[error("the header of the devices file has no column {0:?}; add it to the first line")]
    NoColumn(&'static str),
}

/// A devices file in which the rows of some circuits are to be changed.
pub(crate) struct Editor<'t> {
    text: &'t str,
    header: Layout,
    /// Where the header ends in the text.
    header_end: usize,
    /// Fields of the header.
    width: usize,
    /// Rows of these circuits, in the order of the text; new ones last.
    rows: Vec<EditedRow<'t>>,
    /// Which of them are whose.
    by_id: HashMap<String, Vec<usize>>,
}

/// A row of a circuit that may change.
struct EditedRow<'t> {
    /// Where it is in the text; new ones are nowhere.
    bytes: Option<Range<usize>>,
    fields: Fields<'t>,
    /// What is to stand there; none while it stays as it is.
    new: Option<String>,
}

impl<'t> Editor<'t> {
    /// Finds the rows of the circuits with these ids.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn new(text: &'t str, ids: &HashSet<&'t str>) -> Result<Self, EditError> {
        let mut rows = Rows::of(text);
        let no_header = || EditError::Broken { line: 1, why: "there is no header".to_owned() };
        let header = next_of(&mut rows)?.ok_or_else(no_header)?;
        let mut problems = Problems::default();
        let mut report = Report::new(&Path::new("").into(), &mut problems);
        let layout = Layout::from_header(header.line, &header.fields, &mut report);
        let mut editor = Self {
            text,
            header: layout.ok_or_else(no_header)?,
            header_end: header.bytes.end,
            width: header.fields.len(),
            rows: Vec::new(),
            by_id: HashMap::new(),
        };
        let mut ids_at = IdsAt::new(text, ids);
        loop {
            // most lines need no look at their fields
            rows.skip_to(ids_at.next(rows.passed()));
            let Some(Row { bytes, fields, .. }) = next_of(&mut rows)? else { break };
            let id = editor.layout(&fields).get(&fields, Column::CircuitId);
            if ids.contains(id) {
                let id = id.to_owned();
                editor.push(id, EditedRow { bytes: Some(bytes), fields, new: None });
            }
        }
        Ok(editor)
    }

    fn layout(&self, fields: &Fields<'_>) -> Cow<'_, Layout> {
        self.header.of_row(fields, self.width)
    }

    fn push(&mut self, id: String, row: EditedRow<'t>) {
        self.by_id.entry(id).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    /// Changes a circuit, or adds it at the end. What the rows say is not looked at.
    ///
    /// # Errors
    /// When it is not clear what is meant.
    pub(crate) fn put(&mut self, edit: &CircuitEdit) -> Result<(), EditError> {
        if edit.id.is_empty() || edit.id.trim() != edit.id {
            return Err(EditError::Id(edit.id.clone()));
        }
        let Some(own) = self.by_id.get(&edit.id).cloned() else { return self.add(edit) };
        let chosen = if edit.new_device {
            Some(self.add_device(edit, own[0])?)
        } else {
            self.chosen(edit, &own)?
        };
        let own = self.by_id[&edit.id].clone();
        for index in own {
            let mut fields = self.rows[index].fields.clone();
            let layout = self.layout(&fields).into_owned();
            edit.write_circuit(&mut fields, &layout)?;
            if chosen == Some(index) {
                edit.write_device(&mut fields, &layout)?;
            }
            let row = &mut self.rows[index];
            row.new = Some(written(&fields));
            row.fields = fields;
        }
        Ok(())
    }

    fn add(&mut self, edit: &CircuitEdit) -> Result<(), EditError> {
        let mut fields = vec![Cow::Borrowed(""); self.width];
        set(&mut fields, &self.header, Column::CircuitId, edit.id.clone())?;
        if let Some(device) = &edit.device {
            set(&mut fields, &self.header, Column::DeviceId, device.clone())?;
        }
        edit.write_circuit(&mut fields, &self.header)?;
        edit.write_device(&mut fields, &self.header)?;
        let new = Some(written(&fields));
        self.push(edit.id.clone(), EditedRow { bytes: None, fields, new });
        Ok(())
    }

    /// Adds a device to the circuit that the row is one of; tells which row is its.
    fn add_device(&mut self, edit: &CircuitEdit, of: usize) -> Result<usize, EditError> {
        let id = edit.device.as_deref().unwrap_or_default();
        if id.is_empty() || id.trim() != id {
            return Err(EditError::DeviceId(id.to_owned()));
        }
        let mut fields = self.rows[of].fields.clone();
        let layout = self.layout(&fields).into_owned();
        for column in DEVICE_COLUMNS {
            set(&mut fields, &layout, column, String::new())?;
        }
        set(&mut fields, &layout, Column::DeviceId, id.to_owned())?;
        let new = Some(written(&fields));
        self.push(edit.id.clone(), EditedRow { bytes: None, fields, new });
        Ok(self.rows.len() - 1)
    }

    /// The ids of the devices in these rows.
    fn devices(&self, own: &[usize]) -> String {
        let id = |index: &usize| {
            let fields = &self.rows[*index].fields;
            format!("{:?}", self.layout(fields).get(fields, Column::DeviceId))
        };
        own.iter().map(id).collect::<Vec<_>>().join(", ")
    }

    /// Which of a circuit's rows is the device's that is meant; none where nothing is to become of any.
    fn chosen(&self, edit: &CircuitEdit, own: &[usize]) -> Result<Option<usize>, EditError> {
        let circuit = || edit.id.clone();
        if let Some(device) = &edit.device {
            let is_it = |index: &&usize| {
                let fields = &self.rows[**index].fields;
                self.layout(fields).get(fields, Column::DeviceId) == device
            };
            let no_device = || EditError::NoDevice {
                circuit: circuit(),
                device: device.clone(),
                devices: self.devices(own),
            };
            return own.iter().find(is_it).map(|index| Some(*index)).ok_or_else(no_device);
        }
        match own {
            _ if !edit.is_of_device() => Ok(None),
            [only] => Ok(Some(*only)),
            several => Err(EditError::SeveralDevices {
                circuit: circuit(),
                devices: self.devices(several),
            }),
        }
    }

    /// Takes a circuit out.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), EditError> {
        let no_circuit = || EditError::NoCircuit(id.to_owned());
        for index in self.by_id.remove(id).ok_or_else(no_circuit)? {
            self.rows[index].new = Some(String::new());
        }
        Ok(())
    }

    /// The text with all changes; every other row is as it was written.
    pub(crate) fn finish(self) -> String {
        let line_break = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut text = String::with_capacity(self.text.len() + 256);
        let mut from = 0;
        for EditedRow { bytes, new, .. } in &self.rows {
            let (Some(bytes), Some(new)) = (bytes, new) else { continue };
            let whole = &self.text[bytes.clone()];
            text.push_str(&self.text[from..bytes.start]);
            if !new.is_empty() {
                text.push_str(new);
                text.push_str(&whole[whole.trim_end_matches(['\r', '\n']).len()..]);
            }
            from = bytes.end;
        }
        text.push_str(&self.text[from..]);
        let added = self.rows.iter().filter(|row| row.bytes.is_none());
        for new in added.filter_map(|row| row.new.as_ref()).filter(|new| !new.is_empty()) {
            if !text.ends_with(['\n', '\r']) {
                text.push_str(line_break);
            }
            text.push_str(new);
            text.push_str(line_break);
        }
        text
    }
}

/// The next row.
fn next_of<'t>(rows: &mut Rows<'t>) -> Result<Option<Row<'t>>, EditError> {
    let broken =
        |broken: Broken| EditError::Broken { line: broken.line, why: broken.why.to_owned() };
    rows.next().transpose().map_err(broken)
}

/// Where in a text an id may be.
struct IdsAt<'t> {
    text: &'t str,
    /// What finds the only one; none where there are several.
    finder: Option<Finder<'t>>,
    /// Where it is next.
    found: usize,
}

impl<'t> IdsAt<'t> {
    fn new(text: &'t str, ids: &HashSet<&'t str>) -> Self {
        let finder = match ids.iter().next() {
            // in a quoted field quotes are written twice
            Some(id) if ids.len() == 1 && !id.contains('"') => Some(Finder::new(*id)),
            _ => None,
        };
        Self { text, finder, found: 0 }
    }

    /// No id is between `from` and there.
    fn next(&mut self, from: usize) -> usize {
        let Some(finder) = &self.finder else { return from };
        if self.found < from {
            let rest = &self.text.as_bytes()[from..];
            self.found = finder.find(rest).map_or(self.text.len(), |at| from + at);
        }
        self.found
    }
}

/// The header and the rows of one circuit, as a text of their own; nothing where there are none.
pub(crate) fn rows_of(text: &str, id: &str) -> Option<String> {
    let found = Editor::new(text, &HashSet::from_iter([id])).ok()?;
    let mut own = text[..found.header_end].to_owned();
    for bytes in found.rows.iter().filter_map(|row| row.bytes.clone()) {
        own.push_str(&text[bytes]);
    }
    (!found.rows.is_empty()).then_some(own)
}

impl CircuitEdit {
    /// Whether it is about a device.
    fn is_of_device(&self) -> bool {
        self.device_name.is_some()
            || self.mac.is_some()
            || self.addresses.is_some()
            || self.comment.is_some()
    }

    /// Writes what all rows of the circuit say alike.
    fn write_circuit(&self, row: &mut Fields<'_>, layout: &Layout) -> Result<(), EditError> {
        let mut put = |column, text: Option<String>| match text {
            Some(text) => set(row, layout, column, text),
            None => Ok(()),
        };
        put(Column::CircuitName, self.name.clone())?;
        put(Column::DownloadMin, self.min[Direction::Download].map(mbps))?;
        put(Column::UploadMin, self.min[Direction::Upload].map(mbps))?;
        put(Column::DownloadMax, self.max[Direction::Download].map(mbps))?;
        put(Column::UploadMax, self.max[Direction::Upload].map(mbps))?;
        put(Column::Sqm, self.sqm.clone())?;
        put(Column::ParentNode, self.parent.clone())?;
        // a node's id that stands beside its name would have to be the same node's
        for column in [Column::ParentNodeId, Column::AnchorNodeId] {
            if self.parent.is_some() && layout.has(column) {
                put(column, Some(String::new()))?;
            }
        }
        Ok(())
    }

    /// Writes what one device's row says.
    fn write_device(&self, row: &mut Fields<'_>, layout: &Layout) -> Result<(), EditError> {
        let mut put = |column, text: Option<String>| match text {
            Some(text) => set(row, layout, column, text),
            None => Ok(()),
        };
        put(Column::DeviceName, self.device_name.clone())?;
        put(Column::Mac, self.mac.clone())?;
        put(Column::Comment, self.comment.clone())?;
        let addresses = |is_v4| {
            let own =
                self.addresses.as_ref()?.iter().filter(move |one| one.addr().is_ipv4() == is_v4);
            Some(own.map(ToString::to_string).collect::<Vec<_>>().join(", "))
        };
        put(Column::Ipv4, addresses(true))?;
        put(Column::Ipv6, addresses(false))
    }
}

type Fields<'t> = Vec<Cow<'t, str>>;

/// What is a device's own.
const DEVICE_COLUMNS: [Column; 6] = [
    Column::DeviceId,
    Column::DeviceName,
    Column::Mac,
    Column::Ipv4,
    Column::Ipv6,
    Column::Comment,
];

/// Writes a field; one that is to be empty needs no column.
fn set(
    row: &mut Fields<'_>,
    layout: &Layout,
    column: Column,
    text: String,
) -> Result<(), EditError> {
    match layout.position(column) {
        Some(index) => {
            if row.len() <= index {
                row.resize(index + 1, Cow::Borrowed(""));
            }
            row[index] = Cow::Owned(text);
            Ok(())
        }
        None if text.is_empty() => Ok(()),
        None => Err(EditError::NoColumn(column.title())),
    }
}

/// As many decimals as it takes.
fn mbps(rate: BitsPerSec) -> String {
    let (whole, rest) = (rate.get() / 1_000_000, rate.get() % 1_000_000);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
    }
}

/// A row without its line break.
fn written(fields: &[Cow<'_, str>]) -> String {
    let fields = fields.iter().enumerate().map(|(index, field)| {
        let is_special = field.contains([',', '"', '\n', '\r'])
            || field.trim() != field.as_ref()
            || (index == 0 && field.starts_with('#'));
        if is_special {
            Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
        } else {
            Cow::Borrowed(field.as_ref())
        }
    });
    fields.collect::<Vec<_>>().join(",")
}
