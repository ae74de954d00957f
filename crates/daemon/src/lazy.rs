//! Circuits that have their classes only while they have traffic.
//!
//! Who was silent for `lazy_after` gives class and leaf back and is pointed at the class for what no
//! circuit claims. There its next packets pass, below the link's limit alone, until it is seen to have
//! traffic and has them again. The planner knows nothing of it, so numbers and queues stay whose
//! they are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::datapath::Activity;
use supervisor::{Context, with_causes};
use tracing::{debug, error};
use units::CircuitSlot;

use crate::error::ShaperError;
use crate::reload::Reloader;
use crate::shared::Shared;

/// How often those who sleep are looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// How often the others are, in such intervals.
const AWAKE_EVERY: u32 = 10;

/// How often it is looked whether a change that is under way is over.
const BUSY: Duration = Duration::from_millis(20);

/// After what time something that failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What was seen of one circuit.
struct Seen {
    packets: u64,
    /// When that was last another number.
    at: Instant,
}

/// Circuits that fall asleep, and those that wake.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The configuration whose circuits they are.
    pub generation: u64,
    /// They are to have their classes again.
    pub wake: BTreeSet<CircuitSlot>,
    /// They are to give them back.
    pub sleep: BTreeSet<CircuitSlot>,
}

/// Who sleeps, from who has traffic.
#[derive(Default)]
struct Sleepers {
    seen: HashMap<CircuitSlot, Seen>,
}

impl Sleepers {
    /// Looks at one circuit; tells whether it is to turn.
    fn turns(
        &mut self,
        slot: CircuitSlot,
        packets: u64,
        is_asleep: bool,
        (now, after): (Instant, Duration),
    ) -> bool {
        let seen = self.seen.entry(slot).or_insert(Seen { packets, at: now });
        let has_traffic = seen.packets != packets;
        if has_traffic {
            *seen = Seen { packets, at: now };
        }
        if is_asleep { has_traffic } else { now.saturating_duration_since(seen.at) >= after }
    }
}

/// Looks again and again, until the daemon ends.
pub fn run(context: &Context, shared: &Shared, reloader: &Reloader, activity: &Activity) {
    let mut sleepers = Sleepers::default();
    let mut round = 0_u32;
    loop {
        let pause = look(context, (shared, reloader, activity), &mut sleepers, round);
        round = round.wrapping_add(1);
        if context.sleep(pause) {
            return;
        }
    }
}

/// One look at the circuits; how long to wait for the next.
fn look(
    context: &Context,
    (shared, reloader, activity): (&Shared, &Reloader, &Activity),
    sleepers: &mut Sleepers,
    round: u32,
) -> Duration {
    let current = shared.current.load();
    let asleep = shared.asleep.load();
    let Some(after) = current.lazy_after else {
        sleepers.seen.clear();
        return INTERVAL * AWAKE_EVERY;
    };
    let now = Instant::now();
    let mut turn = Turn { generation: current.generation, ..Turn::default() };
    for circuit in &current.plan.circuits {
        let is_asleep = asleep.contains(&circuit.slot);
        if !is_asleep && !round.is_multiple_of(AWAKE_EVERY) {
            continue;
        }
        let packets = activity.packets(circuit.slot);
        if sleepers.turns(circuit.slot, packets, is_asleep, (now, after)) {
            let turning = if is_asleep { &mut turn.wake } else { &mut turn.sleep };
            turning.insert(circuit.slot);
        }
    }
    if turn.wake.is_empty() && turn.sleep.is_empty() {
        return INTERVAL;
    }
    debug!(wake = turn.wake.len(), sleep = turn.sleep.len(), "circuits turn");
    // a change may take minutes, in which this thread does not hang
    while reloader.is_busy() {
        if context.sleep(BUSY) {
            return INTERVAL;
        }
    }
    // shown before anybody else can change it
    let turned = reloader.with_shaper(|shaper| {
        let asleep = Arc::clone(shaper.turn(&turn)?);
        shared.asleep.store(asleep);
        Ok::<(), ShaperError>(())
    });
    match turned {
        Some(Ok(())) => INTERVAL,
        Some(Err(failure)) => {
            error!(problem = with_causes(&failure), "circuits could not turn");
            AGAIN
        }
        None => INTERVAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_puts_to_sleep_and_a_packet_wakes() {
        let mut sleepers = Sleepers::default();
        let (slot, after) = (CircuitSlot::new(7), Duration::from_secs(60));
        let start = Instant::now();
        let mut turns = |seconds, packets, is_asleep| {
            let now = start + Duration::from_secs(seconds);
            sleepers.turns(slot, packets, is_asleep, (now, after))
        };
        assert!(!turns(0, 5, true), "what was before nobody looked");
        assert!(!turns(1, 5, true));
        assert!(turns(2, 6, true));
        assert!(!turns(3, 6, false));
        assert!(!turns(50, 7, false));
        assert!(!turns(109, 7, false));
        assert!(turns(110, 7, false));
    }
}
