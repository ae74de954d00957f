//! The audit log: every change, written down. Nothing waits for it: a disk that hangs holds up no change.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::EventRow;
use crossbeam_channel::{Receiver, select};
use parking_lot::Mutex;
use supervisor::Context;
use tracing::error;

use crate::events::Events;

/// The log tells who did what: nobody else's business.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// How often the thread shows that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// How long the daemon's end waits for a line that is being written.
const WRITTEN_MAX: Duration = Duration::from_secs(1);

/// Where changes are written down, and those that wait for it.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    waiting: Receiver<Arc<EventRow>>,
    events: Arc<Events>,
    /// Held while a line is written.
    writing: Mutex<()>,
}

impl AuditLog {
    /// Writes what waits to the file of this name, and tells `events` how that goes.
    pub fn new(path: PathBuf, waiting: Receiver<Arc<EventRow>>, events: Arc<Events>) -> Self {
        Self { path, waiting, events, writing: Mutex::new(()) }
    }

    /// The thread `audit`.
    pub fn run(&self, context: &Context) -> Result<(), Infallible> {
        loop {
            context.beat();
            select! {
                recv(self.waiting) -> row => if let Ok(row) = row {
                    let _written = self.writing.lock();
                    self.keep(&row);
                },
                recv(context.stop().channel()) -> _ => break,
                default(BEAT) => {}
            }
        }
        // what happened until the end
        self.drain();
        Ok(())
    }

    /// Writes down all that waits, unless the disk hangs.
    pub fn drain(&self) {
        let Some(_written) = self.writing.try_lock_for(WRITTEN_MAX) else {
            error!(waiting = self.waiting.len(), path = %self.path.display(), "the audit log hangs");
            return;
        };
        while let Ok(row) = self.waiting.try_recv() {
            self.keep(&row);
        }
    }

    /// Writes one change down, or counts and tells that it could not.
    fn keep(&self, row: &EventRow) {
        let events = &self.events;
        match append(&self.path, row) {
            Ok(()) => events.audit_problem.store(None),
            Err(error) => {
                events.unwritten.fetch_add(1, Ordering::Relaxed);
                let path = self.path.display();
                let problem = format!("could not write the audit log {path}: {error}");
                if events.audit_problem.load().is_none() {
                    error!("{problem}");
                }
                events.audit_problem.store(Some(Arc::new(problem)));
            }
        }
    }
}

/// Appends a line to the file that has this name now: somebody may have moved away the one before.
fn append(path: &Path, row: &EventRow) -> io::Result<()> {
    let open =
        || OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path);
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path)?;
            open()?
        }
        opened => opened?,
    };
    let mut line = Vec::new();
    if is_cut_off(&file)? {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, row)?;
    line.push(b'\n');
    // one write, so that no line is ever mixed with another
    file.write_all(&line)
}

/// Whether the last line has no end: the machine went down, or the disk was full, while it was written.
fn is_cut_off(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    // what is no file, like a pipe, has no length
    let Some(last) = length.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    if fs::exists(folder)? {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

#[cfg(test)]
mod tests {
    use bus::{Cause, EventKind, Severity};

    use super::*;

    fn audited(path: &Path) -> (Arc<Events>, AuditLog) {
        let (events, waiting) = Events::new(Vec::new(), true);
        let events = Arc::new(events);
        (Arc::clone(&events), AuditLog::new(path.to_owned(), waiting.unwrap(), events))
    }

    #[test]
    fn lines_are_appended_where_the_name_leads_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log/audit.jsonl");
        let (events, audit) = audited(&path);
        let write = |text: &str| {
            events.tell(EventKind::Bypass, Severity::Info, Cause::Signal, text);
            audit.drain();
        };
        write("first");
        write("second\nline");
        fs::rename(&path, folder.path().join("log/audit.jsonl.1")).unwrap();
        write("third");
        let rows = |name: &str| -> Vec<EventRow> {
            let text = fs::read_to_string(folder.path().join("log").join(name)).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let (old, new) = (rows("audit.jsonl.1"), rows("audit.jsonl"));
        assert_eq!(old.iter().map(|row| &*row.text).collect::<Vec<_>>(), ["first", "second\nline"]);
        assert_eq!((new[0].number, &*new[0].text, new.len()), (3, "third", 1));
        assert!(events.audit_problem.load().is_none());

        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        write("fourth");
        assert!(events.audit_problem.load().is_some());
        assert_eq!(events.unwritten.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_line_that_was_cut_off_swallows_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        fs::write(&path, "{\"number\":1}\n{\"number\":2,\"unix").unwrap();
        let (events, audit) = audited(&path);
        events.tell(EventKind::Bypass, Severity::Info, Cause::Signal, "on");
        events.tell(EventKind::Bypass, Severity::Info, Cause::Signal, "off");
        audit.drain();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["{\"number\":1}", "{\"number\":2,\"unix"]);
        let whole: Vec<EventRow> =
            lines[2..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whole.iter().map(|row| &*row.text).collect::<Vec<_>>(), ["on", "off"]);
    }

    #[test]
    fn a_disk_that_hangs_does_not_hold_up_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (events, audit) = audited(&folder.path().join("audit.jsonl"));
        events.tell(EventKind::Bypass, Severity::Info, Cause::Signal, "on");
        let hangs = audit.writing.lock();
        audit.drain();
        assert_eq!(audit.waiting.len(), 1);
        drop(hangs);
        audit.drain();
        assert!(audit.waiting.is_empty());
    }
}
