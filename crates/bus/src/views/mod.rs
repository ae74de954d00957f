//! What is shown, made for the wire: one file a topic.
//!
//! Every view says the tick that it shows, so that a client sees which ticks it missed.

mod circuits;
mod events;
mod flows;
mod history;
mod hosts;
mod leaf;
mod origins;
mod plan;
mod queues;
mod retransmits;
mod rtt;
mod status;
mod tree;
mod unknown;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use circuits::{CircuitRow, CircuitsPage};
pub use events::{Actor, Cause, EventKind, EventRow, EventsPage, Severity};
pub use flows::{FlowKey, FlowRow, FlowRtt, FlowState, FlowsPage, Origin, StreamView, TcpFlags};
pub use history::{HistoryPoint, HistoryView};
pub use hosts::{HostRow, HostsPage};
pub use leaf::{LeafView, TinView};
pub use origins::{OriginRow, OriginsPage};
pub use plan::{LineChange, PlanView, PreviewView};
pub use queues::{QueueRow, QueuesView};
pub use retransmits::{RetransmitEvent, RetransmitRow, RetransmitView, RetransmitsPage};
pub use rtt::{MeanRtt, RttBin, RttPage, RttPercentiles, RttRow};
pub use status::{
    ConfigView, CountView, CpuView, FlowCounts, MapView, NicView, ProtocolsView, Side, StatusView,
    TcAttachment, ThreadState, ThreadView, TotalView, TotalsView, TrafficView, XdpMode,
};
pub use tree::{NodeRow, TreeView};
pub use unknown::{UnknownPage, UnknownRow};

/// A view of any topic, in the topics' order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum View {
    /// The daemon and the box as a whole.
    Status(Box<StatusView>),
    /// The tree of nodes.
    Tree(TreeView),
    /// A page of circuits.
    Circuits(CircuitsPage),
    /// Every hardware transmit queue.
    Queues(QueuesView),
    /// A page of hosts that no device covers.
    Unknown(UnknownPage),
    /// A page of flows.
    Flows(FlowsPage),
    /// A page of hosts on the customers' side.
    Hosts(HostsPage),
    /// A page of networks or countries of the Internet side.
    Origins(OriginsPage),
    /// A page of RTTs.
    Rtt(RttPage),
    /// A page of retransmissions.
    Retransmits(RetransmitsPage),
    /// Events.
    Events(EventsPage),
    /// The box over the last minutes.
    History(HistoryView),
}

impl View {
    /// Whether the bypass was on in the second before; of a status, whether it is on.
    pub fn is_bypassed(&self) -> bool {
        match self {
            Self::Status(status) => status.bypass,
            Self::Tree(tree) => tree.bypass,
            Self::Circuits(page) => page.bypass,
            Self::Queues(queues) => queues.bypass,
            Self::Unknown(page) => page.bypass,
            Self::Flows(page) => page.bypass,
            Self::Hosts(page) => page.bypass,
            Self::Origins(page) => page.bypass,
            Self::Rtt(page) => page.bypass,
            Self::Retransmits(page) => page.bypass,
            Self::Events(_) => false,
            Self::History(history) => history.points.last().is_some_and(|point| point.bypass),
        }
    }
}
