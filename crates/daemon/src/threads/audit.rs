//! `audit`: writes changes down. Nothing waits for it: a disk that hangs holds up no change.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bus::EventRow;
use crossbeam_channel::{Receiver, select};
use supervisor::Context;
use tracing::error;

use crate::events::Events;

/// The log tells who did what: nobody else's business.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

pub(super) fn run(
    context: &Context,
    path: &Path,
    events: &Events,
    waiting: &Receiver<EventRow>,
) -> Result<(), Infallible> {
    loop {
        context.beat();
        select! {
            recv(waiting) -> row => if let Ok(row) = row { keep(path, events, &row) },
            recv(context.stop().channel()) -> _ => break,
            default(super::TICK) => {}
        }
    }
    // what happened until the end
    while let Ok(row) = waiting.try_recv() {
        keep(path, events, &row);
    }
    Ok(())
}

/// Writes one change down, or counts and tells that it could not.
fn keep(path: &Path, events: &Events, row: &EventRow) {
    match append(path, row) {
        Ok(()) => events.audit_problem.store(None),
        Err(error) => {
            events.unwritten.fetch_add(1, Ordering::Relaxed);
            let problem = format!("could not write the audit log {}: {error}", path.display());
            if events.audit_problem.load().is_none() {
                error!("{problem}");
            }
            events.audit_problem.store(Some(Arc::new(problem)));
        }
    }
}

/// Appends a line to the file that has this name now: somebody may have moved away the one before.
fn append(path: &Path, row: &EventRow) -> io::Result<()> {
    let mut line = serde_json::to_vec(row)?;
    line.push(b'\n');
    let open = || OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path);
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path)?;
            open()?
        }
        opened => opened?,
    };
    // one write, so that no line is ever mixed with another
    file.write_all(&line)
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

    #[test]
    fn lines_are_appended_where_the_name_leads_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log/audit.jsonl");
        let (events, waiting) = Events::new(true);
        let waiting = waiting.unwrap();
        let write = |text: &str| {
            events.tell(EventKind::Bypass, Severity::Info, Cause::Signal, text);
            keep(&path, &events, &waiting.try_recv().unwrap());
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
}
