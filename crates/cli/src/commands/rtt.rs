//! `tidegate rtt`: how RTTs are spread.

use std::path::Path;

use bus::{RttBin, RttGroup, RttPage, RttQuery, RttRow, RttSort, Topic, View};
use clap::{Args, ValueEnum};
use comfy_table::Cell;
use units::{PerSegment, Segment};

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{count, duration, milliseconds};
use crate::output::{Look, Output};
use crate::paging::{Order, Page, footer};
use crate::quality::percentiles;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, fitted, table, text};

/// Columns of the longest bar.
const BAR_MAX: u64 = 40;

/// Whose RTTs, in which order.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whose. The box's without it, or the circuits' where some are asked for.
    #[arg(value_enum, value_name = "GROUP")]
    group: Option<Group>,

    /// What orders them. Names ascend, figures descend unless said otherwise.
    #[arg(long, value_enum, value_name = "KEY", default_value = "p90")]
    sort: SortKey,

    /// The side that is compared.
    #[arg(long, value_enum, value_name = "SIDE", default_value = "customer")]
    side: Side,

    #[command(flatten)]
    order: Order,

    /// Only those with this text in the id or the name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Only those at or below this node, given by name or id.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,

    /// Only those with at least as many samples on the side that is compared.
    #[arg(long, value_name = "COUNT", default_value = "0")]
    samples: u32,

    /// Also draw how the box's RTTs are spread.
    #[arg(long)]
    histogram: bool,

    #[command(flatten)]
    page: Page,

    #[command(flatten)]
    watch: Watch,
}

/// Whose RTTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Of all circuits together.
    Box,
    /// Of each node, everything below included.
    Nodes,
    /// Of each circuit.
    Circuits,
}

/// A part of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    /// From here to the customer and back.
    Customer,
    /// From here into the Internet and back.
    Internet,
}

/// What orders RTTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 99th percentile.
    P99,
    /// How many samples.
    Samples,
    /// Name.
    Name,
}

impl From<SortKey> for RttSort {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::P50 => Self::P50,
            SortKey::P90 => Self::P90,
            SortKey::P99 => Self::P99,
            SortKey::Samples => Self::Samples,
            SortKey::Name => Self::Name,
        }
    }
}

/// Shows RTTs.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let some = !options.filter.is_empty() || options.node.is_some() || options.samples > 0;
    if some && options.group == Some(Group::Box) {
        return Err(Failure::BoxOnly);
    }
    let group = options.group.unwrap_or(if some { Group::Circuits } else { Group::Box });
    let query = RttQuery {
        group: match group {
            Group::Box => RttGroup::Box,
            Group::Nodes => RttGroup::Nodes,
            Group::Circuits => RttGroup::Circuits,
        },
        filter: options.filter.clone(),
        node: options.node.clone(),
        segment: match options.side {
            Side::Customer => Segment::Customer,
            Side::Internet => Segment::Internet,
        },
        samples_min: options.samples,
        sort: options.sort.into(),
        descending: options.order.descending(options.sort != SortKey::Name),
        offset: options.page.offset,
        limit: options.page.limit,
        histogram: options.histogram,
    };
    read::<RttPage>(socket, Topic::Rtt(query), options.watch.watch, output)
}

const HEADS: [Head; 11] = [
    Head::Text("id"),
    Head::Text("name"),
    Head::Text("node"),
    Head::Figure("customer p50"),
    Head::Figure("customer p90"),
    Head::Figure("customer p99"),
    Head::Figure("customer samples"),
    Head::Figure("Internet p50"),
    Head::Figure("Internet p90"),
    Head::Figure("Internet p99"),
    Head::Figure("Internet samples"),
];

/// What is left out first where there is no room.
const SPARE: [&str; 5] = ["node", "Internet samples", "customer samples", "Internet p99", "name"];

impl Shown for RttPage {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Rtt(page) => Some(page),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut shown =
            format!("RTT of the last {}, waiting in this box included\n", duration(self.window_ms));
        match &self.rows[..] {
            [whole] if whole.id.is_empty() => shown.push_str(&sides(&whole.rtt)),
            rows => {
                shown.push('\n');
                shown.push_str(&fitted(&HEADS, &SPARE, rows.iter().map(row), look));
                shown.push('\n');
                shown.push_str(&footer("row", rows.len(), self.matched, self.total));
            }
        }
        if let Some(histogram) = &self.histogram {
            for segment in Segment::ALL {
                shown.push_str(&format!("\n{} of the whole box\n", title(segment)));
                shown.push_str(&bars(&histogram[segment], look));
            }
        }
        shown
    }
}

fn title(segment: Segment) -> &'static str {
    match segment {
        Segment::Customer => "Customers' side",
        Segment::Internet => "Internet side",
    }
}

fn sides(rtt: &PerSegment<Option<bus::RttPercentiles>>) -> String {
    let line = |segment| format!("{}: {}\n", title(segment), percentiles(rtt[segment]));
    Segment::ALL.map(line).concat()
}

fn row(it: &RttRow) -> Vec<Cell> {
    let mut cells = vec![text(&it.id), text(&it.name), text(it.node.as_deref().unwrap_or("-"))];
    for segment in Segment::ALL {
        let rtt = it.rtt[segment];
        let shown = |of: fn(bus::RttPercentiles) -> u64| figure(milliseconds(rtt.map(of)));
        cells.extend([shown(|rtt| rtt.p50_us), shown(|rtt| rtt.p90_us), shown(|rtt| rtt.p99_us)]);
        cells.push(figure(count(rtt.map_or(0, |rtt| rtt.samples))));
    }
    cells
}

/// A bar for each bin, the longest of them [`BAR_MAX`] columns.
fn bars(bins: &[RttBin], look: &Look) -> String {
    const HEADS: [Head; 3] = [Head::Figure("from"), Head::Figure("samples"), Head::Text("")];
    let Some(most) = bins.iter().map(|bin| bin.samples).max().filter(|most| *most > 0) else {
        return "no samples\n".to_owned();
    };
    let row = |bin: &RttBin| {
        // a bin with samples shows; the product cannot be larger than of 128 bits
        let columns = (u128::from(bin.samples) * u128::from(BAR_MAX)).div_ceil(u128::from(most));
        vec![
            figure(milliseconds(Some(bin.from_us))),
            figure(count(bin.samples)),
            text(&"█".repeat(columns as usize)),
        ]
    };
    table(&HEADS, bins.iter().map(row), look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_none_is_lost() {
        let bin = |from_us, samples| RttBin { from_us, to_us: None, samples };
        let look = Look { size: None, colour: false };
        let shown = bars(&[bin(0, 1), bin(1_000, u64::MAX), bin(2_000, u64::MAX / 2)], &look);
        let lengths: Vec<usize> =
            shown.lines().skip(1).map(|line| line.matches('█').count()).collect();
        assert_eq!(lengths, [1, 40, 20]);
        assert_eq!(bars(&[], &look), "no samples\n");
    }
}
