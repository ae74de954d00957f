//! Classifiers where the kernel has no TCX: filters on a clsact queueing discipline.
//!
//! A filter outlives the daemon by itself. Ours are always found under the same number, so that the
//! next daemon can put its program in the place of the one that runs (`cls_bpf` exchanges them at
//! once: no packet goes without). That a clsact is ours to remove is remembered beside the pins.

use std::error::Error;

use aya::programs::tc::{
    NlOptions, SchedClassifierLink, TcAttachOptions, TcHandle as FilterHandle,
};
use aya::programs::{ProgramError, SchedClassifier, TcAttachType, tc};
use tracing::warn;
use units::ours::FILTER_PRIORITY;
use units::{IfIndex, TcHandle};

use super::DatapathError;
use super::pins::{Pin, Pins};
use crate::tc::{Controller, Qdisc, QdiscState, Request, TrafficControl};

/// The number of our filter at its priority.
const HANDLE: FilterHandle = FilterHandle::new(0, 1);
/// `TC_H_CLSACT`, where clsact sits beside the root.
const CLSACT: TcHandle = TcHandle::from_raw(0xffff_fff1);
/// Where filters hang from a clsact: those of what comes in, and of what goes out.
const INGRESS: TcHandle = TcHandle::from_raw(0xffff_fff2);
const EGRESS: TcHandle = TcHandle::from_raw(0xffff_fff3);
/// How marks of clsacts that are ours begin; the NIC's index follows. No `-`, which attachments have.
const MARK: &str = "clsact_";

type Cause = Box<dyn Error + Send + Sync>;

/// A program that is attached by a filter. Dropping it detaches.
#[derive(Debug)]
pub(super) struct Filter {
    _link: SchedClassifierLink,
    nic: IfIndex,
}

impl Filter {
    /// Attaches a pinned program. `takes_over` tells that a daemon before may have left a filter of
    /// ours: then the program takes the place of that one's.
    pub(super) fn attach(
        pin: &Pin,
        name: &str,
        (nic, ifindex): (&str, IfIndex),
        hook: TcAttachType,
        takes_over: bool,
    ) -> Result<Self, ProgramError> {
        let mut program = SchedClassifier::from_pin(pin.path())?;
        if takes_over && let Some(filter) = Self::replace(&mut program, (nic, ifindex), hook)? {
            return Ok(filter);
        }
        detach(nic, hook, name);
        let place = NlOptions { priority: FILTER_PRIORITY, handle: HANDLE, classid: None };
        let link = program.attach_with_options(nic, hook, TcAttachOptions::Netlink(place))?;
        Ok(Self { _link: program.take_link(link)?, nic: ifindex })
    }

    /// Whether it is on this NIC.
    pub(super) fn is_on(&self, nic: IfIndex) -> bool {
        self.nic == nic
    }

    /// Puts the program into our filter, if there is one.
    fn replace(
        program: &mut SchedClassifier,
        (nic, ifindex): (&str, IfIndex),
        hook: TcAttachType,
    ) -> Result<Option<Self>, ProgramError> {
        let known = SchedClassifierLink::attached(nic, hook, FILTER_PRIORITY, HANDLE, None)
            .map_err(tc::TcError::IoError)?;
        match program.attach_to_link(known) {
            Ok(link) => Ok(Some(Self { _link: program.take_link(link)?, nic: ifindex })),
            // a daemon that let the kernel choose the number, or none at all
            Err(error) => {
                warn!(%error, nic, "there is no filter to take over");
                Ok(None)
            }
        }
    }
}

/// Whether a NIC lacks our filter for what goes out, or where we forward for what comes in.
pub(super) fn missing(nic: IfIndex, forwards: bool) -> Result<bool, Cause> {
    let mut controller = Controller::open()?;
    let mut lacks = |hook| -> Result<bool, Cause> {
        Ok(!controller.filters(nic, hook)?.contains(&(FILTER_PRIORITY, HANDLE.into())))
    };
    Ok(lacks(EGRESS)? || forwards && lacks(INGRESS)?)
}

/// Detaches a program of this name, whoever has attached it by a filter.
pub(super) fn detach(nic: &str, hook: TcAttachType, name: &str) {
    // fails where there is no such filter, or no clsact
    let _ = tc::qdisc_detach_program(nic, hook, name);
}

/// Removes our filters from a NIC, whoever's the clsact is.
pub(super) fn remove_ours(nic: IfIndex) {
    let Ok(mut controller) = Controller::open() else { return };
    for hook in [INGRESS, EGRESS] {
        // fails where there is no such filter, or no clsact
        let _ = controller.remove_filters(nic, hook, FILTER_PRIORITY);
    }
}

/// NICs whose clsact is marked as ours.
pub(super) fn marked(pins: &Pins) -> Result<Vec<IfIndex>, DatapathError> {
    let marks = pins.marks(MARK)?;
    Ok(marks.iter().filter_map(|index| index.parse().ok()).map(IfIndex::new).collect())
}

/// A clsact queueing discipline that we or a daemon before us have added. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Clsact {
    nic: IfIndex,
}

impl Clsact {
    /// None where there is one already that is not ours to remove.
    pub(super) fn add(nic: IfIndex, pins: &Pins) -> Result<Option<Self>, Cause> {
        let mut controller = Controller::open()?;
        let present = |qdisc: &QdiscState| qdisc.nic == nic && qdisc.parent == CLSACT;
        if controller.qdiscs(&[nic])?.iter().any(present) {
            return Ok(pins.is_marked(&mark(nic)).then(|| Self { nic }));
        }
        pins.mark(&mark(nic))?;
        let handle = TcHandle::new(0xffff, 0);
        let request = Request::AddQdisc { parent: CLSACT, handle, qdisc: Qdisc::Clsact };
        if let Err(error) = controller.tc(nic, &[request]) {
            pins.unmark(&mark(nic))?;
            return Err(error.into());
        }
        Ok(Some(Self { nic }))
    }

    /// Whether it is this NIC's.
    pub(super) fn is_on(&self, nic: IfIndex) -> bool {
        self.nic == nic
    }

    /// Those of a daemon before us on NICs where we have none.
    pub(super) fn stale(ours: &[Self], pins: &Pins) -> Result<Vec<Self>, DatapathError> {
        let nics = marked(pins)?.into_iter();
        let stale = nics.filter(|nic| !ours.iter().any(|clsact| clsact.is_on(*nic)));
        Ok(stale.map(|nic| Self { nic }).collect())
    }

    /// Leaves it where it is, or is no longer.
    pub(super) fn leave(self) {
        std::mem::forget(self);
    }

    /// Removes it where nobody else has put a filter on it, and else what is left of ours on it.
    fn try_remove(&self) -> Result<(), Cause> {
        let mut controller = Controller::open()?;
        let mut is_shared = false;
        let mut ours = Vec::new();
        for hook in [INGRESS, EGRESS] {
            let filters = controller.filters(self.nic, hook)?;
            is_shared |= filters.iter().any(|(priority, _)| *priority != FILTER_PRIORITY);
            ours.extend(
                filters.iter().any(|(priority, _)| *priority == FILTER_PRIORITY).then_some(hook),
            );
        }
        if is_shared {
            for hook in ours {
                controller.remove_filters(self.nic, hook, FILTER_PRIORITY)?;
            }
            return Err("somebody else has a filter on it".into());
        }
        let request = Request::DeleteQdisc { parent: CLSACT };
        Ok(controller.tc(self.nic, &[request])?)
    }

    /// Removes it, and what says that it is ours.
    pub(super) fn remove(self, pins: &Pins) {
        if let Err(error) = pins.unmark(&mark(self.nic)) {
            warn!(%error, "a mark stays");
        }
    }
}

impl Drop for Clsact {
    fn drop(&mut self) {
        if let Err(error) = self.try_remove() {
            warn!(%error, ifindex = %self.nic, "the clsact queueing discipline stays");
        }
    }
}

fn mark(nic: IfIndex) -> String {
    format!("{MARK}{nic}")
}
