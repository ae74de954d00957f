//! The NICs as they are now.

use std::sync::Arc;

use kernel::datapath::{Attached, DatapathError};

use super::Shaper;
use crate::error::ShaperError;
use crate::facts::{self, FactsError, Nics};
use crate::fixed::{refuse_moved, sides};
use crate::guards::{NicGuards, guards, kept_nics};
use crate::kept::Kept;
use crate::shared::Current;

/// What the NICs are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NicsNow {
    /// What they were.
    Same,
    /// The same, but with another MTU or other queues.
    Changed,
    /// Others by the same name, on which nothing of ours is.
    Others,
}

impl Shaper {
    /// What the NICs are now, against what programs and plan were made for.
    ///
    /// # Errors
    /// When one is missing.
    pub fn look_at_nics(&mut self) -> Result<(NicsNow, Nics), FactsError> {
        let nics = facts::nics(&self.loaded.config.interfaces)?;
        let old = &self.machine.facts;
        let ifindexes = (old.customers.ifindex, old.internet.ifindex);
        let now = if ifindexes != (nics.customers.ifindex, nics.internet.ifindex) {
            NicsNow::Others
        } else if (&old.customers, &old.internet) != (&nics.customers, &nics.internet) {
            NicsNow::Changed
        } else {
            NicsNow::Same
        };
        self.machine.warnings.clone_from(&nics.warnings);
        Ok((now, nics))
    }

    /// Plans the configuration that is in force for the NICs as they are now, and brings the kernel into
    /// line.
    ///
    /// # Errors
    /// As for [`Shaper::reload`].
    pub fn fit_to_nics(&mut self) -> Result<&Arc<Current>, ShaperError> {
        let machine = facts::read(&self.loaded.config.interfaces)?;
        refuse_moved(&self.machine.facts, &machine.facts)?;
        let (prepared, _) = self.prepare_guarded(self.loaded.clone(), &machine, false)?;
        self.put_up(prepared, machine, "the NICs have changed")?;
        Ok(&self.current)
    }

    /// Attaches again what somebody else has detached, and tells which programs.
    ///
    /// # Errors
    /// When one cannot be attached again.
    pub fn reattach(&mut self) -> Result<Vec<&'static str>, DatapathError> {
        self.attached.as_mut().map_or(Ok(Vec::new()), Attached::reattach)
    }

    /// A driver that makes queues anew may choose for itself again who sends on which.
    pub(super) fn refresh_guards(&mut self) -> Result<(), ShaperError> {
        let kept = Kept { nics: kept_nics(&self.nics), ..Kept::default() };
        let config = &self.loaded.config;
        let nics = guards(config, &sides(&config.interfaces), &kept)?;
        std::mem::replace(&mut self.nics, nics).into_iter().for_each(NicGuards::leave);
        Ok(())
    }

    /// Makes sure that the NICs are those that have our queues. Where one is not, requests fail, and going
    /// back would take the other's queues too.
    pub(super) fn require_nics(&mut self) -> Result<(), ShaperError> {
        match self.look_at_nics()? {
            (NicsNow::Others, _) => Err(ShaperError::OtherNics),
            (NicsNow::Same | NicsNow::Changed, _) => Ok(()),
        }
    }
}
