//! `qdiscs`: dumps the statistics of classes and their leaves once a second.

use std::sync::Arc;

use collect::classes;
use kernel::netlink::NetlinkError;
use kernel::tc::{Controller, Failed};
use supervisor::Context;
use units::IfIndex;

use super::TICK;
use crate::shared::Shared;

/// Why the thread gave up.
#[derive(Debug, thiserror::Error)]
pub(super) enum QdiscsError {
    #[error("could not open netlink")]
    Open(#[from] NetlinkError),
    #[error(transparent)]
    Dump(#[from] Failed),
}

pub(super) fn run(context: &Context, shared: &Shared, nics: &[IfIndex]) -> Result<(), QdiscsError> {
    let mut controller = Controller::open()?;
    loop {
        if !shared.current.load().layout.queues.is_empty() {
            let sample = classes::read(&mut controller, nics)?;
            shared.classes.store(Some(Arc::new(sample)));
        }
        if context.sleep(TICK) {
            return Ok(());
        }
    }
}
