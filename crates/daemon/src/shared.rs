//! What both streets show to clients. Readers never wait: everything is swapped whole.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use bus::{EventKind, Payload};
use kernel::datapath::{Attachment, Control};
use plan::Plan;
use state::{ClassSample, FlowSnapshot, Layout, MapFill, Store};
use supervisor::{Monitor, Stop};
use tokio::sync::{OnceCell, watch};
use units::CircuitSlot;

use crate::captures::CaptureDesk;
use crate::events::Events;
use crate::handover::Handover;

/// What clients may ask about.
#[derive(Debug)]
pub struct Shared {
    /// Path of tidegate.toml.
    pub config: String,
    /// The newest snapshot of circuits, nodes and the box.
    pub store: Arc<Store>,
    /// The newest snapshot of flows.
    pub flows: Arc<Store<FlowSnapshot>>,
    /// Retransmissions that were not listed, as too many were waiting.
    pub retransmits_dropped: AtomicU64,
    /// What is wrong with the files of origins.
    pub origin_problems: ArcSwap<Vec<String>>,
    /// What is wrong with the NICs.
    pub nic_problems: ArcSwap<Vec<NicProblem>>,
    /// What is in force.
    pub current: ArcSwap<Current>,
    /// Circuits of it that have no class for want of traffic.
    pub asleep: ArcSwap<BTreeSet<CircuitSlot>>,
    /// Why the last reload changed nothing.
    pub reload_problem: ArcSwapOption<Problem>,
    /// How the kernel is not as it should be.
    pub kernel_problem: ArcSwapOption<Problem>,
    /// Whether the files are others than those in force.
    pub files_changed: AtomicBool,
    /// Why figures are not told over HTTP.
    pub metrics_problem: ArcSwapOption<String>,
    /// What happened.
    pub events: Arc<Events>,
    /// The newest statistics of the classes.
    pub classes: ArcSwapOption<ClassSample>,
    /// The captures that run.
    pub captures: CaptureDesk,
    /// The programs' switches.
    pub control: Control,
    /// How the programs sit on the NICs.
    pub attachments: Vec<Attachment>,
    /// The program that may take over.
    pub handover: Handover,
    /// Raised when the daemon is to end.
    pub stop: Stop,
    /// How the threads are.
    pub monitor: Monitor,
    /// Advanced with every snapshot.
    pub ticks: watch::Sender<u64>,
    /// When the daemon started.
    pub started: Instant,
    /// Clients that are connected.
    pub clients: AtomicU32,
    /// Clients that are connected and will be refused.
    pub strangers: AtomicU32,
    /// Clients that may be.
    pub clients_max: u32,
    /// Clients that were turned away because there were too many.
    pub clients_refused: AtomicU64,
    /// Views that were not sent to subscribers who read too slowly.
    pub views_missed: AtomicU64,
}

/// What is wrong with the files, or with what has become of them.
#[derive(Debug)]
pub struct Problem {
    /// For the operator.
    pub text: String,
    /// Since when.
    pub since: Instant,
}

impl Problem {
    /// One that has just shown.
    pub fn now(text: String) -> Arc<Self> {
        Arc::new(Self { text, since: Instant::now() })
    }
}

/// What is wrong with a NIC, or keeps the daemon from using it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicProblem {
    /// Of a NIC alone; or of the kernel, where circuits may be named.
    pub kind: EventKind,
    /// For the operator.
    pub text: String,
}

impl NicProblem {
    /// One that tells of nothing but a NIC.
    pub const fn of_nic(text: String) -> Self {
        Self { kind: EventKind::Nic, text }
    }
}

/// One configuration in force.
#[derive(Debug)]
pub struct Current {
    /// Counts configurations from 1.
    pub generation: u64,
    /// When it came into force.
    pub since: Instant,
    /// The plan.
    pub plan: Plan,
    /// The same as clients are sent it, once one has asked for it.
    pub plan_reply: OnceCell<Payload>,
    /// Whose the counters are.
    pub layout: Arc<Layout>,
    /// How full it makes the kernel maps that it fills.
    pub maps: Vec<MapFill>,
    /// When flows end.
    pub flows: config::Flows,
    /// After what silence a circuit's class goes.
    pub lazy_after: Option<Duration>,
    /// Files that tell of the Internet's addresses.
    pub origins: Vec<PathBuf>,
    /// What captures may take.
    pub capture: config::Capture,
    /// What deserves attention about it.
    pub warnings: Vec<String>,
}
