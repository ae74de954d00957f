//! What a client asks.

use serde::{Deserialize, Serialize};
use units::Direction;

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
    /// Ends the subscription that was asked for under this request id on the same connection.
    Unsubscribe(u64),
    /// The plan that is in force.
    Plan,
    /// Read the configuration again and apply it.
    Reload,
    /// Pass everything unshaped (`true`), or shape again.
    Bypass(bool),
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Topic {
    /// The daemon and the box as a whole.
    Status,
    /// The tree of nodes.
    Tree,
    /// A page of circuits.
    Circuits(CircuitsQuery),
    /// Every hardware transmit queue.
    Queues,
    /// A page of hosts that no device covers.
    Unknown(UnknownQuery),
}

/// Which circuits, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitsQuery {
    /// Only circuits whose id, name or an address contains this text, whatever its letter case.
    /// Empty: all.
    pub filter: String,
    /// Only circuits at or below the node with this id or name.
    pub node: Option<String>,
    /// What orders them; circuits that are equal in it are ordered by id.
    pub sort: CircuitSort,
    /// The direction whose figure is compared; none: both directions' sum (for shares, the larger).
    pub by: Option<Direction>,
    /// The largest first.
    pub descending: bool,
    /// How many of the matching circuits to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`CircuitsQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl CircuitsQuery {
    /// The most rows in one page. Larger tables are fetched page by page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for CircuitsQuery {
    /// The first hundred circuits by id.
    fn default() -> Self {
        Self {
            filter: String::new(),
            node: None,
            sort: CircuitSort::Id,
            by: None,
            descending: false,
            offset: 0,
            limit: 100,
        }
    }
}

/// What orders circuits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CircuitSort {
    /// Stable identity.
    #[default]
    Id,
    /// Name.
    Name,
    /// Parent node's name.
    Node,
    /// The plan's max rate.
    Plan,
    /// The rate that arrived.
    Offered,
    /// The rate that the class let through.
    Sent,
    /// Share of the plan in use.
    Share,
    /// Drops a second.
    Drops,
    /// Bytes waiting.
    Backlog,
}

/// Which unknown hosts, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownQuery {
    /// Only hosts whose address contains this text. Empty: all.
    pub filter: String,
    /// What orders them; hosts that are equal in it are ordered by address.
    pub sort: UnknownSort,
    /// The largest first; for times, the latest.
    pub descending: bool,
    /// How many of the matching hosts to skip.
    pub offset: u32,
    /// The most rows to send; the daemon sends at most [`UnknownQuery::MAX_LIMIT`].
    pub limit: u32,
}

impl UnknownQuery {
    /// The most rows in one page.
    pub const MAX_LIMIT: u32 = 10_000;
}

impl Default for UnknownQuery {
    /// The hundred hosts that were seen last.
    fn default() -> Self {
        Self {
            filter: String::new(),
            sort: UnknownSort::LastSeen,
            descending: true,
            offset: 0,
            limit: 100,
        }
    }
}

/// What orders unknown hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownSort {
    /// When a packet was seen last.
    #[default]
    LastSeen,
    /// When a packet was seen first.
    FirstSeen,
    /// Bytes of both directions.
    Bytes,
    /// The address, IPv4 before IPv6.
    Address,
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
    /// How many requests there are; the codec tells an unknown one by it.
    pub(crate) const COUNT: u32 = 7;

    /// The role that it takes.
    pub fn role(&self) -> Role {
        match self {
            Self::Hello(_)
            | Self::Show(_)
            | Self::Subscribe(_)
            | Self::Unsubscribe(_)
            | Self::Plan => Role::Read,
            Self::Reload | Self::Bypass(_) => Role::Control,
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
            Self::Reload => "reload",
            Self::Bypass(_) => "bypass",
        }
    }

    /// Whether the request with this number goes on with the number of a topic.
    pub(crate) fn has_topic(number: u32) -> bool {
        matches!(number, 1 | 2)
    }
}

impl Topic {
    /// How many topics there are.
    pub(crate) const COUNT: u32 = 5;

    /// Its name, for logs and refusals.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Tree => "tree",
            Self::Circuits(_) => "circuits",
            Self::Queues => "queues",
            Self::Unknown(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_something_takes_control() {
        assert_eq!(Request::Reload.role(), Role::Control);
        assert_eq!(Request::Bypass(true).role(), Role::Control);
        assert_eq!(Request::Plan.role(), Role::Read);
        assert!(Role::Control.allows(Role::Read));
        assert!(!Role::Read.allows(Role::Control));
    }
}
