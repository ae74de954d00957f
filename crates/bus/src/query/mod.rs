//! Which rows of a view are wanted, in which order: one file a topic.
//!
//! The daemon filters, orders and cuts. Rows that are equal in what orders them are in the order of
//! their identity, so that pages do not overlap. Where a figure may be missing, rows without it
//! come last, whichever end is first.

mod circuits;
mod events;
mod flows;
mod hosts;
mod origins;
mod retransmits;
mod rtt;
mod tree;
mod unknown;

pub use circuits::{CircuitSort, CircuitsQuery};
pub use events::EventsQuery;
pub use flows::{FlowSort, FlowsQuery};
pub use hosts::{HostKind, HostSort, HostsQuery};
pub use origins::{OriginGroup, OriginSort, OriginsQuery};
pub use retransmits::{RetransmitGroup, RetransmitSort, RetransmitsQuery};
pub use rtt::{RttGroup, RttQuery, RttSort};
pub use tree::TreeQuery;
pub use unknown::{UnknownQuery, UnknownSort};
