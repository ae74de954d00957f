//! `origins`: keeps the tables of the Internet's addresses as their files are.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use origin::{Event, Origins, Problem, Problems, Reloading};
use supervisor::{Context, with_causes};
use tracing::{info, warn};

use crate::shared::Shared;

/// How often the files are looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// What of one file's problems is logged and shown.
const PROBLEMS_SHOWN: usize = 5;

/// Follows the files that the configuration names.
pub(super) struct Watch {
    shared: Arc<Shared>,
    reloading: Reloading,
    generation: u64,
    files: Vec<PathBuf>,
    /// What is wrong, by file.
    problems: BTreeMap<PathBuf, Vec<String>>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            reloading: Reloading::new(&[]),
            generation: 0,
            files: Vec::new(),
            problems: BTreeMap::new(),
        }
    }

    /// Where the newest tables always are.
    pub(super) fn table(&self) -> Arc<ArcSwap<Origins>> {
        self.reloading.current()
    }

    pub(super) fn run(&mut self, context: &Context) -> Result<(), Infallible> {
        loop {
            self.follow_configuration();
            let events = self.reloading.poll();
            let any = !events.is_empty();
            events.into_iter().for_each(|event| self.take(event));
            if any {
                self.publish();
            }
            if context.sleep(POLL_INTERVAL) {
                return Ok(());
            }
        }
    }

    fn follow_configuration(&mut self) {
        let current = self.shared.current.load();
        if current.generation == self.generation {
            return;
        }
        self.generation = current.generation;
        if self.files != current.origins {
            self.files.clone_from(&current.origins);
            self.reloading.set_files(&self.files);
            self.problems.retain(|file, _| self.files.contains(file));
            self.publish();
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Loaded { file, table, warnings } => {
                info!(file = %file.display(), ranges = table.spans(), "addresses' origins are in use");
                let shown = shown(&warnings, "");
                shown.iter().for_each(|problem| warn!("{problem}"));
                self.problems.insert(file.to_path_buf(), shown);
            }
            Event::Failed { problems: Problems(problems), kept } => {
                let rest = if kept { "; what it said before stays in use" } else { "" };
                let shown = shown(&problems, rest);
                shown.iter().for_each(|problem| warn!("{problem}"));
                if let Some(problem) = problems.first() {
                    self.problems.insert(problem.file.to_path_buf(), shown);
                }
            }
        }
    }

    fn publish(&self) {
        let all = self.problems.values().flatten().cloned().collect();
        self.shared.origin_problems.store(Arc::new(all));
    }
}

fn shown(problems: &[Problem], rest: &str) -> Vec<String> {
    // the reason comes last
    let first = problems.len().saturating_sub(PROBLEMS_SHOWN);
    problems[first..].iter().map(|problem| with_causes(problem) + rest).collect()
}
