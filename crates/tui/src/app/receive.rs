//! Views that come.

use bus::{ErrorCode, Refusal, Topic, View};

use super::{App, Slot, list_height};

impl App {
    /// Takes a view, unless it answers a question that is no longer asked. While the screen stands
    /// still, only what is not there yet is taken, so that one can look around.
    pub(super) fn arrive(&mut self, slot: Slot, topic: &Topic, view: View) {
        let is_asked = slot == Slot::History || self.subscribed.get(&slot) == Some(topic);
        if !is_asked {
            return;
        }
        let is_first = slot == Slot::History || self.served.insert(slot);
        if self.paused.is_some() && (!is_first || self.has_been_shown(slot)) {
            return;
        }
        self.changed = true;
        self.take(slot, topic, view, is_first);
    }

    /// Whether what is shown of a slot belongs to the moment at which the screen stands still.
    fn has_been_shown(&self, slot: Slot) -> bool {
        match slot {
            Slot::Status => self.status.is_some(),
            Slot::History => !self.overview.history.is_empty(),
            _ => false,
        }
    }

    fn take(&mut self, slot: Slot, topic: &Topic, view: View, is_first: bool) {
        let size = self.size;
        let height = |pane| list_height(pane, size);
        match (slot, view) {
            (Slot::Status, View::Status(status)) => {
                self.overview.follow(&status);
                self.status = Some(*status);
            }
            (Slot::History, View::History(history)) => self.overview.receive_history(history),
            (Slot::Rtt, View::Rtt(page)) => self.overview.rtt = Some(page),
            (Slot::Queues, View::Queues(queues)) => self.overview.receive_queues(queues),
            (Slot::Worst, View::Circuits(page)) => self.overview.worst = Some(page),
            (Slot::Tree, View::Tree(tree)) => self.tree.receive(tree, height(super::Pane::Tree)),
            (Slot::Circuits, View::Circuits(page)) => {
                let (height, first) = (height(super::Pane::Circuits), offset(topic));
                let list = &mut self.circuits.table.list;
                list.receive(first, page.rows, page.matched, page.total, height);
            }
            (Slot::Flows, View::Flows(page)) => {
                let (height, first) = (height(super::Pane::Flows), offset(topic));
                let list = &mut self.flows.table.list;
                list.receive(first, page.rows, page.matched, page.total, height);
            }
            (Slot::Unknown, View::Unknown(page)) => {
                let (height, first) = (height(super::Pane::Unknown), offset(topic));
                self.unknown.list.receive(first, page.rows, page.matched, page.total, height);
            }
            (Slot::Events, View::Events(page)) => {
                self.events.receive(page, is_first, height(super::Pane::Events));
            }
            (slot, view) => self.take_of_circuit(slot, topic, view, height(super::Pane::Circuit)),
        }
    }

    fn take_of_circuit(&mut self, slot: Slot, topic: &Topic, view: View, height: u16) {
        let Some(circuit) = &mut self.circuit else { return };
        match (slot, view) {
            (Slot::Circuit, View::Circuits(page)) => circuit.receive(page),
            (Slot::CircuitHosts, View::Hosts(page)) => circuit.receive_hosts(page),
            (Slot::CircuitFlows, View::Flows(page)) => {
                let list = &mut circuit.flows.table.list;
                list.receive(offset(topic), page.rows, page.matched, page.total, height);
            }
            // a daemon that answers another question than was asked
            _ => {}
        }
    }

    /// The daemon has refused a view. It does so each tick, while there is no such circuit say.
    pub(super) fn refuse(&mut self, slot: Slot, topic: &Topic, refusal: Refusal) {
        if slot != Slot::History && self.subscribed.get(&slot) != Some(topic) {
            return;
        }
        if self.paused.is_some() && self.served.contains(&slot) {
            return;
        }
        let Refusal { code, text } = refusal;
        match (slot, &mut self.circuit) {
            (Slot::Circuit, Some(circuit)) if code == ErrorCode::NotFound => circuit.is_gone = true,
            // the same is said of the circuit itself
            (Slot::CircuitFlows | Slot::CircuitHosts, _) if code == ErrorCode::NotFound => {}
            _ if code == ErrorCode::NotFound => self.note = Some(text),
            _ => self.note = Some(format!("refused: {text}")),
        }
    }
}

/// How many rows the question skipped.
fn offset(topic: &Topic) -> u32 {
    match topic {
        Topic::Circuits(query) => query.offset,
        Topic::Flows(query) => query.offset,
        Topic::Unknown(query) => query.offset,
        _ => 0,
    }
}
