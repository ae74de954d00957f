//! Notices what is worth an event in what is only measured: threads that are late, tables that fill up.

use bus::{EventKind, Severity};
use state::MapFill;
use supervisor::{ThreadReport, ThreadState};

/// A table that is fuller than this is told of, in percent,
const NEARLY_FULL: u64 = 90;

/// and told of again when it is emptier than this.
const ROOM_AGAIN: u64 = 80;

/// What was so when it was looked last.
#[derive(Debug, Default)]
pub struct Notices {
    threads: Vec<ThreadReport>,
    full: Vec<&'static str>,
}

/// An event.
pub type Notice = (EventKind, Severity, String);

impl Notices {
    /// What has become otherwise.
    pub fn look(&mut self, threads: Vec<ThreadReport>, tables: &[MapFill]) -> Vec<Notice> {
        let mut notices = Vec::new();
        for thread in &threads {
            let before = self.threads.iter().find(|before| before.name == thread.name);
            notices.extend(before.and_then(|before| of_thread(before, thread)));
        }
        self.threads = threads;
        for table in tables.iter().filter(|table| table.capacity > 0) {
            notices.extend(self.of_table(table));
        }
        notices
    }

    fn of_table(&mut self, table: &MapFill) -> Option<Notice> {
        let percent = table.used * 100 / table.capacity;
        let MapFill { name, used, capacity } = table;
        match self.full.iter().position(|full| full == name) {
            None if percent >= NEARLY_FULL => {
                self.full.push(name);
                let text = format!(
                    "the table {name} is nearly full: {used} of {capacity}; [limits] makes it larger"
                );
                Some((EventKind::Table, Severity::Warning, text))
            }
            Some(place) if percent < ROOM_AGAIN => {
                self.full.swap_remove(place);
                let text = format!("the table {name} has room again: {used} of {capacity}");
                Some((EventKind::Table, Severity::Info, text))
            }
            _ => None,
        }
    }
}

fn of_thread(before: &ThreadReport, now: &ThreadReport) -> Option<Notice> {
    let name = &now.name;
    let why = || now.last_exit.as_ref().map_or_else(String::new, |exit| format!(": {exit}"));
    let (severity, text) = if now.restarts > before.restarts {
        (Severity::Warning, format!("thread {name} was started again{}", why()))
    } else {
        match (before.state, now.state) {
            (ThreadState::Stale, ThreadState::Running) => {
                (Severity::Info, format!("thread {name} goes on"))
            }
            (before, ThreadState::Stale) if before != ThreadState::Stale => {
                let late = now.heartbeat_age.as_secs();
                (Severity::Error, format!("thread {name} has shown no sign of life for {late} s"))
            }
            (before, ThreadState::Ended) if before != ThreadState::Ended => {
                (Severity::Warning, format!("thread {name} ended{}", why()))
            }
            _ => return None,
        }
    };
    Some((EventKind::Thread, severity, text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn thread(state: ThreadState, restarts: u32) -> ThreadReport {
        ThreadReport {
            name: "flows".to_owned(),
            essential: false,
            state,
            heartbeat_age: Duration::from_secs(7),
            restarts,
            last_exit: None,
        }
    }

    fn told(notices: &[Notice]) -> Vec<&str> {
        notices.iter().map(|(_, _, text)| text.as_str()).collect()
    }

    #[test]
    fn threads_are_told_of_when_they_change() {
        let mut notices = Notices::default();
        let mut look = |state, restarts| notices.look(vec![thread(state, restarts)], &[]);
        assert!(look(ThreadState::Running, 0).is_empty());
        assert_eq!(
            told(&look(ThreadState::Stale, 0)),
            ["thread flows has shown no sign of life for 7 s"]
        );
        assert!(look(ThreadState::Stale, 0).is_empty(), "once");
        assert_eq!(told(&look(ThreadState::Running, 0)), ["thread flows goes on"]);
        assert!(look(ThreadState::BackingOff, 0).is_empty());
        assert_eq!(told(&look(ThreadState::Running, 1)), ["thread flows was started again"]);
        assert_eq!(told(&look(ThreadState::Ended, 1)), ["thread flows ended"]);
    }

    #[test]
    fn tables_are_told_of_when_they_fill_up_and_when_they_have_room() {
        let mut notices = Notices::default();
        let mut look =
            |used| notices.look(Vec::new(), &[MapFill { name: "hosts", used, capacity: 1_000 }]);
        assert!(look(899).is_empty());
        assert_eq!(look(900).len(), 1);
        for used in [999, 850, 900, 800] {
            assert!(look(used).is_empty(), "{used}");
        }
        assert_eq!(told(&look(799)), ["the table hosts has room again: 799 of 1000"]);
        assert!(look(0).is_empty());
    }
}
