//! Circuits that have no class for a while.

use std::borrow::Cow;
use std::collections::BTreeSet;

use units::ours::DEFAULT_MINOR;
use units::{CircuitId, CircuitSlot, TcHandle};

use crate::model::{Owner, Plan};

impl Plan {
    /// This plan without the classes of these circuits: their packets go to the classes for what no circuit
    /// claims. All else, numbers too, stays as it is.
    pub fn with_asleep(&self, asleep: &BTreeSet<CircuitSlot>) -> Cow<'_, Self> {
        if asleep.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut plan = self.clone();
        let mut ids: BTreeSet<&CircuitId> = BTreeSet::new();
        for (circuit, awake) in plan.circuits.iter_mut().zip(&self.circuits) {
            if asleep.contains(&awake.slot) && awake.class.down != TcHandle::default() {
                circuit.class =
                    awake.class.map(|class| TcHandle::new(class.major(), DEFAULT_MINOR));
                ids.insert(&awake.id);
            }
        }
        for queue in plan.nics.iter_mut().flat_map(|nic| &mut nic.queues) {
            queue
                .classes
                .retain(|class| !matches!(&class.owner, Owner::Circuit(id) if ids.contains(id)));
        }
        Cow::Owned(plan)
    }
}
