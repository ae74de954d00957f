//! tidegate.toml: from text to sections that are valid in themselves.
//!
//! [`raw`] declares every key once, with its text for the operator, its type and its default; the
//! sample file is printed from the same declaration. [`value`] reads single values, [`time`] those
//! that are times, and [`validate`] turns raw sections into those of the
//! [`Config`](crate::Config), with [`measure`] for the ones about measuring.

mod measure;
mod raw;
mod reference;
mod sample;
mod time;
mod validate;
mod value;

pub(crate) use validate::{Settings, validate};
pub(crate) use value::{leaf_named, leaf_text};

pub use reference::reference;
pub use sample::sample;

use toml::de::DeTable;

use crate::problem::Report;
use crate::source::Lines;

/// Reads tidegate.toml; none when it is no TOML at all.
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Option<raw::RawSettings> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map(|span| lines.at(span.start));
        report.error(line, "", error.message());
    }
    errors.is_empty().then(|| raw::RawSettings::read(table.get_ref(), &lines, report))
}
