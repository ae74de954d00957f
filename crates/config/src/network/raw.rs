//! network.json as it is written: a flat list of nodes with their keys sorted out.

use super::json::{Entry, Json};
use crate::nearest::did_you_mean;
use crate::problem::Report;
use crate::source::Lines;

/// Levels of nodes that are read. No kernel shapes a tree that is nearly as deep.
const LEVELS_MAX: usize = 64;

/// The keys of a node that are not child nodes.
const KEYS: [&str; 8] = [
    "downloadBandwidthMbps",
    "uploadBandwidthMbps",
    "type",
    "children",
    "id",
    "virtual",
    "latitude",
    "longitude",
];

/// A node as it is written.
#[derive(Debug)]
pub(crate) struct RawNode<'t> {
    pub(crate) name: String,
    pub(crate) line: u32,
    /// Its parent's index in the list, smaller than its own.
    pub(crate) parent: Option<usize>,
    pub(crate) download: Option<Entry<'t>>,
    pub(crate) upload: Option<Entry<'t>>,
    pub(crate) kind: Option<Entry<'t>>,
    pub(crate) id: Option<Entry<'t>>,
    pub(crate) is_virtual: Option<Entry<'t>>,
    pub(crate) latitude: Option<Entry<'t>>,
    pub(crate) longitude: Option<Entry<'t>>,
}

/// A node that is still to be visited.
struct Pending<'t> {
    entry: Entry<'t>,
    parent: Option<usize>,
    level: usize,
}

/// Reads the tree, parents before their children and otherwise in the order of the file.
pub(crate) fn read<'t>(
    text: &'t str,
    lines: &'t Lines,
    report: &mut Report<'_>,
) -> Option<Vec<RawNode<'t>>> {
    let root = match Json::parse(text, lines) {
        Ok(root) => root,
        Err(error) => {
            report_syntax(&error, report);
            return None;
        }
    };
    let Some(entries) = root.entries() else {
        report
            .error(1, "", format!("must be an object of nodes, not {}", root.kind()))
            .help("{} is a network without nodes".to_owned());
        return None;
    };
    let mut nodes = Vec::new();
    let mut pending: Vec<Pending<'t>> = Vec::new();
    let push_all = |pending: &mut Vec<Pending<'t>>, entries: Vec<Entry<'t>>, parent, level| {
        pending.extend(entries.into_iter().rev().map(|entry| Pending { entry, parent, level }));
    };
    push_all(&mut pending, entries, None, 1);
    while let Some(Pending { entry, parent, level }) = pending.pop() {
        if level > LEVELS_MAX {
            report.error(
                entry.line,
                &entry.key,
                format!("is more than {LEVELS_MAX} levels deep; what is below it is not read"),
            );
            continue;
        }
        if let Some((node, children)) = visit(entry, parent, report) {
            nodes.push(node);
            push_all(&mut pending, children, Some(nodes.len() - 1), level + 1);
        }
    }
    Some(nodes)
}

fn report_syntax(error: &serde_json::Error, report: &mut Report<'_>) {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let why = text.strip_suffix(&place).unwrap_or(&text);
    let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
    report.error(line, "", format!("is not JSON: {why} (column {})", error.column())).help(
        "look for a comma or quote that is missing or too many, there or in the line before"
            .to_owned(),
    );
}

/// Sorts a node's keys from its children.
fn visit<'t>(
    entry: Entry<'t>,
    parent: Option<usize>,
    report: &mut Report<'_>,
) -> Option<(RawNode<'t>, Vec<Entry<'t>>)> {
    let Some(entries) = entry.value.entries() else {
        report_not_a_node(&entry, parent.is_none(), report);
        return None;
    };
    let mut node = RawNode {
        name: entry.key,
        line: entry.line,
        parent,
        download: None,
        upload: None,
        kind: None,
        id: None,
        is_virtual: None,
        latitude: None,
        longitude: None,
    };
    let mut children = Vec::new();
    let mut listed = None;
    for entry in entries {
        let key = format!("{}.{}", node.name, entry.key);
        let slot = match entry.key.as_str() {
            "downloadBandwidthMbps" => &mut node.download,
            "uploadBandwidthMbps" => &mut node.upload,
            "type" => &mut node.kind,
            "id" => &mut node.id,
            "virtual" => &mut node.is_virtual,
            "latitude" => &mut node.latitude,
            "longitude" => &mut node.longitude,
            "children" => &mut listed,
            // older files put child nodes right into the node
            _ if entry.value.is_object() => {
                children.push(entry);
                continue;
            }
            _ => {
                report_unknown(&key, &entry, report);
                continue;
            }
        };
        if let Some(first) = slot {
            report.error(entry.line, &key, format!("is also given in line {}", first.line));
        } else if !entry.value.is_null() {
            *slot = Some(entry);
        }
    }
    if let Some(listed) = listed {
        match listed.value.entries() {
            Some(entries) => children.extend(entries),
            None => {
                report.error(
                    listed.line,
                    &format!("{}.children", node.name),
                    format!("must be an object of nodes, not {}", listed.value.kind()),
                );
            }
        }
    }
    Some((node, children))
}

fn report_not_a_node(entry: &Entry<'_>, at_top: bool, report: &mut Report<'_>) {
    let why = format!("must be a node, written as an object in {{ }}, not {}", entry.value.kind());
    let misplaced = at_top && KEYS.contains(&entry.key.as_str());
    report
        .error(entry.line, &entry.key, why)
        .help(misplaced.then(|| "this key belongs inside a node".to_owned()));
}

/// A slip in a key that is read would lose what it says; keys that other programs keep in the file
/// are let be.
fn report_unknown(key: &str, entry: &Entry<'_>, report: &mut Report<'_>) {
    match did_you_mean(&entry.key, KEYS) {
        Some(help) => report.error(entry.line, key, "nodes have no such key").help(help),
        None => {
            report.warning(entry.line, key, "nodes have no such key; it is not used");
        }
    }
}
