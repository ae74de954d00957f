//! The kernel programs and their maps: opened, loaded, attached, and detached by dropping.
//!
//! [`Loaded`] holds programs that the verifier took and maps that can be filled; nothing on the
//! machine has changed yet. [`Attached`] sees packets until it is dropped.

mod addresses;
mod attach;
mod buckets;
mod captures;
mod clock;
mod control;
mod counters;
mod error;
mod fill;
mod filter;
mod flow_table;
mod flows;
mod footprint;
mod inherited;
mod link;
mod load;
mod mapped;
mod pins;
mod quality;
mod rehearsal;
mod remains;
mod ring;
mod stopwatch;
mod tables;
mod traffic;
mod trial;
mod trial_box;

pub use attach::{Attached, Attachment, Side, TcHook, XdpHook};
pub use captures::{CaptureCounts, CaptureTarget, Captures};
pub use control::Control;
pub use counters::{Counters, UnknownHost};
pub use error::DatapathError;
pub use fill::Filler;
pub use flows::{ChangedFlows, Dates, FlowReport, Flows, StreamReport};
pub use footprint::{MapMemory, ProgramEffort};
pub use inherited::Kept;
pub use load::{Loaded, MapSizes, Options, Readers};
pub use pins::Pins;
pub use quality::Quality;
pub use rehearsal::{Course, Hook, Rehearsal, Subject};
pub use ring::{Ring, RingReader};
pub use stopwatch::{RunTime, Stopwatch};
pub use tables::MapTables;
pub use traffic::Activity;
pub use trial::{TcOutcome, Trial, XdpOutcome};
pub use trial_box::{TrialBox, flow_key};
