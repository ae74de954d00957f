//! Changes of the configuration's files that are asked for.

use std::sync::Arc;

use apply::{ApplyError, Left, change, steps};
use config::{Config, Edit, Loaded, Problems, Sources};
use plan::changes;
use tracing::info;

use super::difference::Difference;
use super::shrink::refuse_shrunk;
use super::{Preview, Shaper, named};
use crate::error::ShaperError;
use crate::files::Staged;
use crate::prepare::Prepared;
use crate::shared::Current;

/// What is wanted.
#[derive(Debug)]
pub struct Wanted {
    /// The revision that it was made from; none: whichever is in force.
    pub base: Option<String>,
    /// Whether most of the circuits may go.
    pub shrink: bool,
    /// One after another.
    pub edits: Vec<Edit>,
}

/// A change that is ready to be made.
struct Edited {
    before: Arc<Sources>,
    prepared: Prepared,
    difference: Difference,
}

impl Shaper {
    /// Changes the files' texts, brings the kernel into line, and writes the files. [`Shaper::keep`] is
    /// to be called when whoever asked has the answer. What changes no text changes nothing.
    ///
    /// # Errors
    /// When any part fails; what was in force stays, as for [`Shaper::reload`], and so do the files.
    /// When the files are not of the revision wanted, not as they were read, or change meanwhile.
    pub fn edit(&mut self, wanted: &Wanted) -> Result<(Arc<Current>, Difference), ShaperError> {
        self.require_nics()?;
        let Edited { before, prepared, difference } = self.edited(wanted, wanted.shrink)?;
        let after = Arc::clone(&prepared.loaded.sources);
        if *after == *before {
            return Ok((Arc::clone(&self.current), difference));
        }
        let pairs = [(&before.network, &after.network), (&before.devices, &after.devices)];
        let written = pairs.iter().filter(|(before, after)| before.bytes != after.bytes);
        let written: Vec<_> =
            written.map(|(_, after)| (after.path.as_path(), after.bytes.as_slice())).collect();
        let staged = Staged::write(&written).map_err(ShaperError::Unwritten)?;
        let files = named(&self.path, &self.loaded.config.files);
        let stamps = self.in_force.with(&files, &staged);
        let current = Arc::clone(&self.current);
        let (old, new, asleep) = self.awake(&current.plan, &prepared);
        let report = self.bring(change, &old, &new)?;
        if let Err(failure) = self.commit(staged) {
            let back = self.bring(change, &new, &old);
            // what is in force is the old plan, whatever an error says was restored
            self.is_known = back.is_ok();
            back?;
            return Err(failure);
        }
        self.asleep = Arc::new(asleep);
        (self.seen, self.in_force) = (stamps.clone(), stamps);
        info!(operations = report.operations, circuits = report.circuits, "changed");
        self.put_in_force(prepared);
        Ok((Arc::clone(&self.current), difference))
    }

    /// What a change would do now.
    ///
    /// # Errors
    /// As [`Shaper::edit`], but that most circuits or nodes would go is a warning.
    pub fn preview_edit(&mut self, wanted: &Wanted) -> Result<Preview, ShaperError> {
        let Edited { before, prepared, difference } = self.edited(wanted, true)?;
        let texts = Some([before, Arc::clone(&prepared.loaded.sources)]);
        let mut preview = Preview { texts, ..self.compared(&prepared)? };
        let refused = refuse_shrunk(&self.loaded.config.network, &difference).err();
        if let Some(failure) = refused.filter(|_| !wanted.shrink) {
            preview.warnings.push(format!("this would be refused: {failure}"));
        }
        Ok(preview)
    }

    /// What is prepared, against what is in force.
    pub(super) fn compared(&mut self, prepared: &Prepared) -> Result<Preview, ShaperError> {
        let current = Arc::clone(&self.current);
        let changes = changes(&current.plan, &prepared.plan);
        let (before, after, _) = self.awake(&current.plan, prepared);
        let steps = steps(&mut self.kernel, Some(&before), &after)
            .map_err(|failure| ApplyError { failure, left: Left::Untouched })?;
        Ok(Preview { changes, steps, warnings: prepared.warnings.clone(), texts: None })
    }

    /// The files as they are wanted, planned.
    fn edited(&self, wanted: &Wanted, shrink: bool) -> Result<Edited, ShaperError> {
        if self.files_differ() {
            return Err(ShaperError::FilesChanged);
        }
        let Wanted { base, edits, .. } = wanted;
        let before = Arc::clone(&self.loaded.sources);
        if let Some(base) = base {
            let revision = before.revision();
            if *base != revision {
                return Err(ShaperError::Outdated(revision));
            }
        }
        let mut sources = Sources::clone(&before);
        sources.edit(edits)?;
        let loaded = self.read(sources, edits)?;
        let (prepared, difference) = self.prepare_guarded(loaded, &self.machine, shrink)?;
        Ok(Edited { before, prepared, difference })
    }

    /// Puts new files in place, unless somebody has changed the old ones meanwhile.
    fn commit(&self, staged: Staged) -> Result<(), ShaperError> {
        if self.files_differ() {
            return Err(ShaperError::FilesChanged);
        }
        staged.commit().map_err(ShaperError::Unwritten)
    }

    /// What the texts say after these edits. Where one circuit has changed in texts that are clean, the
    /// others need not be read again.
    fn read(&self, sources: Sources, edits: &[Edit]) -> Result<Loaded, ShaperError> {
        let one = match edits {
            [Edit::Circuit(edit)] if self.loaded.warnings.is_empty() => {
                self.loaded.config.with_circuit(&sources, &edit.id)
            }
            _ => None,
        };
        match one {
            Some(config) => {
                let sources = Arc::new(sources);
                Ok(Loaded { config, sources, warnings: Problems::default() })
            }
            None => Config::from_sources(&sources).map_err(ShaperError::Config),
        }
    }

    /// The files' texts that are in force, whatever has become of the files.
    pub const fn sources(&self) -> &Arc<Sources> {
        &self.loaded.sources
    }
}
