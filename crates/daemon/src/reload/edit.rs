//! Changes over the bus: of the files, and so of the kernel.

use std::time::Instant;

use bus::{Cause, Edited, ErrorCode, EventKind, Refusal, Severity};
use supervisor::with_causes;
use tokio::sync::oneshot;
use tracing::warn;

use super::{Reloader, code, reloaded};
use crate::edits::{in_words, wanted};
use crate::error::ShaperError;
use crate::shaper::{Difference, Shaper};

impl Reloader {
    /// Changes the files and brings the kernel into line, after any other change. What the next daemon
    /// needs is written when the answer is out.
    ///
    /// # Errors
    /// Why the configuration that was in force stays.
    pub async fn edit(&self, edits: bus::Edits, cause: Cause) -> Result<Edited, Refusal> {
        let this = self.clone();
        let (tell, told) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let mut shaper = this.lock();
            let what = in_words(&edits);
            let outcome = this.edit_now(shaper.as_mut(), edits);
            this.tell_of_edit(&what, &outcome, cause);
            let is_changed = outcome.is_ok();
            let _ = tell.send(outcome.map(|(edited, _)| edited));
            if let Some(shaper) = shaper.as_ref().filter(|_| is_changed) {
                shaper.keep();
            }
        });
        told.await.unwrap_or_else(|error| {
            Err(Refusal::new(ErrorCode::Internal, format!("the change did not end: {error}")))
        })
    }

    fn edit_now(
        &self,
        shaper: Option<&mut Shaper>,
        edits: bus::Edits,
    ) -> Result<(Edited, Difference), Refusal> {
        let started = Instant::now();
        let shaper = self.for_change(shaper)?;
        let was_known = shaper.is_known();
        let edited = shaper.edit(&wanted(edits));
        let (current, difference) =
            edited.map_err(|failure| self.could_not_change(shaper, &failure, was_known))?;
        if shaper.is_known() {
            self.all_is_well();
        }
        self.publish(&current, shaper);
        let edited = Edited {
            reloaded: reloaded(&current, &difference, shaper, started),
            revision: shaper.sources().revision(),
        };
        Ok((edited, difference))
    }

    fn tell_of_edit(
        &self,
        what: &str,
        outcome: &Result<(Edited, Difference), Refusal>,
        cause: Cause,
    ) {
        let (severity, text) = match outcome {
            Ok((Edited { revision, .. }, difference)) => {
                (Severity::Info, format!("{what} ({difference}; revision {revision})"))
            }
            Err(refusal) => (Severity::Warning, format!("refused: {what}: {refusal}")),
        };
        self.tell(EventKind::Configuration, severity, cause, text);
    }

    fn could_not_change(&self, shaper: &Shaper, failure: &ShaperError, was_known: bool) -> Refusal {
        let mut text = with_causes(failure);
        warn!(problem = text, "could not change the configuration");
        if was_known && !shaper.is_known() {
            self.tell_of_kernel(&text);
        }
        let problem = self.shared.reload_problem.load_full();
        if let (ShaperError::FilesChanged, Some(problem)) = (failure, problem) {
            text = format!("{text}; {}", problem.text);
        }
        Refusal::new(code(failure), text)
    }
}
