//! The kernel programs and their maps: opened, loaded, attached, and detached by dropping.
//!
//! [`Loaded`] holds programs that the verifier took and maps that can be filled; nothing on the
//! machine has changed yet. [`Attached`] sees packets until it is dropped.

mod attach;
mod counters;
mod error;
mod load;
mod mapped;
mod pins;
mod promiscuous;
mod tables;
mod trial;
mod trial_box;

pub use attach::{Attached, Attachment, Side, TcHook, XdpHook};
pub use counters::{Counters, UnknownHost};
pub use error::DatapathError;
pub use load::{Loaded, MapSizes, Options};
pub use tables::{Control, MapTables};
pub use trial::{TcOutcome, Trial, XdpOutcome};
pub use trial_box::{TrialBox, flow_key};
