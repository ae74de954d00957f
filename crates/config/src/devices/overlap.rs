//! Addresses that several circuits claim.

use units::IpPrefix;

use super::layout::Column;
use crate::model::Circuit;
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
pub(crate) fn validate_claims(claims: &mut [Claim], circuits: &[Circuit], report: &mut Report<'_>) {
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
