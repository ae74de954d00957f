//! Single values of tidegate.toml with the place where they stand.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use units::{BitsPerSec, IpPrefix};

use super::time;
use crate::model::{Diffserv, Leaf};
use crate::nearest::did_you_mean;
use crate::problem::{Problem, Report};
use crate::source::Lines;

/// Whether a key has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Shown as set in the sample; validation says when it is missed.
    Set,
    /// The sample's value holds when the key is missing.
    Default,
    /// The sample's value is an example.
    Optional,
}

/// One key's value, or why there is none.
#[derive(Debug)]
pub(crate) struct Field<T> {
    /// `section.key`.
    pub(crate) key: &'static str,
    /// The line of the key, of its section when the key is missing.
    pub(crate) line: Option<u32>,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
    Missing,
    /// There is one, but it makes no sense; reported.
    Invalid,
    Known(T),
}

impl<T> Field<T> {
    /// The value, given or by default.
    pub(crate) fn get(&self) -> Option<&T> {
        match &self.state {
            State::Known(value) => Some(value),
            State::Missing | State::Invalid => None,
        }
    }

    /// Whether the key is written in the file, with whatever value.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self.state, State::Missing)
    }

    /// The value; that it is missing is an error.
    pub(crate) fn required(&self, report: &mut Report<'_>) -> Option<&T> {
        if matches!(self.state, State::Missing) {
            self.error(report, "is missing");
        }
        self.get()
    }

    /// Notes an error with this key.
    pub(crate) fn error<'r>(
        &self,
        report: &'r mut Report<'_>,
        why: impl Into<String>,
    ) -> &'r mut Problem {
        report.error(self.line, self.key, why)
    }
}

/// One item of a list, with its line.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) line: u32,
    pub(crate) value: T,
}

/// A section while its keys are read.
pub(crate) struct Section<'t> {
    pub(crate) table: Option<&'t DeTable<'t>>,
    /// The line of its header.
    pub(crate) line: Option<u32>,
    pub(crate) lines: &'t Lines,
}

impl Section<'_> {
    /// Reads one key; `sample` is its value's text in the sample file.
    pub(crate) fn field<T: FromToml>(
        &self,
        key: &'static str,
        presence: Presence,
        sample: &str,
        report: &mut Report<'_>,
    ) -> Field<T> {
        let short = key.rsplit('.').next().unwrap_or(key);
        let entry = self
            .table
            .and_then(|table| table.iter().find(|(name, _)| name.get_ref().as_ref() == short));
        if let Some((name, value)) = entry {
            let line = self.lines.at(name.span().start);
            let value = T::from_toml(value, &mut Place { key, lines: self.lines, report });
            return Field {
                key,
                line: Some(line),
                state: value.map_or(State::Invalid, State::Known),
            };
        }
        let state = match presence {
            Presence::Set | Presence::Optional => State::Missing,
            Presence::Default => default_value(key, sample, report),
        };
        Field { key, line: self.line, state }
    }
}

fn default_value<T: FromToml>(key: &str, sample: &str, report: &mut Report<'_>) -> State<T> {
    let lines = Lines::of(sample);
    let value = DeValue::parse(sample).ok();
    value
        .and_then(|value| T::from_toml(&value, &mut Place { key, lines: &lines, report }))
        .map_or(State::Invalid, State::Known)
}

/// Where a value stands, to say so when it is wrong.
pub(crate) struct Place<'l, 'r, 'p> {
    key: &'l str,
    lines: &'l Lines,
    report: &'r mut Report<'p>,
}

impl Place<'_, '_, '_> {
    fn line(&self, value: &Spanned<DeValue<'_>>) -> u32 {
        self.lines.at(value.span().start)
    }

    fn error(&mut self, value: &Spanned<DeValue<'_>>, why: impl Into<String>) -> &mut Problem {
        let line = self.line(value);
        self.report.error(line, self.key, why)
    }
}

/// A type that a value of tidegate.toml can have.
pub(crate) trait FromToml: Sized {
    /// The value, unless it is wrong, which is reported.
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self>;
}

impl FromToml for String {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            place.error(value, format!("must be text in quotes, not {}", described(value)));
        }
        text.map(str::to_owned)
    }
}

impl FromToml for PathBuf {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let path = String::from_toml(value, place)?;
        if path.is_empty() || path.contains('\0') {
            place.error(value, "must name a path");
            return None;
        }
        Some(path.into())
    }
}

impl FromToml for bool {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let state = value.get_ref().as_bool();
        if state.is_none() {
            place.error(value, format!("must be true or false, not {}", described(value)));
        }
        state
    }
}

impl FromToml for i64 {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let Some(number) = value.get_ref().as_integer() else {
            place.error(value, format!("must be a whole number, not {}", described(value)));
            return None;
        };
        let whole = Self::from_str_radix(number.as_str(), number.radix()).ok();
        if whole.is_none() {
            place.error(value, format!("{number} is out of all bounds"));
        }
        whole
    }
}

impl FromToml for BitsPerSec {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(text) => match text.parse() {
                Ok(rate) => return Some(rate),
                Err(error) => place.error(value, format!("{error}")),
            },
            DeValue::Integer(_) | DeValue::Float(_) => place.error(
                value,
                "a bare number has no unit; write it like \"850 Mbps\" or \"2.5 Gbps\"",
            ),
            _ => place.error(
                value,
                format!("must be a rate like \"850 Mbps\", not {}", described(value)),
            ),
        };
        None
    }
}

impl FromToml for Duration {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(text) => match time::parse(text) {
                Ok(time) => return Some(time),
                Err(why) => place.error(value, why),
            },
            DeValue::Integer(_) | DeValue::Float(_) => place.error(
                value,
                "a bare number has no unit; write it like \"30 s\", \"10 min\" or \"1 h\"",
            ),
            _ => place
                .error(value, format!("must be a time like \"10 min\", not {}", described(value))),
        };
        None
    }
}

impl FromToml for IpPrefix {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let text = String::from_toml(value, place)?;
        match text.trim().parse() {
            Ok(prefix) => Some(prefix),
            Err(units::PrefixError::HostBits { network }) => {
                place
                    .error(value, format!("{text:?} has host bits set"))
                    .help(format!("write \"{network}\""));
                None
            }
            Err(error) => {
                place.error(value, error.to_string());
                None
            }
        }
    }
}

impl<T: FromToml> FromToml for Vec<Listed<T>> {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        let Some(items) = value.get_ref().as_array() else {
            place.error(value, format!("must be a list in [ ], not {}", described(value)));
            return None;
        };
        // every item is read, so that every wrong one is reported
        let read: Vec<_> = items
            .iter()
            .map(|item| {
                T::from_toml(item, place).map(|value| Listed { line: place.line(item), value })
            })
            .collect();
        read.into_iter().collect()
    }
}

/// The mode's name, without what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModeName {
    Bridge,
    XdpBridge,
    Stick,
    Observe,
}

impl ModeName {
    const NAMES: [(&'static str, Self); 4] = [
        ("bridge", Self::Bridge),
        ("xdp-bridge", Self::XdpBridge),
        ("stick", Self::Stick),
        ("observe", Self::Observe),
    ];
}

impl FromToml for ModeName {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        named(value, place, &Self::NAMES)
    }
}

const LEAVES: [(&str, Leaf); 8] = [
    ("cake diffserv4", Leaf::Cake(Diffserv::Diffserv4)),
    ("cake diffserv3", Leaf::Cake(Diffserv::Diffserv3)),
    ("cake diffserv8", Leaf::Cake(Diffserv::Diffserv8)),
    ("cake besteffort", Leaf::Cake(Diffserv::Besteffort)),
    ("cake", Leaf::Cake(Diffserv::Diffserv4)),
    ("fq_codel", Leaf::FqCodel),
    ("fifo", Leaf::Fifo),
    ("none", Leaf::None),
];

impl FromToml for Leaf {
    fn from_toml(value: &Spanned<DeValue<'_>>, place: &mut Place<'_, '_, '_>) -> Option<Self> {
        named(value, place, &LEAVES)
    }
}

/// How the settings write a leaf.
pub(crate) fn leaf_text(leaf: Leaf) -> &'static str {
    LEAVES.iter().find_map(|(name, named)| (*named == leaf).then_some(*name)).unwrap_or("none")
}

/// The leaf of this name.
pub(crate) fn leaf_named(text: &str) -> Option<Leaf> {
    LEAVES.iter().find_map(|(name, leaf)| (*name == text).then_some(*leaf))
}

/// Reads one of a few names.
fn named<T: Copy>(
    value: &Spanned<DeValue<'_>>,
    place: &mut Place<'_, '_, '_>,
    names: &[(&str, T)],
) -> Option<T> {
    let text = String::from_toml(value, place)?;
    let found = names.iter().find_map(|(name, named)| (*name == text).then_some(*named));
    if found.is_none() {
        let known: Vec<String> = names.iter().map(|(name, _)| format!("{name:?}")).collect();
        place
            .error(value, format!("{text:?} is none of {}", known.join(", ")))
            .help(did_you_mean(&text, names.iter().map(|(name, _)| *name)));
    }
    found
}

fn described(value: &Spanned<DeValue<'_>>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
