//! Circuits that have no class for want of traffic.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use apply::change;
use config::{Config, Mode};
use plan::Plan;
use units::{CircuitId, CircuitSlot};

use super::Shaper;
use crate::error::ShaperError;
use crate::lazy::Turn;
use crate::prepare::Prepared;

impl Shaper {
    /// Circuits that have no class for want of traffic.
    pub const fn asleep(&self) -> &Arc<BTreeSet<CircuitSlot>> {
        &self.asleep
    }

    /// Gives circuits their classes, and takes those of others. Does nothing where another configuration is
    /// in force than the one that they were seen under.
    ///
    /// # Errors
    /// When that fails: then all have what they had.
    pub fn turn(&mut self, turn: &Turn) -> Result<&Arc<BTreeSet<CircuitSlot>>, ShaperError> {
        let Turn { generation, wake, sleep } = turn;
        if *generation != self.current.generation {
            return Ok(&self.asleep);
        }
        self.require_nics()?;
        let current = Arc::clone(&self.current);
        let plan = &current.plan;
        let there: BTreeSet<_> = plan.circuits.iter().map(|circuit| circuit.slot).collect();
        let stay = self.asleep.difference(wake).chain(sleep.intersection(&there));
        let asleep = stay.copied().collect();
        let (before, after) = (plan.with_asleep(&self.asleep), plan.with_asleep(&asleep));
        self.bring(change, &before, &after)?;
        self.asleep = Arc::new(asleep);
        Ok(&self.asleep)
    }

    /// What the kernel has of what is in force, and what it is to have of what comes next, with who sleeps then.
    pub(super) fn awake<'p>(
        &self,
        current: &'p Plan,
        next: &'p Prepared,
    ) -> (Cow<'p, Plan>, Cow<'p, Plan>, BTreeSet<CircuitSlot>) {
        let Prepared { loaded, plan, .. } = next;
        let asleep = asleep(&loaded.config, Some((current, &self.asleep)), plan);
        (current.with_asleep(&self.asleep), plan.with_asleep(&asleep), asleep)
    }
}

/// Who sleeps under a plan: where circuits are lazy, those that slept before, and those that are new.
pub(super) fn asleep(
    config: &Config,
    before: Option<(&Plan, &BTreeSet<CircuitSlot>)>,
    plan: &Plan,
) -> BTreeSet<CircuitSlot> {
    if config.queues.lazy_after.is_none() || config.interfaces.mode == Mode::Observe {
        return BTreeSet::new();
    }
    let awake: HashSet<&CircuitId> = before
        .into_iter()
        .flat_map(|(plan, asleep)| {
            plan.circuits.iter().filter(|circuit| !asleep.contains(&circuit.slot))
        })
        .map(|circuit| &circuit.id)
        .collect();
    let sleep = plan.circuits.iter().filter(|circuit| !awake.contains(&circuit.id));
    sleep.map(|circuit| circuit.slot).collect()
}
