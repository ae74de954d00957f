//! The keys of lqos.conf, taken one by one so that what is left over is known.

use toml::de::{DeTable, DeValue};

use super::Note;
use crate::problem::Report;
use crate::source::Lines;

/// Tables inside of tables that are read; deeper ones are named as a whole.
const LEVELS_MAX: usize = 8;

/// One key with its value.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) line: u32,
    /// With its sections' names before it.
    pub(super) name: String,
    pub(super) value: Value,
}

/// The value of a key, as far as any of them is used.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
    Texts(Vec<String>),
    Other,
}

/// All keys that were not taken yet.
#[derive(Debug)]
pub(super) struct Settings {
    left: Vec<Key>,
    pub(super) notes: Vec<Note>,
}

impl Settings {
    pub(super) fn read(text: &str, lines: &Lines, report: &mut Report<'_>) -> Option<Self> {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            report.error(error.span().map(|span| lines.at(span.start)), "", error.message());
        }
        let mut left = Vec::new();
        flatten("", root.get_ref(), lines, 1, &mut left);
        left.sort_by_key(|key| key.line);
        errors.is_empty().then_some(Self { left, notes: Vec::new() })
    }

    /// Takes the key of this name.
    pub(super) fn take(&mut self, name: &str) -> Option<Key> {
        let index = self.left.iter().position(|key| key.name == name)?;
        Some(self.left.remove(index))
    }

    /// Takes the key of this name and what `read` makes of its value; a value that it makes
    /// nothing of is noted.
    pub(super) fn take_as<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<(u32, T)> {
        let key = self.take(name)?;
        let value = read(&key.value);
        if value.is_none() {
            self.note(key.line, &key.name, format!("not carried over: it is not {expected}"));
        }
        Some((key.line, value?))
    }

    pub(super) fn take_text(&mut self, name: &str) -> Option<(u32, String)> {
        self.take_as(name, "text", |value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn take_number(&mut self, name: &str) -> Option<(u32, f64)> {
        self.take_as(name, "a number", |value| match value {
            Value::Number(number) if number.is_finite() => Some(*number),
            _ => None,
        })
    }

    pub(super) fn take_truth(&mut self, name: &str) -> Option<(u32, bool)> {
        self.take_as(name, "true or false", |value| match value {
            Value::Truth(truth) => Some(*truth),
            _ => None,
        })
    }

    pub(super) fn take_texts(&mut self, name: &str) -> Option<(u32, Vec<String>)> {
        self.take_as(name, "a list of texts", |value| match value {
            Value::Texts(texts) => Some(texts.clone()),
            _ => None,
        })
    }

    pub(super) fn note(&mut self, line: u32, key: &str, why: impl Into<String>) {
        self.notes.push(Note { line, key: key.to_owned(), why: why.into() });
    }

    /// Notes every key that nobody took, and hands out all notes in the order of the file.
    pub(super) fn into_notes(mut self) -> Vec<Note> {
        for key in std::mem::take(&mut self.left) {
            self.note(key.line, &key.name, format!("not carried over: {}", why_not(&key.name)));
        }
        self.notes.sort_by_key(|note| note.line);
        self.notes
    }
}

fn flatten(prefix: &str, table: &DeTable<'_>, lines: &Lines, level: usize, keys: &mut Vec<Key>) {
    for (name, value) in table {
        let full = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if level < LEVELS_MAX => {
                flatten(&format!("{full}."), inner, lines, level + 1, keys);
            }
            value => keys.push(Key {
                line: lines.at(name.span().start),
                name: full,
                value: convert(value),
            }),
        }
    }
}

fn convert(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other, |number| Value::Number(number as f64)),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Other, Value::Number),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map_or(Value::Other, Value::Texts),
        DeValue::Datetime(_) | DeValue::Table(_) => Value::Other,
    }
}

/// Why a key has no counterpart. The first rule whose name the key begins with holds, but for what brings
/// subscribers from elsewhere: each such section has the name of its source.
fn why_not(key: &str) -> &'static str {
    const REASONS: [(&str, &str); 17] = [
        ("version", "it names the format of the imported file"),
        ("node_id", "Tidegate does not identify itself to a service"),
        ("node_name", "Tidegate has no name for the box; the host's name serves"),
        ("packet_capture_time", "a capture's length is given with each capture"),
        ("bridge.mtu", "the cards keep the MTU that the system gave them"),
        (
            "queues.generated_pn_",
            "circuits without a parent need no made-up parents; the plan spreads them over the queues",
        ),
        ("queues.use_binpacking", "the plan always packs top-level nodes on queues by their load"),
        (
            "queues.lazy_",
            "lazy_after in [queues] says after what silence circuits give their classes back",
        ),
        ("queues.monitor_only", "queues.queue_mode says it already"),
        ("queues.", "Tidegate has no such setting"),
        (
            "tuning.",
            "`tidegate tune` shows what cards and kernel should be set to, and sets it when asked",
        ),
        ("influxdb.", "a monitoring system reads figures from the listener of [metrics]"),
        ("flows.netflow_", "Tidegate does not export flows"),
        ("flows.do_not_track_subnets", "flows of all hosts are measured"),
        ("flows.", "Tidegate has no such setting"),
        ("bridge.", "the mode in use does not need it"),
        ("single_interface.", "the mode in use does not need it"),
    ];
    if key.contains("_integration.") {
        return "a script with Tidegate's Python package brings subscribers from a CRM";
    }
    REASONS
        .iter()
        .find_map(|(name, why)| key.starts_with(name).then_some(*why))
        .unwrap_or("Tidegate has no such setting")
}
