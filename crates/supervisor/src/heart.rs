//! A heartbeat of something that is no thread.

use std::sync::Arc;

use crate::report::Record;

/// Shows that something is alive that runs on no thread of the supervisor's, as a runtime does.
#[derive(Debug)]
pub struct Heart {
    record: Arc<Record>,
}

impl Heart {
    pub(crate) const fn new(record: Arc<Record>) -> Self {
        Self { record }
    }

    /// Shows that it is alive.
    pub fn beat(&self) {
        self.record.beat();
    }
}
