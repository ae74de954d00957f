//! From raw nodes to those of the configuration.

use foldhash::HashMap;
use units::{BitsPerSec, NodeId, PerDirection};

use super::json::Entry;
use super::raw::RawNode;
use crate::model::Node;
use crate::problem::Report;
use crate::rate;

/// The most bytes of a node's or circuit's name or id.
pub(crate) const NAME_MAX: usize = 255;

/// The nodes that were read, with what finds them.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Parents come before their children. Every node of the file is in it, wrong ones too, so
    /// that circuits under them are not called orphans on top.
    pub(crate) nodes: Vec<Node>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    /// Names in lower case; several nodes may share one.
    by_lower: HashMap<String, Vec<usize>>,
}

impl Tree {
    /// The node of exactly this name.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The node of this stable id.
    pub(crate) fn identified(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The nodes whose names differ from this one at most in case.
    pub(crate) fn named_in_any_case(&self, name: &str) -> &[usize] {
        self.by_lower.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }
}

/// Validates every node.
pub(crate) fn validate(raw: &[RawNode<'_>], report: &mut Report<'_>) -> Tree {
    let mut tree = Tree::default();
    for (index, node) in raw.iter().enumerate() {
        let name = validate_name(node, &mut tree, raw, index, report);
        let id = validate_id(node, &mut tree, raw, index, report);
        let lower = name.to_lowercase();
        tree.by_lower.entry(lower).or_default().push(index);
        tree.nodes.push(Node {
            id: NodeId::from(id.unwrap_or_else(|| name.clone())),
            name: name.into(),
            parent: node.parent,
            rate: PerDirection {
                down: validate_rate(&node.name, node.download.as_ref(), report),
                up: validate_rate(&node.name, node.upload.as_ref(), report),
            },
            kind: validate_text(&node.name, node.kind.as_ref(), report).map(Into::into),
            is_virtual: validate_virtual(node, report),
            position: validate_position(node, report),
        });
    }
    validate_ids_against_names(raw, &tree, report);
    tree
}

fn validate_name(
    node: &RawNode<'_>,
    tree: &mut Tree,
    raw: &[RawNode<'_>],
    index: usize,
    report: &mut Report<'_>,
) -> String {
    let name = node.name.trim().to_owned();
    if name.is_empty() {
        report.error(node.line, "", "a node has no name");
    } else if name.eq_ignore_ascii_case("none") {
        report
            .error(node.line, &name, "cannot be a node's name")
            .help("circuits with this parent are those without one".to_owned());
    } else if name.len() > NAME_MAX {
        report.error(node.line, "", format!("a node's name is longer than {NAME_MAX} bytes"));
    } else if let Some(first) = tree.named(&name) {
        report
            .error(node.line, &name, format!("line {} has a node of this name", raw[first].line))
            .help("names must be unique in the whole tree".to_owned());
    } else {
        tree.by_name.insert(name.clone(), index);
    }
    name
}

fn validate_id(
    node: &RawNode<'_>,
    tree: &mut Tree,
    raw: &[RawNode<'_>],
    index: usize,
    report: &mut Report<'_>,
) -> Option<String> {
    let entry = node.id.as_ref()?;
    let id = match entry.value.number() {
        Some(_) => entry.value.written().to_owned(),
        None => validate_text(&node.name, Some(entry), report)?.trim().to_owned(),
    };
    if id.is_empty() {
        return None;
    }
    let key = key_of(&node.name, entry);
    if id.len() > NAME_MAX {
        report.error(entry.line, &key, format!("is longer than {NAME_MAX} bytes"));
    } else if let Some(first) = tree.identified(&id) {
        let first = raw[first].id.as_ref().map_or(raw[first].line, |entry| entry.line);
        report.error(entry.line, &key, format!("line {first} gives another node the id {id:?}"));
    } else {
        tree.by_id.insert(id.clone(), index);
    }
    Some(id)
}

/// A node without an id is known by its name, so that no id may be another such node's name.
fn validate_ids_against_names(raw: &[RawNode<'_>], tree: &Tree, report: &mut Report<'_>) {
    let mut clashes: Vec<(usize, usize)> = tree
        .by_id
        .iter()
        .filter_map(|(id, holder)| {
            let named = tree.named(id)?;
            let is_identity = tree.nodes[named].id.as_str() == id;
            (named != *holder && is_identity).then_some((*holder, named))
        })
        .collect();
    clashes.sort_unstable();
    for (holder, named) in clashes {
        if let Some(entry) = &raw[holder].id {
            report
                .error(
                    entry.line,
                    &key_of(&raw[holder].name, entry),
                    format!(
                        "{:?} is the name of the node in line {}",
                        raw[named].name, raw[named].line
                    ),
                )
                .help("a node without an id is known by its name".to_owned());
        }
    }
}

/// The rate of a number or numeric text; 0 means the parent's.
fn validate_rate(
    node: &str,
    entry: Option<&Entry<'_>>,
    report: &mut Report<'_>,
) -> Option<BitsPerSec> {
    let entry = entry?;
    let rate = match (entry.value.number(), entry.value.string()) {
        (Some(0.0), _) => return None,
        (Some(number), _) => rate::checked(number, entry.value.written()),
        (None, Some(text)) => match text.trim() {
            "" => return None,
            text if text.bytes().all(|b| b == b'0' || b == b'.') && text.contains('0') => {
                return None;
            }
            text => rate::mbps(text),
        },
        (None, None) => Err(format!("must be a number of Mbps, not {}", entry.value.kind())),
    };
    rate.map_err(|why| {
        report
            .error(entry.line, &key_of(node, entry), why)
            .help("without this key, or with 0, a node has its parent's rate".to_owned());
    })
    .ok()
}

fn validate_text(node: &str, entry: Option<&Entry<'_>>, report: &mut Report<'_>) -> Option<String> {
    let entry = entry?;
    let text = entry.value.string();
    if text.is_none() {
        let why = format!("must be text in quotes, not {}", entry.value.kind());
        report.error(entry.line, &key_of(node, entry), why);
    }
    text
}

fn validate_virtual(node: &RawNode<'_>, report: &mut Report<'_>) -> bool {
    let Some(entry) = &node.is_virtual else {
        let kind = node.kind.as_ref();
        let kind = kind.filter(|kind| kind.value.written().eq_ignore_ascii_case("\"virtual\""));
        if let Some(kind) = kind {
            report
                .warning(
                    kind.line,
                    &key_of(&node.name, kind),
                    "by itself does not make a node virtual",
                )
                .help("add \"virtual\": true if the node is to be shown but not shaped".to_owned());
        }
        return false;
    };
    entry.value.boolean().unwrap_or_else(|| {
        let why = format!("must be true or false, not {}", entry.value.kind());
        report.error(entry.line, &key_of(&node.name, entry), why);
        false
    })
}

fn validate_position(node: &RawNode<'_>, report: &mut Report<'_>) -> Option<(f64, f64)> {
    let latitude = validate_degrees(&node.name, node.latitude.as_ref(), 90.0, report);
    let longitude = validate_degrees(&node.name, node.longitude.as_ref(), 180.0, report);
    match (&node.latitude, &node.longitude) {
        (Some(lone), None) | (None, Some(lone)) => {
            report.warning(
                lone.line,
                &key_of(&node.name, lone),
                "is not used, because a place takes latitude and longitude",
            );
        }
        _ => {}
    }
    latitude.zip(longitude)
}

fn validate_degrees(
    node: &str,
    entry: Option<&Entry<'_>>,
    most: f64,
    report: &mut Report<'_>,
) -> Option<f64> {
    let entry = entry?;
    let number = match entry.value.string() {
        Some(text) => text.trim().parse().ok(),
        None => entry.value.number(),
    };
    let degrees = number.filter(|number| (-most..=most).contains(number));
    if degrees.is_none() {
        report.error(
            entry.line,
            &key_of(node, entry),
            format!("must be a number of degrees from -{most} to {most}"),
        );
    }
    degrees
}

fn key_of(node: &str, entry: &Entry<'_>) -> String {
    format!("{node}.{}", entry.key)
}
