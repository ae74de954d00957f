//! What happened, for those who look, and every change for the audit log.

mod file;
mod refusals;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use bus::{Cause, EventKind, EventRow, EventsPage, EventsQuery, Severity};
use collect::clock::unix_ns;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

pub use file::EventsFile;
use refusals::Refusals;

/// Changes that may wait to be written down.
const WAITING_MAX: usize = 1_024;

/// Bytes of an event's text: a thousand events are never more than a few megabytes.
const TEXT_MAX: usize = 4_096;

/// The newest events, and those that wait to be written down.
#[derive(Debug)]
pub struct Events {
    kept: Mutex<Kept>,
    refusals: Mutex<Refusals>,
    audit: Option<Sender<Arc<EventRow>>>,
    /// Changes that could not be written down.
    pub unwritten: AtomicU64,
    /// Why they cannot be; none when they can.
    pub audit_problem: ArcSwapOption<String>,
}

#[derive(Debug, Default)]
struct Kept {
    rows: VecDeque<Arc<EventRow>>,
    newest: u64,
    generation: u64,
}

impl Events {
    /// What comes after these rows, whose numbers go on. What is audited is to be written down by whoever has the
    /// other end; nowhere where there is no audit log.
    pub fn new(rows: Vec<EventRow>, is_audited: bool) -> (Self, Option<Receiver<Arc<EventRow>>>) {
        let (sender, receiver) = bounded(WAITING_MAX);
        let newest = rows.last().map_or(0, |row| row.number);
        let rows = rows.into_iter().map(Arc::new).collect();
        let events = Self {
            kept: Mutex::new(Kept { rows, newest, generation: 0 }),
            refusals: Mutex::default(),
            audit: is_audited.then_some(sender),
            unwritten: AtomicU64::new(0),
            audit_problem: ArcSwapOption::empty(),
        };
        (events, is_audited.then_some(receiver))
    }

    /// From now on this configuration is in force.
    pub fn set_generation(&self, generation: u64) {
        self.kept.lock().generation = generation;
    }

    /// Remembers an event.
    pub fn tell(&self, kind: EventKind, severity: Severity, cause: Cause, text: impl Into<String>) {
        let text = short(text.into());
        let mut kept = self.kept.lock();
        kept.newest += 1;
        let row = Arc::new(EventRow {
            number: kept.newest,
            unix_ms: unix_ns() / 1_000_000,
            kind,
            severity,
            text,
            cause,
            generation: kept.generation,
        });
        if let Some(audit) = self.audit.as_ref().filter(|_| is_audited(kind)) {
            // under the lock, so that the file has them in order
            if audit.try_send(Arc::clone(&row)).is_err() {
                self.unwritten.fetch_add(1, Ordering::Relaxed);
            }
        }
        if kept.rows.len() == EventsQuery::MAX_LIMIT as usize {
            kept.rows.pop_front();
        }
        kept.rows.push_back(row);
    }

    /// Whether this user's request of this name was not refused just now. One that was is counted, and told of
    /// by [`Events::look_at_refusals`].
    pub fn is_new_refusal(&self, uid: u32, what: &'static str) -> bool {
        self.refusals.lock().is_new(uid, what, Instant::now())
    }

    /// Tells of refusals that were only counted, when their time is over.
    pub fn look_at_refusals(&self) {
        if self.refusals.lock().are_over(Instant::now()) {
            self.end_refusals();
        }
    }

    /// Tells of refusals that were only counted.
    pub fn end_refusals(&self) {
        let now = Instant::now();
        let ended = std::mem::take(&mut *self.refusals.lock());
        if let Some(text) = ended.untold(now) {
            self.tell(EventKind::Refusal, Severity::Warning, Cause::Daemon, text);
        }
    }

    /// All that are kept.
    pub fn rows(&self) -> Vec<Arc<EventRow>> {
        self.kept.lock().rows.iter().cloned().collect()
    }

    /// Those that the query asks for. Nobody who tells of something waits while they are chosen.
    pub fn page(&self, tick: u64, query: &EventsQuery) -> EventsPage {
        let (oldest, newest, mut rows) = {
            let kept = self.kept.lock();
            let after = kept.rows.iter().rev().take_while(|row| row.number > query.after);
            let oldest = kept.rows.front().map_or(0, |row| row.number);
            (oldest, kept.newest, after.cloned().collect::<Vec<_>>())
        };
        let filter = query.filter.to_lowercase();
        // a query may name each kind very often
        let is_wanted = |kind: &EventKind| query.kinds.is_empty() || query.kinds.contains(kind);
        let kinds: Vec<_> = EventKind::ALL.into_iter().filter(is_wanted).collect();
        rows.retain(|row| {
            row.severity >= query.severity_min
                && kinds.contains(&row.kind)
                && (filter.is_empty()
                    || row.text.to_lowercase().contains(&filter)
                    || row.cause.to_string().to_lowercase().contains(&filter))
        });
        let matched = rows.len() as u32;
        rows.truncate(query.limit as usize);
        let rows = rows.iter().rev().map(|row| EventRow::clone(row)).collect();
        EventsPage { tick, oldest, newest, matched, rows }
    }
}

/// The text, cut where it has no end.
fn short(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push_str(" ...");
    }
    text
}

/// Whether it is a change, or somebody's attempt at one.
const fn is_audited(kind: EventKind) -> bool {
    match kind {
        EventKind::Daemon
        | EventKind::Configuration
        | EventKind::Bypass
        | EventKind::Capture
        | EventKind::Refusal => true,
        EventKind::Kernel | EventKind::Nic | EventKind::Thread | EventKind::Table => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: u64) -> Events {
        let (events, _) = Events::new(Vec::new(), false);
        for number in 1..=count {
            let kind = if number % 2 == 0 { EventKind::Nic } else { EventKind::Bypass };
            events.set_generation(number);
            events.tell(kind, Severity::Info, Cause::Signal, format!("Event {number}"));
        }
        events
    }

    fn numbers(page: &EventsPage) -> Vec<u64> {
        page.rows.iter().map(|row| row.number).collect()
    }

    #[test]
    fn the_newest_are_kept_and_counted_on() {
        let page = told(1_003).page(9, &EventsQuery { limit: 2, ..EventsQuery::default() });
        assert_eq!((page.tick, page.oldest, page.newest, page.matched), (9, 4, 1_003, 1_000));
        assert_eq!(numbers(&page), [1_002, 1_003]);
        assert_eq!(page.rows[1].generation, 1_003);
    }

    #[test]
    fn numbers_go_on_after_those_of_the_daemon_before() {
        let rows = told(1_003).rows().iter().map(|row| EventRow::clone(row)).collect();
        let (events, _) = Events::new(rows, false);
        events.tell(EventKind::Daemon, Severity::Info, Cause::Daemon, "ready");
        let page = events.page(0, &EventsQuery { after: 1_002, ..EventsQuery::default() });
        assert_eq!((page.oldest, page.newest), (5, 1_004));
        assert_eq!(numbers(&page), [1_003, 1_004]);
    }

    #[test]
    fn refusals_that_were_only_counted_are_told_in_one_row_and_audited() {
        let (events, waiting) = Events::new(Vec::new(), true);
        for _ in 0..5 {
            events.is_new_refusal(1_000, "reload");
        }
        events.look_at_refusals();
        assert_eq!(events.rows().len(), 0, "their time is not over");
        events.end_refusals();
        events.end_refusals();
        let row = waiting.unwrap().try_recv().unwrap();
        assert_eq!(row.text, "refused: 4 further requests within 0 s");
        assert_eq!(events.rows(), [row]);
        assert!(events.is_new_refusal(1_000, "reload"), "a new time has begun");
    }

    #[test]
    fn a_text_without_end_is_cut_between_letters() {
        let (events, _) = Events::new(Vec::new(), false);
        events.tell(EventKind::Nic, Severity::Info, Cause::Daemon, "é".repeat(TEXT_MAX));
        let page = events.page(0, &EventsQuery::default());
        assert_eq!(page.rows[0].text, "é".repeat(TEXT_MAX / 2) + " ...");
    }

    #[test]
    fn queries_choose() {
        let events = told(9);
        let query = |query| numbers(&events.page(0, &query));
        let all = EventsQuery::default;
        assert_eq!(query(EventsQuery { after: 7, ..all() }), [8, 9]);
        assert_eq!(query(EventsQuery { kinds: vec![EventKind::Nic], ..all() }), [2, 4, 6, 8]);
        assert_eq!(query(EventsQuery { filter: "eVENT 3".into(), ..all() }), [3]);
        assert_eq!(query(EventsQuery { filter: "signal".into(), limit: 1, ..all() }), [9]);
        assert_eq!(
            query(EventsQuery { severity_min: Severity::Error, ..all() }),
            Vec::<u64>::new()
        );
    }

    #[test]
    fn changes_wait_to_be_written_and_what_finds_no_room_is_counted() {
        let (events, waiting) = Events::new(Vec::new(), true);
        let waiting = waiting.unwrap();
        events.tell(EventKind::Thread, Severity::Warning, Cause::Daemon, "late");
        events.tell(EventKind::Bypass, Severity::Warning, Cause::Signal, "on");
        assert_eq!(waiting.try_recv().unwrap().number, 2);
        for _ in 0..=WAITING_MAX {
            events.tell(EventKind::Refusal, Severity::Warning, Cause::Daemon, "no");
        }
        assert_eq!(events.unwritten.load(Ordering::Relaxed), 1);
    }
}
