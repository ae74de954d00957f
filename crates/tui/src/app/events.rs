//! What happened, the newest first.

use bus::{EventRow, EventsPage, EventsQuery, Severity, Topic};

use super::field::Field;
use super::list::{List, Row};

/// Events that are remembered: as many as the daemon keeps.
const KEPT: usize = EventsQuery::MAX_LIMIT as usize;

impl Row for EventRow {
    type Id = u64;

    fn id(&self) -> u64 {
        self.number
    }
}

/// What happened, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The events.
    pub list: List<EventRow>,
    /// Only events that are at least so severe.
    pub severity_min: Severity,
    /// Only events with this text.
    pub filter: Field,
}

impl Events {
    /// What to ask for.
    pub(super) fn topic(&self) -> Topic {
        Topic::Events(EventsQuery {
            severity_min: self.severity_min,
            filter: self.filter.text().to_owned(),
            limit: EventsQuery::MAX_LIMIT,
            ..EventsQuery::default()
        })
    }

    /// Takes the first view of a subscription, which has all that are kept, or a later one, which has
    /// what came since.
    pub(super) fn receive(&mut self, page: EventsPage, is_first: bool, height: u16) {
        if page.rows.is_empty() && !is_first {
            return;
        }
        let mut rows: Vec<EventRow> = page.rows.into_iter().rev().collect();
        if !is_first {
            rows.extend(self.list.rows().iter().cloned());
        }
        rows.truncate(KEPT);
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.list.receive(0, rows, count, count, height);
    }

    /// Leaves out what is less severe than warnings, then what is less severe than errors, then nothing.
    pub(super) fn next_severity(&mut self) {
        self.severity_min = match self.severity_min {
            Severity::Info => Severity::Warning,
            Severity::Warning => Severity::Error,
            Severity::Error => Severity::Info,
        };
        self.list.rewind();
    }
}
