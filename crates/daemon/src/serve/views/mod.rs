//! From snapshots to what goes over the wire: one file a topic.

mod circuits;
mod flows;
mod history;
mod hosts;
mod leaves;
mod origins;
mod plan;
mod quality;
mod queues;
mod retransmits;
mod rtt;
mod status;
mod tree;
mod unknown;

use std::sync::Arc;

use bus::{ErrorCode, Payload, Refusal, Reply, Topic, View};
use config::did_you_mean;
use state::{CircuitLayout, FlowSnapshot, Layout, Owner, Snapshot};

use crate::shared::Shared;

pub use plan::plan;
pub use status::side;

/// A view, ready to be sent.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its bytes, or those of a refusal.
    pub payload: Payload,
    /// The newest event in a view of events; 0 in others.
    pub events_upto: u64,
}

/// The newest view of a topic, ready to be sent.
pub fn shown(shared: &Shared, topic: &Topic) -> Shown {
    let make = || {
        let view = Moment::newest(shared).view(topic);
        let events_upto = if let Ok(View::Events(page)) = &view { page.newest } else { 0 };
        let reply = view.map_or_else(Reply::Error, Reply::View);
        Shown { payload: Payload::of(&reply), events_upto }
    };
    // others are served while many rows are gone through
    if is_short(topic) { make() } else { tokio::task::block_in_place(make) }
}

/// Whether it takes microseconds, however many circuits and flows there are.
const fn is_short(topic: &Topic) -> bool {
    match topic {
        Topic::Status | Topic::History => true,
        Topic::Circuits(query) => query.id.is_some(),
        _ => false,
    }
}

/// What was measured up to one moment. Views of the same one agree with each other.
#[derive(Debug)]
pub struct Moment<'a> {
    shared: &'a Shared,
    snapshot: Arc<Snapshot>,
    flows: Arc<FlowSnapshot>,
}

impl<'a> Moment<'a> {
    /// The newest.
    pub fn newest(shared: &'a Shared) -> Self {
        Self { shared, snapshot: shared.store.latest(), flows: shared.flows.latest() }
    }

    /// A topic's view of it.
    ///
    /// # Errors
    /// When the query names what does not exist.
    pub fn view(&self, topic: &Topic) -> Result<View, Refusal> {
        Ok(match topic {
            Topic::Status => View::Status(Box::new(status::view(self))),
            Topic::Tree(query) => View::Tree(tree::view(self, query)?),
            Topic::Circuits(query) => View::Circuits(circuits::view(self, query)?),
            Topic::Queues => View::Queues(queues::view(self)),
            Topic::Unknown(query) => View::Unknown(unknown::view(self, query)),
            Topic::Flows(query) => View::Flows(flows::view(self, query)?),
            Topic::Hosts(query) => View::Hosts(hosts::view(self, query)?),
            Topic::Origins(query) => View::Origins(origins::view(self, query)),
            Topic::Rtt(query) => View::Rtt(rtt::view(self, query)?),
            Topic::Retransmits(query) => View::Retransmits(retransmits::view(self, query)?),
            Topic::Events(query) => {
                View::Events(self.shared.events.page(self.snapshot.tick, query))
            }
            Topic::History => View::History(history::view(self)),
        })
    }
}

/// Index of the node that a query names.
fn node_named(snapshot: &Snapshot, name: Option<&String>) -> Result<Option<usize>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let found = snapshot.layout.node_named(name);
    found.map(Some).ok_or_else(|| {
        let names = snapshot.layout.nodes.iter().map(|node| node.name.as_ref());
        let meant =
            did_you_mean(name, names).map_or_else(String::new, |meant| format!("; {meant}"));
        let text = format!("there is no node {:?}{meant}", bus::inert(name));
        Refusal::new(ErrorCode::NotFound, text)
    })
}

/// Whose flows a query asks for, by the circuit's id.
fn owner_named(flows: &FlowSnapshot, id: Option<&String>) -> Result<Option<Owner>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    let found = flows.layout.circuit_named(id);
    let owner = found.map(|index| Owner::Circuit(flows.layout.circuits[index].slot));
    owner.map(Some).ok_or_else(|| no_circuit(id))
}

/// What is said of a circuit that does not exist.
pub fn no_circuit(id: &str) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no circuit {:?}", bus::inert(id)))
}

/// The circuit of an owner; none of what no device covers.
fn circuit_of(layout: &Layout, owner: Owner) -> Option<&CircuitLayout> {
    match owner {
        Owner::Circuit(slot) => layout.circuit_at(slot).map(|index| &layout.circuits[index]),
        Owner::Unknown => None,
    }
}

/// Milliseconds from an instant to another, both of the monotonic clock in nanoseconds.
const fn ms_before(now_ns: u64, then_ns: u64) -> u64 {
    now_ns.saturating_sub(then_ns) / 1_000_000
}
