//! What is in the files, and what a change would bring.

use apply::Operation;
use bus::{ErrorCode, PreviewView, Refusal, SourcesView};
use config::Source;
use supervisor::with_causes;

use super::lines::line_changes;
use super::{Reloader, code, stopping};
use crate::edits::wanted;
use crate::shaper::Preview;

/// Changes that a preview tells one by one.
const CHANGES_SHOWN: usize = 1_000;

impl Reloader {
    /// The texts of the files that are in force.
    ///
    /// # Errors
    /// Why they cannot be told.
    pub async fn sources(&self) -> Result<SourcesView, Refusal> {
        let this = self.clone();
        let read = move || {
            let shaper = this.lock();
            let shaper = shaper.as_ref().ok_or_else(stopping)?;
            let sources = shaper.sources();
            let text = |source: &Source| {
                source
                    .text()
                    .map_err(|problems| Refusal::new(ErrorCode::Invalid, problems.to_string()))
            };
            Ok(SourcesView {
                revision: sources.revision(),
                files_changed: shaper.files_differ(),
                network: text(&sources.network)?,
                circuits: text(&sources.devices)?,
            })
        };
        let task = tokio::task::spawn_blocking(read);
        task.await.unwrap_or_else(|error| Err(Refusal::new(ErrorCode::Internal, error.to_string())))
    }

    /// What edits would change now, or without any a reload. It changes nothing.
    ///
    /// # Errors
    /// Why they would be refused.
    pub async fn preview(&self, edits: Option<bus::Edits>) -> Result<PreviewView, Refusal> {
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || this.preview_now(edits));
        task.await.unwrap_or_else(|error| Err(Refusal::new(ErrorCode::Internal, error.to_string())))
    }

    fn preview_now(&self, edits: Option<bus::Edits>) -> Result<PreviewView, Refusal> {
        let mut shaper = self.lock();
        let shaper = shaper.as_mut().ok_or_else(stopping)?;
        let preview = match edits {
            Some(edits) => shaper.preview_edit(&wanted(edits)),
            None => shaper.preview(),
        };
        let Preview { changes, steps, warnings, texts } =
            preview.map_err(|failure| Refusal::new(code(&failure), with_causes(&failure)))?;
        let (lines, more_lines) =
            texts.map_or_else(Default::default, |[before, after]| line_changes(&before, &after));
        let mut view = PreviewView {
            generation: shaper.current().generation,
            config: self.shared.config.clone(),
            changes: changes.iter().take(CHANGES_SHOWN).map(ToString::to_string).collect(),
            more: changes.len().saturating_sub(CHANGES_SHOWN) as u64,
            lines,
            more_lines,
            warnings,
            ..PreviewView::default()
        };
        for step in steps {
            match step {
                Operation::Queues { requests, .. } => view.requests += requests.len() as u64,
                Operation::Circuits(rows) => view.circuits += rows.len() as u64,
                Operation::Addresses(blocks) => view.addresses += blocks.len() as u64,
                Operation::Drain(classes) => view.drained += classes.len() as u64,
            }
        }
        Ok(view)
    }
}
