//! Changes of the configuration's files that are asked for.

use std::sync::Arc;

use apply::change;
use config::{Config, Edit, Loaded, Problems, Sources};
use tracing::info;

use super::{Shaper, named};
use crate::error::ShaperError;
use crate::files::Staged;
use crate::prepare::prepare;
use crate::shared::Current;

impl Shaper {
    /// Changes the files' texts, brings the kernel into line, and writes the files. [`Shaper::keep`] is
    /// to be called when whoever asked has the answer.
    ///
    /// # Errors
    /// When any part fails; what was in force stays, as for [`Shaper::reload`], and so do the files.
    /// When the files are not of revision `base`, not as they were read, or change meanwhile.
    pub fn edit(
        &mut self,
        base: Option<&str>,
        edits: &[Edit],
    ) -> Result<Arc<Current>, ShaperError> {
        let mut sources = self.sources()?;
        if let Some(base) = base {
            let revision = sources.revision();
            if base != revision {
                return Err(ShaperError::Outdated(revision));
            }
        }
        self.require_nics()?;
        let before = sources.clone();
        sources.edit(edits)?;
        let prepared =
            prepare(self.read(&sources, edits)?, &self.machine, Some(&self.current.plan))?;
        let pairs = [(&before.network, &sources.network), (&before.devices, &sources.devices)];
        let written = pairs.iter().filter(|(before, after)| before.bytes != after.bytes);
        let written: Vec<_> =
            written.map(|(_, after)| (after.path.as_path(), after.bytes.as_slice())).collect();
        let staged = Staged::write(&written).map_err(ShaperError::Unwritten)?;
        let files = named(&self.path, &self.loaded.config.files);
        let stamps = self.in_force.with(&files, &staged);
        let (old, new, asleep) = self.awake(&prepared);
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
        Ok(Arc::clone(&self.current))
    }

    /// Puts new files in place, unless somebody has changed the old ones meanwhile.
    fn commit(&self, staged: Staged) -> Result<(), ShaperError> {
        if self.in_force != self.stamps() {
            return Err(ShaperError::FilesChanged);
        }
        staged.commit().map_err(ShaperError::Unwritten)
    }

    /// What the texts say after these edits. Where one circuit has changed in texts that are clean, the
    /// others need not be read again.
    fn read(&self, sources: &Sources, edits: &[Edit]) -> Result<Loaded, ShaperError> {
        let one = match edits {
            [Edit::Circuit(edit)] if self.loaded.warnings.is_empty() => {
                self.loaded.config.with_circuit(sources, &edit.id)
            }
            _ => None,
        };
        match one {
            Some(config) => Ok(Loaded { config, warnings: Problems::default() }),
            None => Config::from_sources(sources).map_err(ShaperError::Config),
        }
    }

    /// The files' texts, as they are in force.
    ///
    /// # Errors
    /// When they are not, or cannot be read.
    pub fn sources(&self) -> Result<Sources, ShaperError> {
        let sources = Sources::read(&self.path).map_err(ShaperError::Config)?;
        if self.in_force == self.stamps() { Ok(sources) } else { Err(ShaperError::FilesChanged) }
    }
}
