//! All circuits.

use std::sync::Arc;

use bus::{CircuitRow, CircuitSort, CircuitsQuery, Topic};
use units::Direction::{self, Download, Upload};

use super::list::Row;
use super::table::{Column, Table};

/// A column of the table of circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitColumn {
    /// Stable identity.
    Id,
    /// Name.
    Name,
    /// Parent node.
    Node,
    /// What goes through now.
    Now(Direction),
    /// Share of the plan in use.
    Share(Direction),
    /// The plan's max rate.
    Plan(Direction),
    /// Bytes waiting.
    Waiting,
    /// Drops a second.
    Drops,
    /// RTT of the customer's side, 90th percentile.
    RttCustomer,
    /// RTT of the Internet side, 90th percentile.
    RttInternet,
    /// Share of TCP segments sent again.
    SentAgain,
    /// Packets marked as congested, a second.
    Marks,
}

impl Column for CircuitColumn {
    const ALL: &'static [Self] = &[
        Self::Id,
        Self::Name,
        Self::Node,
        Self::Now(Download),
        Self::Share(Download),
        Self::Plan(Download),
        Self::Now(Upload),
        Self::Share(Upload),
        Self::Plan(Upload),
        Self::Waiting,
        Self::Drops,
        Self::RttCustomer,
        Self::RttInternet,
        Self::SentAgain,
        Self::Marks,
    ];

    fn sorts(self) -> bool {
        true
    }

    fn descends(self) -> bool {
        !matches!(self, Self::Id | Self::Name | Self::Node)
    }
}

impl CircuitColumn {
    /// What the daemon sorts by, and the direction that it compares.
    fn sort(self) -> (CircuitSort, Option<Direction>) {
        match self {
            Self::Id => (CircuitSort::Id, None),
            Self::Name => (CircuitSort::Name, None),
            Self::Node => (CircuitSort::Node, None),
            Self::Now(direction) => (CircuitSort::Sent, Some(direction)),
            Self::Share(direction) => (CircuitSort::Share, Some(direction)),
            Self::Plan(direction) => (CircuitSort::Plan, Some(direction)),
            Self::Waiting => (CircuitSort::Backlog, None),
            Self::Drops => (CircuitSort::Drops, None),
            Self::RttCustomer => (CircuitSort::RttCustomer, None),
            Self::RttInternet => (CircuitSort::RttInternet, None),
            Self::SentAgain => (CircuitSort::Retransmits, None),
            Self::Marks => (CircuitSort::Marks, None),
        }
    }
}

impl Row for CircuitRow {
    type Id = Arc<str>;

    fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }
}

/// All circuits, or those below a node.
#[derive(Clone, Debug)]
pub struct Circuits {
    /// The table.
    pub table: Table<CircuitRow, CircuitColumn>,
    /// Only circuits at or below the node with this id, and its name.
    pub node: Option<(Arc<str>, Arc<str>)>,
}

impl Default for Circuits {
    /// The fastest download first.
    fn default() -> Self {
        Self { table: Table::by(CircuitColumn::Now(Download)), node: None }
    }
}

impl Circuits {
    /// What to ask for so that `height` rows can be shown.
    pub(super) fn topic(&self, height: u16) -> Topic {
        let table = &self.table;
        let ((offset, limit), (sort, by)) = (table.list.window(height), table.sort.sort());
        Topic::Circuits(CircuitsQuery {
            filter: table.filter.text().to_owned(),
            node: self.node.as_ref().map(|(id, _)| id.to_string()),
            sort,
            by,
            descending: table.descending,
            offset,
            limit,
            ..CircuitsQuery::default()
        })
    }
}
