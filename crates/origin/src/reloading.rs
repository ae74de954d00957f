//! Files that are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::file::Stamp;
use crate::origins::Origins;
use crate::problem::{Problem, Problems, Trouble};
use crate::table::{Read, Table};

/// Keeps [`Origins`] as their files are. Starts no thread: somebody calls [`Reloading::poll`], best
/// every few seconds, as asking costs one system call a file and reading may take a second or two.
///
/// A file is read when it has looked the same in two polls, so not while somebody writes it; only the
/// first poll of a file does not wait. What cannot be used leaves the last good table in place, a file that
/// is removed too.
#[derive(Debug)]
pub struct Reloading {
    files: Vec<Watched>,
    current: Arc<ArcSwap<Origins>>,
}

/// What a poll found.
#[derive(Debug)]
pub enum Event {
    /// A file was read and is in use.
    Loaded {
        /// Its path.
        file: Arc<Path>,
        /// Its table.
        table: Arc<Table>,
        /// What is doubtful in it.
        warnings: Vec<Problem>,
    },
    /// A file cannot be used. Told once, until something else happens to the file.
    Failed {
        /// What is wrong with it, the reason last.
        problems: Problems,
        /// Whether an earlier state of the file stays in use.
        kept: bool,
    },
}

#[derive(Debug)]
struct Watched {
    path: Arc<Path>,
    table: Option<Arc<Table>>,
    /// The state that was read last, whatever came of it.
    read: Option<Stamp>,
    /// The state at the last poll.
    seen: Option<Stamp>,
    /// It was looked at before.
    polled: bool,
    /// Its absence was told.
    told: bool,
}

impl Reloading {
    /// Of these files, which are first read by the first poll.
    pub fn new(paths: &[PathBuf]) -> Self {
        Self {
            files: paths.iter().map(|path| Watched::new(path)).collect(),
            current: Arc::default(),
        }
    }

    /// Where the origins of the moment always are: load it for every batch of look-ups.
    pub fn current(&self) -> Arc<ArcSwap<Origins>> {
        Arc::clone(&self.current)
    }

    /// Goes on with these files. Those that were there before keep their tables.
    pub fn set_files(&mut self, paths: &[PathBuf]) {
        if paths.iter().eq(self.files.iter().map(|file| &*file.path)) {
            return;
        }
        let mut before = std::mem::take(&mut self.files);
        for path in paths {
            let known = before.iter().position(|file| *file.path == **path);
            let file = known.map(|index| before.swap_remove(index));
            self.files.push(file.unwrap_or_else(|| Watched::new(path)));
        }
        self.publish();
    }

    /// Looks at all files, reads those that changed, and puts what they say in place.
    pub fn poll(&mut self) -> Vec<Event> {
        let events: Vec<Event> = self.files.iter_mut().filter_map(Watched::poll).collect();
        if events.iter().any(|event| matches!(event, Event::Loaded { .. })) {
            self.publish();
        }
        events
    }

    fn publish(&self) {
        let tables = self.files.iter().filter_map(|file| file.table.clone()).collect();
        self.current.store(Arc::new(Origins::new(tables)));
    }
}

impl Watched {
    fn new(path: &Path) -> Self {
        Self { path: path.into(), table: None, read: None, seen: None, polled: false, told: false }
    }

    fn poll(&mut self) -> Option<Event> {
        let polled = std::mem::replace(&mut self.polled, true);
        let stamp = match Stamp::of(&self.path) {
            Ok(stamp) => stamp,
            Err(trouble) => return self.absent(trouble),
        };
        self.told = false;
        let before = self.seen.replace(stamp);
        if self.read == Some(stamp) || polled && before != Some(stamp) {
            return None;
        }
        self.load(stamp)
    }

    fn load(&mut self, stamp: Stamp) -> Option<Event> {
        match Table::read(&self.path) {
            Ok(Read { table, warnings, stamp }) => {
                let table = Arc::new(table);
                self.read = Some(stamp);
                self.table = Some(Arc::clone(&table));
                Some(Event::Loaded { file: Arc::clone(&self.path), table, warnings })
            }
            Err(Problems(problems)) if is_changing(&problems) => {
                // still being written: the next polls see it
                self.seen = None;
                None
            }
            Err(problems) => {
                self.read = Some(stamp);
                Some(Event::Failed { problems, kept: self.table.is_some() })
            }
        }
    }

    fn absent(&mut self, trouble: Trouble) -> Option<Event> {
        (self.read, self.seen) = (None, None);
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let problem = Problem { file: Arc::clone(&self.path), line: None, trouble };
        Some(Event::Failed { problems: Problems(vec![problem]), kept: self.table.is_some() })
    }
}

fn is_changing(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| matches!(problem.trouble, Trouble::Changed))
}
