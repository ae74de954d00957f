//! What happened, from the daemon before to the one that comes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::AuditLog;
use crate::events::{Events, EventsFile};

/// The events, and where they go. Dropping it, when everything else has ended, writes down what is left to be
/// written.
#[derive(Debug)]
pub struct Memory {
    events: Arc<Events>,
    audit: Option<Arc<AuditLog>>,
    file: EventsFile,
}

impl Memory {
    /// Goes on with what the daemon before has left beside `socket`.
    pub fn begin(socket: &Path, audit: Option<PathBuf>) -> Self {
        let file = EventsFile::beside(socket);
        let (events, waiting) = Events::new(file.take(), audit.is_some());
        let events = Arc::new(events);
        let audit = audit
            .zip(waiting)
            .map(|(path, waiting)| Arc::new(AuditLog::new(path, waiting, Arc::clone(&events))));
        Self { events, audit, file }
    }

    /// The events.
    pub fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// The audit log; none where none is wanted.
    pub fn audit(&self) -> Option<&Arc<AuditLog>> {
        self.audit.as_ref()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.events.end_refusals();
        if let Some(audit) = &self.audit {
            audit.drain();
        }
        self.file.write(&self.events.rows());
    }
}
