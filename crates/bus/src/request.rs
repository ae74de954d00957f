//! What a client asks.

use serde::{Deserialize, Serialize};

use crate::capture::CaptureRequest;
use crate::edit::Edits;
use crate::query::{
    CircuitsQuery, EventsQuery, FlowsQuery, HostsQuery, OriginsQuery, RetransmitsQuery, RttQuery,
    TreeQuery, UnknownQuery,
};
use crate::version::VersionRange;

/// What a client asks. New requests are appended: the position is the number on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// First on every connection.
    Hello(Hello),
    /// One view, now.
    Show(Topic),
    /// One view a tick, under this request's id, the first one at once.
    Subscribe(Topic),
    /// Ends the subscription or the capture that was asked for under this request id on the same
    /// connection.
    Unsubscribe(u64),
    /// The plan that is in force.
    Plan,
    /// Read the configuration again and apply it.
    Reload {
        /// Whether more than half of the circuits or nodes may go; else that is refused as a likely mistake.
        shrink: bool,
    },
    /// Pass everything unshaped (`true`), or shape again.
    Bypass(bool),
    /// Capture the headers of packets: answered under this request's id with `Capturing`, then
    /// `Captured` at least once a second, an empty one when nothing came, and last `CaptureEnded`.
    Capture(CaptureRequest),
    /// Make way for the program that lies now where the daemon was started from; traffic goes on.
    Handover,
    /// What edits would change now; none: what a reload would.
    Preview(Option<Edits>),
    /// Change the configuration's files and put that in force.
    Edit(Edits),
    /// The texts of the configuration's files.
    Sources,
}

/// How a client introduces itself. Its bytes are the same in all protocol versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The client's name and version, for the daemon's log.
    pub client: String,
    /// The protocol versions that it speaks.
    pub versions: VersionRange,
}

/// What a view is about. New topics are appended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// The daemon and the box as a whole.
    Status,
    /// The tree of nodes, or a part of it.
    Tree(TreeQuery),
    /// A page of circuits.
    Circuits(CircuitsQuery),
    /// Every hardware transmit queue.
    Queues,
    /// A page of hosts that no device covers.
    Unknown(UnknownQuery),
    /// A page of flows.
    Flows(FlowsQuery),
    /// A page of hosts on the customers' side.
    Hosts(HostsQuery),
    /// A page of the networks or countries that the Internet side's addresses belong to.
    Origins(OriginsQuery),
    /// A page of RTTs: their percentiles.
    Rtt(RttQuery),
    /// A page of retransmissions.
    Retransmits(RetransmitsQuery),
    /// What happened to the daemon. A subscription is sent each event once.
    Events(EventsQuery),
    /// The box over the last minutes.
    History,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything, change nothing.
    Read,
    /// Also change things.
    Control,
}

impl Role {
    /// Whether it covers `needed`.
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

impl Request {
    /// The number of hello, which is read in frames of all versions.
    pub(crate) const HELLO: u32 = 0;

    /// How many requests there are; the codec tells an unknown one by it.
    pub(crate) const COUNT: u32 = 12;

    /// The role that it takes.
    pub fn role(&self) -> Role {
        match self {
            Self::Hello(_)
            | Self::Show(_)
            | Self::Subscribe(_)
            | Self::Unsubscribe(_)
            | Self::Plan => Role::Read,
            Self::Reload { .. }
            | Self::Bypass(_)
            | Self::Capture(_)
            | Self::Handover
            | Self::Preview(_)
            | Self::Edit(_)
            | Self::Sources => Role::Control,
        }
    }

    /// Its name, for logs and refusals.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Show(_) => "show",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Plan => "plan",
            Self::Reload { .. } => "reload",
            Self::Bypass(_) => "bypass",
            Self::Capture(_) => "capture",
            Self::Handover => "handover",
            Self::Preview(_) => "preview",
            Self::Edit(_) => "edit",
            Self::Sources => "get",
        }
    }

    /// Whether the request with this number goes on with the number of a topic.
    pub(crate) fn has_topic(number: u32) -> bool {
        matches!(number, 1 | 2)
    }
}

impl Topic {
    /// How many topics there are.
    pub(crate) const COUNT: u32 = 12;

    /// Its name, for logs and refusals.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Tree(_) => "tree",
            Self::Circuits(_) => "circuits",
            Self::Queues => "queues",
            Self::Unknown(_) => "unknown",
            Self::Flows(_) => "flows",
            Self::Hosts(_) => "hosts",
            Self::Origins(_) => "origins",
            Self::Rtt(_) => "rtt",
            Self::Retransmits(_) => "retransmits",
            Self::Events(_) => "events",
            Self::History => "history",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureTarget;

    #[test]
    fn looking_at_packets_takes_control() {
        let target = CaptureTarget::Circuit("1".into());
        let capture = CaptureRequest { target, seconds: 1, packets: 1, snap_length: 64 };
        assert_eq!(Request::Capture(capture).role(), Role::Control);
    }

    #[test]
    fn only_what_changes_something_takes_control() {
        assert_eq!(Request::Reload { shrink: false }.role(), Role::Control);
        assert_eq!(Request::Bypass(true).role(), Role::Control);
        assert_eq!(Request::Plan.role(), Role::Read);
        assert!(Role::Control.allows(Role::Read));
        assert!(!Role::Read.allows(Role::Control));
    }
}
