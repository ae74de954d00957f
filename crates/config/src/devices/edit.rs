//! Changes of ShapedDevices.csv that leave every other row as it was written.

use std::borrow::Cow;

use units::{BitsPerSec, Direction, IpPrefix, PerDirection};

use super::layout::{Column, Layout};
use super::table::{Row, Rows};
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
    /// There is no such circuit.
    #[error("no circuit has the id {0:?}")]
    NoCircuit(String),
    /// There is no such device.
    #[error("circuit {circuit:?} has no device with the id {device:?}")]
    NoDevice {
        /// The circuit.
        circuit: String,
        /// The device.
        device: String,
    },
    /// It is not clear which device is meant.
    #[error("circuit {circuit:?} has {devices} devices; say which one is meant, by its id")]
    SeveralDevices {
        /// The circuit.
        circuit: String,
        /// How many it has.
        devices: usize,
    },
    /// There is no place to write it to.
    #[error("the header of the devices file has no column {0:?}")]
    NoColumn(&'static str),
}

/// A devices file with its header, and the rows of one circuit.
struct Found<'t> {
    text: &'t str,
    header: Layout,
    /// Where the header ends in the text.
    header_end: usize,
    /// Fields of the header.
    width: usize,
    rows: Vec<Row<'t>>,
}

impl<'t> Found<'t> {
    fn new(text: &'t str, id: &str) -> Result<Self, EditError> {
        let mut rows = Rows::of(text);
        let mut next = || {
            rows.next().transpose().map_err(|broken| EditError::Broken {
                line: broken.line,
                why: broken.why.to_owned(),
            })
        };
        let no_header = || EditError::Broken { line: 1, why: "there is no header".to_owned() };
        let header = next()?.ok_or_else(no_header)?;
        let mut problems = Problems::default();
        let mut report = Report::new(&std::path::Path::new("").into(), &mut problems);
        let layout = Layout::from_header(header.line, &header.fields, &mut report);
        let mut found = Self {
            text,
            header: layout.ok_or_else(no_header)?,
            header_end: header.bytes.end,
            width: header.fields.len(),
            rows: Vec::new(),
        };
        while let Some(row) = next()? {
            let layout = found.header.of_row(&row.fields, found.width);
            if layout.get(&row.fields, Column::CircuitId) == id {
                found.rows.push(row);
            }
        }
        Ok(found)
    }

    /// The text with other rows in the place of those that were found.
    fn with(&self, rows: impl Iterator<Item = String>) -> String {
        let mut text = String::with_capacity(self.text.len() + 256);
        let mut from = 0;
        for (old, new) in self.rows.iter().zip(rows) {
            text.push_str(&self.text[from..old.bytes.start]);
            text.push_str(&new);
            from = old.bytes.end;
        }
        text.push_str(&self.text[from..]);
        text
    }

    fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }
}

/// The file with one circuit changed, or added at its end.
///
/// # Errors
/// When the file cannot be read, or it is not clear what is meant. What the rows say is not looked at.
pub(crate) fn put_circuit(text: &str, edit: &CircuitEdit) -> Result<String, EditError> {
    let found = Found::new(text, &edit.id)?;
    if found.rows.is_empty() {
        let mut row = vec![Cow::Borrowed(""); found.width];
        set(&mut row, &found.header, Column::CircuitId, edit.id.clone())?;
        if let Some(device) = &edit.device {
            set(&mut row, &found.header, Column::DeviceId, device.clone())?;
        }
        edit.write_circuit(&mut row, &found.header)?;
        edit.write_device(&mut row, &found.header)?;
        let line_break = found.line_break();
        let begin = if text.ends_with(['\n', '\r']) { "" } else { line_break };
        return Ok(format!("{text}{begin}{}{line_break}", written(&row)));
    }
    let chosen = edit.chosen(&found)?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for (index, row) in found.rows.iter().enumerate() {
        let layout = found.header.of_row(&row.fields, found.width);
        let mut fields = row.fields.clone();
        edit.write_circuit(&mut fields, &layout)?;
        if chosen == Some(index) {
            edit.write_device(&mut fields, &layout)?;
        }
        let whole = &text[row.bytes.clone()];
        rows.push(written(&fields) + &whole[whole.trim_end_matches(['\r', '\n']).len()..]);
    }
    Ok(found.with(rows.into_iter()))
}

/// The file without one circuit.
///
/// # Errors
/// When the file cannot be read, or has no such circuit.
pub(crate) fn remove_circuit(text: &str, id: &str) -> Result<String, EditError> {
    let found = Found::new(text, id)?;
    if found.rows.is_empty() {
        return Err(EditError::NoCircuit(id.to_owned()));
    }
    Ok(found.with(std::iter::repeat(String::new())))
}

/// The header and the rows of one circuit, as a text of their own; nothing where there are none.
pub(crate) fn rows_of(text: &str, id: &str) -> Option<String> {
    let found = Found::new(text, id).ok().filter(|found| !found.rows.is_empty())?;
    let mut own = text[..found.header_end].to_owned();
    for row in &found.rows {
        own.push_str(&text[row.bytes.clone()]);
    }
    Some(own)
}

impl CircuitEdit {
    /// Whether it is about a device.
    fn is_of_device(&self) -> bool {
        self.device_name.is_some()
            || self.mac.is_some()
            || self.addresses.is_some()
            || self.comment.is_some()
    }

    /// The row of the device that is meant; none where nothing is to become of any.
    fn chosen(&self, found: &Found<'_>) -> Result<Option<usize>, EditError> {
        if let Some(device) = &self.device {
            let is_it = |row: &Row<'_>| {
                let layout = found.header.of_row(&row.fields, found.width);
                layout.get(&row.fields, Column::DeviceId) == device
            };
            let no_device =
                || EditError::NoDevice { circuit: self.id.clone(), device: device.clone() };
            return found.rows.iter().position(is_it).map(Some).ok_or_else(no_device);
        }
        match (self.is_of_device(), found.rows.len()) {
            (false, _) => Ok(None),
            (true, 1) => Ok(Some(0)),
            (true, devices) => Err(EditError::SeveralDevices { circuit: self.id.clone(), devices }),
        }
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
