//! What happened, for those who look, and every change for the audit log.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bus::{Cause, EventKind, EventRow, EventsPage, EventsQuery, Severity};
use collect::clock::unix_ns;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

/// Changes that may wait to be written down.
const WAITING_MAX: usize = 1_024;

/// Bytes of an event's text: a thousand events are never more than a few megabytes.
const TEXT_MAX: usize = 4_096;

/// For how long the same refusal of the same user is not told again.
const REFUSED_AGAIN: Duration = Duration::from_secs(60);

/// Different refusals that are told in that time.
const REFUSALS_MAX: usize = 64;

/// The newest events, and those that wait to be written down.
#[derive(Debug)]
pub struct Events {
    kept: Mutex<Kept>,
    refusals: Mutex<HashMap<(u32, &'static str), Instant>>,
    audit: Option<Sender<EventRow>>,
    /// Changes that could not be written down.
    pub unwritten: AtomicU64,
    /// Why they cannot be; none when they can.
    pub audit_problem: ArcSwapOption<String>,
}

#[derive(Debug, Default)]
struct Kept {
    rows: VecDeque<EventRow>,
    newest: u64,
    generation: u64,
}

impl Events {
    /// Without events. What comes is to be written down by whoever has the other end; nowhere where there is
    /// no audit log.
    pub fn new(is_audited: bool) -> (Self, Option<Receiver<EventRow>>) {
        let (sender, receiver) = bounded(WAITING_MAX);
        let events = Self {
            kept: Mutex::default(),
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
        let mut kept = self.kept.lock();
        kept.newest += 1;
        let row = EventRow {
            number: kept.newest,
            unix_ms: unix_ns() / 1_000_000,
            kind,
            severity,
            text: short(text.into()),
            cause,
            generation: kept.generation,
        };
        if let Some(audit) = self.audit.as_ref().filter(|_| is_audited(kind)) {
            // under the lock, so that the file has them in order
            if audit.try_send(row.clone()).is_err() {
                self.unwritten.fetch_add(1, Ordering::Relaxed);
            }
        }
        if kept.rows.len() == EventsQuery::MAX_LIMIT as usize {
            kept.rows.pop_front();
        }
        kept.rows.push_back(row);
    }

    /// Whether this user's request of this name was not refused just now: who asks again and again must not drive
    /// out what else happened.
    pub fn is_new_refusal(&self, uid: u32, what: &'static str) -> bool {
        let mut refusals = self.refusals.lock();
        refusals.retain(|_, at| at.elapsed() < REFUSED_AGAIN);
        if refusals.len() >= REFUSALS_MAX {
            return false;
        }
        match refusals.entry((uid, what)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(Instant::now());
                true
            }
        }
    }

    /// Those that the query asks for.
    pub fn page(&self, tick: u64, query: &EventsQuery) -> EventsPage {
        let filter = query.filter.to_lowercase();
        let matches = |row: &&EventRow| {
            row.number > query.after
                && row.severity >= query.severity_min
                && (query.kinds.is_empty() || query.kinds.contains(&row.kind))
                && (filter.is_empty()
                    || row.text.to_lowercase().contains(&filter)
                    || row.cause.to_string().to_lowercase().contains(&filter))
        };
        let kept = self.kept.lock();
        let mut rows: Vec<_> = kept.rows.iter().filter(matches).collect();
        let matched = rows.len();
        rows.drain(..matched.saturating_sub(query.limit as usize));
        EventsPage {
            tick,
            oldest: kept.rows.front().map_or(0, |row| row.number),
            newest: kept.newest,
            matched: matched as u32,
            rows: rows.into_iter().cloned().collect(),
        }
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
        let (events, _) = Events::new(false);
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
    fn a_text_without_end_is_cut_between_letters() {
        let (events, _) = Events::new(false);
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
        let (events, waiting) = Events::new(true);
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
