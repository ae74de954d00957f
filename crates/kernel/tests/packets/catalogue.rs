//! How the tables' frames are made.
use crate::case::Case;
use std::ops::RangeInclusive;
/// x
pub(crate) struct Table { /// x
 pub name: &'static str, /// x
 pub comment: &'static str, /// x
 pub cases: Vec<(Case, RangeInclusive<usize>)> }
/// x
pub(crate) fn tables() -> Vec<Table> { Vec::new() }
