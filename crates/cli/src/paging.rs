//! Which part of a long table, and in which order.

use bus::CircuitsQuery;
use clap::{Args, ValueEnum};
use units::Direction;

use crate::figures::{count, counted};

/// Which end first.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The smallest first.
    #[arg(long, conflicts_with = "descending")]
    ascending: bool,

    /// The largest first.
    #[arg(long)]
    descending: bool,
}

impl Order {
    /// Whether the largest comes first, where `usual` says what does when nothing is asked for.
    pub(crate) fn descending(&self, usual: bool) -> bool {
        self.descending || (usual && !self.ascending)
    }
}

/// Which direction decides.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// The direction whose figure is compared; both together unless given. RTTs, names and times have none.
    #[arg(long, value_enum, value_name = "DIRECTION")]
    by: Option<ByDirection>,
}

impl By {
    /// The direction; none: both.
    pub(crate) fn direction(&self) -> Option<Direction> {
        self.by.map(Direction::from)
    }
}

/// Which part of a long table.
#[derive(Debug, Args)]
pub(crate) struct Page {
    /// The most rows to show.
    #[arg(long, value_name = "ROWS", default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CircuitsQuery::MAX_LIMIT)))]
    pub(crate) limit: u32,

    /// How many rows to skip.
    #[arg(long, value_name = "ROWS", default_value = "0")]
    pub(crate) offset: u32,
}

/// One of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByDirection {
    /// Towards the customer.
    Download,
    /// Towards the Internet.
    Upload,
}

impl From<ByDirection> for Direction {
    fn from(by: ByDirection) -> Self {
        match by {
            ByDirection::Download => Self::Download,
            ByDirection::Upload => Self::Upload,
        }
    }
}

/// How much of the whole a page shows; `one` names a row.
pub(crate) fn footer(one: &str, shown: usize, matched: u32, total: u32) -> String {
    let (shown, matched, total) = (shown as u64, u64::from(matched), u64::from(total));
    let of_all = if matched == total {
        String::new()
    } else {
        let matches = if matched == 1 { "matches" } else { "match" };
        format!(" that {matches}, {} in all", count(total))
    };
    let more = if shown < matched { " (--limit and --offset show others)" } else { "" };
    format!("{} of {}{of_all}{more}\n", count(shown), counted(matched, one))
}
