//! The addresses that rows claim for their circuits, held against each other, the ranges and the
//! limits.

use units::IpPrefix;

use super::layout::Column;
use crate::model::{Circuit, Limits, Ranges};
use crate::prefix::RangeSet;
use crate::problem::Report;

/// One row's claim to an address block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) prefix: IpPrefix,
    pub(crate) line: u32,
    /// Index of the circuit.
    pub(crate) circuit: usize,
}

/// Reports every block that shares addresses with another circuit's, once each, in the time that
/// sorting takes: in ascending order, the blocks around an address form a stack.
pub(crate) fn validate_overlaps(
    claims: &mut [Claim],
    circuits: &[Circuit],
    report: &mut Report<'_>,
) {
    claims.sort_unstable();
    let mut around: Vec<Claim> = Vec::new();
    for claim in claims.iter() {
        while around.last().is_some_and(|outer| !outer.prefix.overlaps(claim.prefix)) {
            around.pop();
        }
        if let Some(outer) = around.iter().rev().find(|outer| outer.circuit != claim.circuit) {
            report_overlap(*outer, *claim, circuits, report);
        }
        // equal blocks are not stacked, so that the stack is no deeper than an address is long
        if around.last().is_none_or(|last| last.prefix != claim.prefix) {
            around.push(*claim);
        }
    }
}

/// Reports at the later row.
fn report_overlap(a: Claim, b: Claim, circuits: &[Circuit], report: &mut Report<'_>) {
    let (first, second) = if a.line <= b.line { (a, b) } else { (b, a) };
    let column = if second.prefix.addr().is_ipv4() { Column::Ipv4 } else { Column::Ipv6 };
    let holder = &circuits[first.circuit].id;
    let why = if first.prefix == second.prefix {
        format!(
            "{} also belongs to circuit {:?} in line {}",
            second.prefix,
            holder.as_str(),
            first.line
        )
    } else {
        format!(
            "{} overlaps {} of circuit {:?} in line {}",
            second.prefix,
            first.prefix,
            holder.as_str(),
            first.line
        )
    };
    report.error(second.line, column.title(), why);
}

/// Warns of blocks that the ranges leave out.
pub(crate) fn validate_against_ranges(claims: &[Claim], ranges: &Ranges, report: &mut Report<'_>) {
    let customers = RangeSet::new(&ranges.customers);
    let ignored = RangeSet::new(&ranges.ignored);
    for claim in claims {
        let prefix = claim.prefix;
        let column = if prefix.addr().is_ipv4() { Column::Ipv4 } else { Column::Ipv6 };
        if let Some(range) = ignored.holding(prefix) {
            let why = format!("{prefix} lies in {range}, which ranges.ignored leaves alone");
            report
                .warning(claim.line, column.title(), why)
                .help("the device is shaped all the same".to_owned());
        }
        if !customers.is_empty() && customers.holding(prefix).is_none() {
            let why = format!("{prefix} lies outside of ranges.customers");
            report
                .warning(claim.line, column.title(), why)
                .help("the device is shaped all the same".to_owned());
        }
    }
}

/// Reports what does not fit into the kernel's tables.
pub(crate) fn validate_limits(
    claims: &[Claim],
    circuits: usize,
    ranges: Option<&Ranges>,
    limits: Limits,
    report: &mut Report<'_>,
) {
    let hosts = claims.iter().filter(|claim| claim.prefix.is_host()).count();
    let ranged = ranges.map_or(0, |ranges| ranges.customers.len() + ranges.ignored.len());
    let prefixes = claims.len() - hosts + ranged;
    for (key, what, count, limit) in [
        ("circuits", "circuits", circuits, limits.circuits),
        ("hosts", "single addresses", hosts, limits.hosts),
        ("prefixes", "address blocks, ranges included,", prefixes, limits.prefixes),
    ] {
        if count > limit as usize {
            report
                .error(
                    None,
                    "",
                    format!("{count} {what} are more than limits.{key}, which is {limit}"),
                )
                .help(format!("raise `{key}` in section [limits] of tidegate.toml"));
        }
    }
}
