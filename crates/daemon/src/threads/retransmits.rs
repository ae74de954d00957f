//! `retransmits`: drains the ring of TCP segments that were sent again, far more often than it fills.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;
use kernel::datapath::{DatapathError, Ring};
use state::RetransmitReading;
use supervisor::Context;

use crate::shared::Shared;

/// How often the ring is drained. It takes some 100,000 events a second at this pace.
const DRAIN_INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn run(
    context: &Context,
    shared: &Shared,
    ring: &Ring<abi::Retransmit>,
    events: &Sender<RetransmitReading>,
) -> Result<(), DatapathError> {
    let reader = collect::retransmits::reader(ring, |event| {
        if events.try_send(event).is_err() {
            shared.retransmits_dropped.fetch_add(1, Ordering::Relaxed);
        }
    })?;
    loop {
        reader.drain()?;
        if context.sleep(DRAIN_INTERVAL) {
            return Ok(());
        }
    }
}
