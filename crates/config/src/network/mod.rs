//! network.json: the provider's tree of sites and access points.
//!
//! [`json`] keeps the line of every key, [`raw`] walks the tree, [`validate`] checks its nodes.

mod json;
mod raw;
mod validate;

pub(crate) use validate::{NAME_MAX, Tree};

use crate::problem::Report;
use crate::source::Lines;

/// Reads and validates network.json; none when it is no JSON object at all.
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Option<Tree> {
    let lines = Lines::of(text);
    let nodes = raw::read(text, &lines, report)?;
    Some(validate::validate(&nodes, report))
}
