//! Taking out what a daemon that has ended left at work, without a valid network and without the programs.

use std::path::Path;

use apply::remove_trees;
use config::{Config, Mode, Outset};
use kernel::datapath::Pins;
use kernel::tc::Controller;
use supervisor::with_causes;
use tracing::warn;

use crate::boot::require_rights;
use crate::error::ShaperError;
use crate::events::EventsFile;
use crate::exit::Failure;
use crate::guards::restore;
use crate::kept::{Kept, KeptFile};
use crate::lock::Lock;
use crate::log;
use crate::serve::remove_stale;

/// Takes it out, as far as that goes, and says what there was.
///
/// # Errors
/// When a daemon runs, or something stays.
pub fn take_down(path: &Path) -> Result<(), Failure> {
    let Outset { files, bus, log: wanted, .. } =
        Config::outset(path).map_err(ShaperError::Config)?;
    require_rights()?;
    log::start(&wanted.filter);
    let _lock = Lock::take(&bus.socket)?;
    let file = KeptFile::beside(&bus.socket);
    let kept = file.read();
    let was_there = take_out(&files.pins, &file, &kept)?;
    EventsFile::beside(&bus.socket).remove();
    if let Err(error) = remove_stale(&bus.socket) {
        warn!(%error, socket = %bus.socket.display(), "could not remove the socket");
    }
    if was_there {
        let mode = kept.interfaces.map_or(Mode::Bridge, |interfaces| interfaces.mode);
        println!("taken out; {}", after(mode));
    } else {
        println!("nothing was left");
    }
    Ok(())
}

/// How packets fare when all was taken out.
pub const fn after(mode: Mode) -> &'static str {
    match mode {
        Mode::Bridge => "nothing is shaped any more",
        Mode::Observe => "nothing is counted any more",
        Mode::XdpBridge | Mode::Stick { .. } => {
            "nothing passes between customers and the Internet until a daemon runs again"
        }
    }
}

/// Takes out what is pinned in the folder and what was kept; tells whether there was anything.
///
/// # Errors
/// When a daemon runs, or something stays.
pub fn take_out(folder: &Path, file: &KeptFile, kept: &Kept) -> Result<bool, Failure> {
    let pins = Pins::take(folder).map_err(ShaperError::from)?;
    let mut nics = pins.nics().map_err(ShaperError::from)?;
    nics.extend(kept.plan.iter().flat_map(|plan| &plan.nics).map(|nic| nic.ifindex));
    nics.sort();
    nics.dedup();
    let mut controller = Controller::open().map_err(ShaperError::from)?;
    // queues first and programs then, as a daemon that stops does; a failure here keeps nothing else
    let removed = remove_trees(&mut controller, &nics);
    pins.take_out(&nics).map_err(ShaperError::from)?;
    for nic in &kept.nics {
        for error in restore(nic) {
            warn!(nic = nic.name, error = with_causes(&error), "a setting of it is not restored");
        }
    }
    removed.map_err(|error| Failure::System("take out the queues", error.into()))?;
    file.remove();
    Ok(!nics.is_empty())
}
