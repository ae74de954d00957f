//! Flows.

use bus::{FlowKey, FlowRow, FlowSort, FlowsQuery, Topic};
use units::Direction::{self, Download, Upload};

use super::list::Row;
use super::table::{Column, Table};

/// A column of the table of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowColumn {
    /// The circuit's id.
    Circuit,
    /// Protocol.
    Protocol,
    /// The customer's end.
    Customer,
    /// The other end.
    Internet,
    /// Whom the other end belongs to.
    Origin,
    /// The rate now.
    Now(Direction),
    /// Bytes since it began.
    Bytes,
    /// RTT of the customer's side.
    RttCustomer,
    /// RTT of the Internet side.
    RttInternet,
    /// Share of TCP segments sent again.
    SentAgain,
    /// How long ago it began.
    Age,
    /// How long ago its last packet came.
    Silent,
}

impl Column for FlowColumn {
    const ALL: &'static [Self] = &[
        Self::Circuit,
        Self::Protocol,
        Self::Customer,
        Self::Internet,
        Self::Origin,
        Self::Now(Download),
        Self::Now(Upload),
        Self::Bytes,
        Self::RttCustomer,
        Self::RttInternet,
        Self::SentAgain,
        Self::Age,
        Self::Silent,
    ];

    fn sorts(self) -> bool {
        self.sort().is_some()
    }

    fn descends(self) -> bool {
        true
    }
}

impl FlowColumn {
    /// What the daemon sorts by, and the direction that it compares.
    fn sort(self) -> Option<(FlowSort, Option<Direction>)> {
        match self {
            Self::Circuit | Self::Protocol | Self::Customer | Self::Internet | Self::Origin => None,
            Self::Now(direction) => Some((FlowSort::Rate, Some(direction))),
            Self::Bytes => Some((FlowSort::Bytes, None)),
            Self::RttCustomer => Some((FlowSort::RttCustomer, None)),
            Self::RttInternet => Some((FlowSort::RttInternet, None)),
            Self::SentAgain => Some((FlowSort::Retransmits, None)),
            Self::Age => Some((FlowSort::FirstSeen, None)),
            Self::Silent => Some((FlowSort::LastSeen, None)),
        }
    }
}

impl Row for FlowRow {
    /// A flow that begins anew with the same ends is another, as among recent ones both may be listed.
    type Id = (FlowKey, u64);

    fn id(&self) -> Self::Id {
        // the moment of its first packet, in seconds before its last: the same in each view of an ended flow
        let lasted = self.first_seen_ms_ago.saturating_sub(self.last_seen_ms_ago) / 1_000;
        (self.key, if self.state == bus::FlowState::Open { 0 } else { lasted })
    }
}

/// Flows.
#[derive(Clone, Debug)]
pub struct Flows {
    /// The table.
    pub table: Table<FlowRow, FlowColumn>,
    /// Instead of those in the daemon's table, those that left it lately.
    pub recent: bool,
}

impl Default for Flows {
    /// The fastest download first.
    fn default() -> Self {
        Self { table: Table::by(FlowColumn::Now(Download)), recent: false }
    }
}

impl Flows {
    /// What to ask for so that `height` rows can be shown, of one circuit or of all.
    pub(super) fn topic(&self, height: u16, circuit: Option<String>) -> Topic {
        let table = &self.table;
        let (offset, limit) = table.list.window(height);
        let (sort, by) = table.sort.sort().unwrap_or_default();
        Topic::Flows(FlowsQuery {
            filter: table.filter.text().to_owned(),
            circuit,
            recent: self.recent,
            sort,
            by,
            descending: table.descending,
            offset,
            limit,
            ..FlowsQuery::default()
        })
    }
}
