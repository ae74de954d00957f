//! Why the kernel is not as the configuration wants it.

use std::io;

use apply::ApplyError;
use config::{EditError, Problems};
use kernel::datapath::DatapathError;
use kernel::netlink::NetlinkError;
use kernel::nic::PromiscuousError;
use machine::nic::{OffloadError, XpsError};

use crate::facts::FactsError;

/// Problems that one message shows.
const PROBLEMS_SHOWN: usize = 50;

/// Why the kernel is not as the configuration wants it.
#[derive(Debug, thiserror::Error)]
pub enum ShaperError {
    /// The files have errors.
    #[error("the configuration is not valid:\n{}", .0.summary(PROBLEMS_SHOWN))]
    Config(Problems),
    /// The network cannot be planned on this machine.
    #[error("the network cannot be planned on this machine:\n{}", list(.0))]
    Plan(plan::Problems),
    /// Something that is fixed while the daemon runs was changed.
    #[error(
        "{} cannot change while this tidegated runs; `tidegate handover` has another begin with the new \
         setting, without loss", .0.join(", ")
    )]
    Handover(Vec<&'static str>),
    /// Something was changed that no daemon can take over.
    #[error(
        "{} cannot change without an end of shaping: restart tidegated for that", .0.join(", ")
    )]
    Stop(Vec<&'static str>),
    /// The machine's facts are not known.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The programs could not be put in place.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// A NIC's transmit steering could not be changed.
    #[error(transparent)]
    Xps(#[from] XpsError),
    /// A NIC's VLAN offload could not be changed.
    #[error(transparent)]
    RxVlan(#[from] OffloadError),
    /// A NIC could not be told to receive everything.
    #[error(transparent)]
    Promiscuous(#[from] PromiscuousError),
    /// Netlink is not to be had.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The classes could not be put in place.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// What is in force is not what whoever wants a change knows of.
    #[error("the files are others by now, of revision {0}; make the change from those")]
    Outdated(String),
    /// A NIC has become another one.
    #[error(
        "a network interface has become another one, which is being taken over; try again then"
    )]
    OtherNics,
    /// Somebody has changed the files otherwise.
    #[error(
        "the files are not what is in force: somebody has changed them; `tidegate reload` puts them in force, and \
         `tidegate get` has what is, to be written back"
    )]
    FilesChanged,
    /// A change that looks like a file cut short.
    #[error(
        "{removed} of {of} {what} would go; if that is meant, say so with --shrink (`tidegate reload \
         --shrink` for the files as they are)"
    )]
    Shrinks {
        /// `circuits` or `nodes`.
        what: &'static str,
        /// How many would go.
        removed: usize,
        /// How many are in force.
        of: usize,
    },
    /// A change of a file cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The files could not be written.
    #[error("could not write the configuration's files; what was in force stays")]
    Unwritten(#[source] io::Error),
}

fn list(problems: &plan::Problems) -> String {
    let lines = problems.0.iter().take(PROBLEMS_SHOWN).map(ToString::to_string);
    let more = problems.0.len().saturating_sub(PROBLEMS_SHOWN);
    let more = (more > 0).then(|| format!("... and {more} more"));
    lines.chain(more).collect::<Vec<_>>().join("\n")
}
