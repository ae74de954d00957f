//! What the box knows about its traffic: samples in, snapshots out.
//!
//! A [`Sample`] holds counters as they were read, a [`Layout`] says whose they are. Each tick the
//! [`Engine`] derives a [`Snapshot`] from the two and from what it kept of the sample before: rates,
//! RTTs and retransmissions per circuit, rolled up over nodes, queues and the box. Likewise the
//! [`FlowEngine`] derives a [`FlowSnapshot`] from [`FlowReading`]s: flows, those that left, hosts,
//! autonomous systems and countries, and the newest retransmissions. A [`Store`] hands the
//! newest snapshot to any number of readers, who never wait.
//!
//! Modules: `sample`, `reading` and `layout` are what comes in; `snapshot` and `flow_snapshot` what
//! comes out, `query`, `talkers` and `top` pages of it. In between, `engine` stands on `track`
//! (counters and classes), `quality` (`histogram`, `window`), `cpus` and `history`, `flow_engine` on `flows`, `expiry`,
//! `hosts`, `origins`, `growth`, `resent` and `recent`, which keep what they publish in `rows` and
//! `ring`.
//!
//! Invariants:
//! - No IO, no clock, no threads: instants come in with the samples.
//! - A counter that goes back, a time that stands still or a source that fails yields no rate or
//!   none at all, never a negative or absurd one.
//! - A figure belongs to a circuit's identity. A row or class that passes to another circuit starts
//!   from nothing.
//! - A tick is linear in circuits, nodes and classes, and in the flows that were read. What a snapshot
//!   shares with the one before is not copied.
//! - All that packets can make grow has a bound. What is over is left out, counted and published.
//!
//! ```
//! use std::sync::Arc;
//! use state::{Engine, Layout, Sample};
//!
//! let mut engine = Engine::new();
//! let store = engine.store();
//! let layout = Arc::new(Layout::new(1, vec![], vec![], vec![]));
//! engine.update(&layout, Sample { taken_ns: 1_000_000_000, ..Sample::default() });
//! assert_eq!(store.latest().tick, 1);
//! ```

#![forbid(unsafe_code)]

mod cpus;
mod engine;
mod expiry;
mod flow_engine;
mod flow_snapshot;
mod flows;
mod growth;
mod histogram;
mod history;
mod hosts;
mod layout;
mod leaf;
mod leaves;
mod order;
mod origins;
mod quality;
mod query;
mod rate;
mod reading;
mod recent;
mod resent;
mod ring;
mod rows;
mod sample;
mod snapshot;
mod store;
mod talkers;
mod top;
mod track;
mod window;

pub use cpus::{CpuFigures, CpuReading};
pub use engine::{Engine, Outcome};
pub use expiry::Timeouts;
pub use flow_engine::{FlowEngine, FlowLimits};
pub use flow_snapshot::FlowSnapshot;
pub use flows::{Ending, FlowRow};
pub use histogram::{
    Histogram, RTT_BINS, RTT_OCTAVE_MAX, RTT_OCTAVE_MIN, RTT_UNIT_NS, rtt_bin, rtt_bin_floor,
    rtt_of_bin,
};
pub use history::{HISTORY_TICKS, HistoryPoint};
pub use hosts::{HOST_IDLE_NS, HostRow, MeanRtt};
pub use layout::{CircuitLayout, ClassRef, Layout, NodeLayout, QueueLayout};
pub use leaf::{LeafCounters, LeafKind, LeafReading, LeafSample, TinReading};
pub use leaves::{LeafFigures, Leaves, TinFigures};
pub use origins::{Origin, OriginFigures, OriginId, OriginRow, OriginSums};
pub use query::{CircuitQuery, CircuitSort, Page, UnknownQuery, UnknownSort};
pub use rate::{MIN_INTERVAL_NS, Rate};
pub use reading::{
    FlowKey, FlowReading, Owner, QualityReading, RetransmitReading, RttReading, StreamReading,
};
pub use recent::{RECENT_NS, RecentFlow};
pub use resent::{Resent, TCP};
pub use ring::Ring;
pub use rows::Rows;
pub use sample::{
    ByProtocol, ClassCounters, ClassReading, ClassSample, Counter, MapFill, Sample, Traffic,
    UnknownHost,
};
pub use snapshot::{
    BoxFigures, CircuitFigures, ClassFigures, CountFigures, CounterFigures, NodeFigures,
    QueueFigures, Snapshot, TcpFigures,
};
pub use store::Store;
pub use talkers::{TalkerFilter, TalkerQuery, TalkerSort, origins_page};
pub use top::{Cut, Key, page};
pub use window::{RttFigures, RttWindow, WINDOW_SLICE_NS, WINDOW_SLICES};
