//! What is shown, made for the wire: one file a topic.
//!
//! Every view says the tick that it shows, so that a client sees which ticks it missed.

mod circuits;
mod plan;
mod queues;
mod status;
mod tree;
mod unknown;

use serde::{Deserialize, Serialize};

pub use circuits::{CircuitRow, CircuitsPage};
pub use plan::PlanView;
pub use queues::{QueueRow, QueuesView};
pub use status::{
    ConfigView, CountView, MapView, NicView, ProtocolsView, Side, StatusView, TcAttachment,
    ThreadState, ThreadView, TrafficView, XdpMode,
};
pub use tree::{NodeRow, TreeView};
pub use unknown::{UnknownPage, UnknownRow};

/// A view of any topic, in the topics' order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}
