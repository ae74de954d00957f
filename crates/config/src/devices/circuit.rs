//! Rows put together to circuits.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use units::{BitsPerSec, CircuitId, IpPrefix, PerDirection};

use super::claim::{Claim, validate_against_ranges, validate_limits, validate_overlaps};
use super::layout::{Column, Layout};
use super::parent::{Parent, Parents};
use super::row::{
    Rates, RawDevice, validate_addresses, validate_rates, validate_sqm, validate_text,
};
use super::table::{Broken, Row, Rows};
use crate::model::{Circuit, Device, Leaf, Limits, Ranges};
use crate::network::Tree;
use crate::problem::Report;

/// The most bytes that the comments of several rows of a circuit are joined to.
const COMMENT_MAX: usize = 4096;

/// What the other files say that rows are held against; none where those have errors.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    pub(crate) tree: Option<&'s Tree>,
    pub(crate) leaf: Option<Leaf>,
    pub(crate) ranges: Option<&'s Ranges>,
    pub(crate) limits: Option<Limits>,
}

/// A circuit with what its first row said.
struct Draft {
    line: u32,
    rates: Option<Rates>,
    parent: Parent,
    /// Whether any of its rows gives an address, right or wrong.
    has_address: bool,
}

/// Rows of one kind, to be reported together.
#[derive(Default)]
struct Tally {
    first_line: u32,
    rows: u32,
}

impl Tally {
    fn add(&mut self, line: u32) {
        if self.rows == 0 {
            self.first_line = line;
        }
        self.rows += 1;
    }

    fn report(&self, why: &str, report: &mut Report<'_>) {
        if self.rows > 0 {
            let more = match self.rows - 1 {
                0 => String::new(),
                1 => " (and one more row)".to_owned(),
                more => format!(" (and {more} more rows)"),
            };
            report.warning(self.first_line, "", format!("{why}{more}"));
        }
    }
}

/// The circuits of a file while its rows are read.
struct Gathering<'s> {
    /// The header's layout.
    layout: Layout,
    legacy: Layout,
    /// Fields of the header.
    width: usize,
    around: Surroundings<'s>,
    parents: Option<Parents<'s>>,
    circuits: Vec<Circuit>,
    drafts: Vec<Draft>,
    by_id: HashMap<CircuitId, usize>,
    device_lines: HashMap<Arc<str>, u32>,
    claims: Vec<Claim>,
    legacy_rows: Tally,
    long_rows: Tally,
}

/// Reads and validates ShapedDevices.csv. What comes back is whole only if no error was reported.
pub(crate) fn read(text: &str, around: Surroundings<'_>, report: &mut Report<'_>) -> Vec<Circuit> {
    let mut rows = Rows::of(text);
    let mut next = |report: &mut Report<'_>| loop {
        match rows.next()? {
            Ok(row) => return Some(row),
            Err(Broken { line, why }) => {
                report.error(line, "", why);
            }
        }
    };
    let Some(header) = next(report) else {
        report.error(None, "", "has no header row");
        return Vec::new();
    };
    let layout = Layout::from_header(header.line, &header.fields, report);
    let mut gathering = layout.map(|layout| Gathering {
        legacy: Layout::legacy(layout.has(Column::Sqm)),
        layout,
        width: header.fields.len(),
        around,
        parents: around.tree.map(Parents::new),
        circuits: Vec::new(),
        drafts: Vec::new(),
        by_id: HashMap::new(),
        device_lines: HashMap::new(),
        claims: Vec::new(),
        legacy_rows: Tally::default(),
        long_rows: Tally::default(),
    });
    // without a header only what is broken is told
    while let Some(row) = next(report) {
        if let Some(gathering) = &mut gathering {
            gathering.add_row(&row, report);
        }
    }
    gathering.map(|gathering| gathering.finish(report)).unwrap_or_default()
}

/// How many fields a row can use beyond what its header names.
fn legacy_width(layout: &Layout) -> usize {
    if layout.has(Column::ParentNodeId) { 0 } else { 13 }
}

impl Gathering<'_> {
    /// Finds out which layout a row follows, and adds it.
    fn add_row(&mut self, row: &Row<'_>, report: &mut Report<'_>) {
        let (fields, width) = (row.fields.as_slice(), self.width);
        let is_legacy = self.layout.is_legacy_row(fields, width);
        let mut unread = fields.iter().skip(width.max(legacy_width(&self.layout)));
        if is_legacy {
            self.legacy_rows.add(row.line);
        } else if unread.any(|field| !field.is_empty()) {
            self.long_rows.add(row.line);
        }
        let layout = if is_legacy { &self.legacy } else { &self.layout }.clone();
        let errors = report.errors();
        self.add(RawDevice { line: row.line, fields, layout: &layout }, report);
        if fields.len() > width && report.errors() > errors {
            let why = format!("the row has {} fields, the header {width}", fields.len());
            report
                .warning(row.line, "", why)
                .help("a text with a comma in it has to stand in quotes".to_owned());
        }
    }

    fn add(&mut self, row: RawDevice<'_, '_>, report: &mut Report<'_>) {
        let id = validate_text(row, Column::CircuitId, report);
        let rates = validate_rates(row, report);
        let prefixes = validate_addresses(row, report);
        let leaf = validate_sqm(row, self.around.leaf, report);
        let parent = match &mut self.parents {
            Some(parents) => parents.find(row, report),
            None => Parent::Unknown,
        };
        let device = self.validate_device(row, prefixes, report);
        if id.is_empty() {
            report.error(row.line, Column::CircuitId.title(), "is missing");
            return;
        }
        let circuit = match self.by_id.get(id).copied() {
            Some(known) => {
                self.compare(known, row, rates, parent, leaf, report);
                known
            }
            None => self.begin(id, row, rates, parent, leaf, report),
        };
        let own = device.prefixes.iter();
        self.claims.extend(own.map(|prefix| Claim { prefix: *prefix, line: row.line, circuit }));
        self.drafts[circuit].has_address |=
            !row.get(Column::Ipv4).is_empty() || !row.get(Column::Ipv6).is_empty();
        self.circuits[circuit].devices.push(device);
    }

    fn begin(
        &mut self,
        id: &str,
        row: RawDevice<'_, '_>,
        rates: Option<Rates>,
        parent: Parent,
        leaf: PerDirection<Option<Leaf>>,
        report: &mut Report<'_>,
    ) -> usize {
        let none = PerDirection::both(BitsPerSec::ZERO);
        let Rates { min, max } = rates.unwrap_or(Rates { min: none, max: none });
        let id = CircuitId::from(id);
        self.by_id.insert(id.clone(), self.circuits.len());
        self.drafts.push(Draft { line: row.line, rates, parent, has_address: false });
        self.circuits.push(Circuit {
            id,
            name: validate_text(row, Column::CircuitName, report).into(),
            parent: match parent {
                Parent::Node(node) => Some(node),
                Parent::None | Parent::Unknown => None,
            },
            min,
            max,
            leaf,
            devices: Vec::with_capacity(1),
            comment: row.get(Column::Comment).into(),
        });
        self.circuits.len() - 1
    }

    /// Holds a further row of a circuit against its first.
    fn compare(
        &mut self,
        known: usize,
        row: RawDevice<'_, '_>,
        rates: Option<Rates>,
        parent: Parent,
        leaf: PerDirection<Option<Leaf>>,
        report: &mut Report<'_>,
    ) {
        let (draft, circuit) = (&self.drafts[known], &mut self.circuits[known]);
        let first = draft.line;
        if parent != draft.parent && parent != Parent::Unknown && draft.parent != Parent::Unknown {
            report
                .error(
                    row.line,
                    Column::ParentNode.title(),
                    format!("circuit {:?} has another parent in line {first}", circuit.id.as_str()),
                )
                .help("give all rows of a circuit the same parent".to_owned());
        }
        if let (Some(given), Some(used)) = (rates, draft.rates)
            && given != used
        {
            let why = format!(
                "circuit {:?} has other rates in line {first}, which are used",
                circuit.id.as_str()
            );
            report.warning(row.line, "", why);
        }
        let name = validate_text(row, Column::CircuitName, report);
        if !name.is_empty() && name != circuit.name.as_ref() {
            let why = format!("line {first} calls the circuit {:?}, which is used", circuit.name);
            report.warning(row.line, Column::CircuitName.title(), why);
        }
        if leaf != circuit.leaf {
            let why = format!("differs from line {first}, which is used");
            report.warning(row.line, Column::Sqm.title(), why);
        }
        let comment = row.get(Column::Comment);
        if comment.is_empty() || circuit.comment.split("; ").any(|part| part == comment) {
            return;
        }
        if circuit.comment.len() + comment.len() > COMMENT_MAX {
            let why = format!(
                "the circuit's comments are longer than {COMMENT_MAX} bytes; this one is not kept"
            );
            report.warning(row.line, Column::Comment.title(), why);
        } else {
            let separator = if circuit.comment.is_empty() { "" } else { "; " };
            circuit.comment = format!("{}{separator}{comment}", circuit.comment).into();
        }
    }

    fn validate_device(
        &mut self,
        row: RawDevice<'_, '_>,
        mut prefixes: Vec<IpPrefix>,
        report: &mut Report<'_>,
    ) -> Device {
        let id: Arc<str> = validate_text(row, Column::DeviceId, report).into();
        if !id.is_empty()
            && let Some(first) = self.device_lines.insert(Arc::clone(&id), row.line)
        {
            self.device_lines.insert(Arc::clone(&id), first);
            let why = format!("line {first} has a device {id:?} too");
            report.error(row.line, Column::DeviceId.title(), why);
        }
        let given = prefixes.len();
        prefixes.sort_unstable();
        prefixes.dedup();
        if prefixes.len() < given {
            report.warning(row.line, "", "the device lists an address twice");
        }
        Device {
            id,
            name: validate_text(row, Column::DeviceName, report).into(),
            mac: validate_text(row, Column::Mac, report).into(),
            prefixes,
        }
    }

    /// What only all rows together show.
    fn finish(mut self, report: &mut Report<'_>) -> Vec<Circuit> {
        self.legacy_rows.report(
            "two fields are missing against the header; the row is read in the legacy order, without the two node ids",
            report,
        );
        self.long_rows.report("has fields beyond the header, which are not used", report);
        if let Some(rows) =
            self.parents.as_ref().map(|parents| parents.in_flat_network).filter(|rows| *rows > 0)
        {
            let rows = if rows == 1 { "one row names".into() } else { format!("{rows} rows name") };
            report
                .warning(
                    None,
                    Column::ParentNode.title(),
                    format!("network.json has no nodes, but {rows} a parent"),
                )
                .help("these circuits are spread over the queues".to_owned());
        }
        validate_overlaps(&mut self.claims, &self.circuits, report);
        self.drop_repeated(report);
        for (circuit, draft) in self.circuits.iter().zip(&self.drafts) {
            if !draft.has_address {
                let why = format!(
                    "circuit {:?} has no address, so nothing is shaped",
                    circuit.id.as_str()
                );
                report.warning(draft.line, "", why);
            }
        }
        if let Some(ranges) = self.around.ranges {
            validate_against_ranges(&self.claims, ranges, report);
        }
        if let Some(limits) = self.around.limits {
            validate_limits(&self.claims, self.circuits.len(), self.around.ranges, limits, report);
        }
        self.circuits
    }

    /// Takes out addresses that several devices of one circuit list.
    fn drop_repeated(&mut self, report: &mut Report<'_>) {
        let mut repeated: Vec<Claim> = self
            .claims
            .windows(2)
            .filter(|pair| pair[0].prefix == pair[1].prefix && pair[0].circuit == pair[1].circuit)
            .map(|pair| pair[1])
            .collect();
        repeated.dedup_by_key(|claim| (claim.prefix, claim.circuit));
        for claim in &repeated {
            let why = format!("another device of this circuit has {} too", claim.prefix);
            report.warning(claim.line, "", why);
        }
        let affected: BTreeSet<usize> = repeated.iter().map(|claim| claim.circuit).collect();
        for circuit in affected {
            let mut seen = HashSet::new();
            for device in &mut self.circuits[circuit].devices {
                device.prefixes.retain(|prefix| seen.insert(*prefix));
            }
        }
        self.claims.dedup_by_key(|claim| (claim.prefix, claim.circuit));
    }
}
