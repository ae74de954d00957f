//! What is subscribed to: what the open pane shows, and the status.

use std::collections::BTreeMap;

use bus::{Topic, TreeQuery};

use super::overview::Overview;
use super::{App, Link, Pane, Slot, Wish, unknown};

impl App {
    /// What the open pane shows.
    fn wanted(&self) -> BTreeMap<Slot, Topic> {
        let height = self.height();
        let mut wanted = BTreeMap::from([(Slot::Status, Topic::Status)]);
        match self.pane {
            Pane::Overview => wanted.extend([
                (Slot::Rtt, Overview::rtt_topic()),
                (Slot::Queues, Topic::Queues),
                (Slot::Worst, self.overview.worst_topic()),
            ]),
            Pane::Tree => drop(wanted.insert(Slot::Tree, Topic::Tree(TreeQuery::default()))),
            Pane::Circuits => drop(wanted.insert(Slot::Circuits, self.circuits.topic(height))),
            Pane::Circuit => {
                if let Some(circuit) = &self.circuit {
                    let flows = circuit.flows.topic(height, Some(circuit.id.to_string()));
                    wanted.extend([
                        (Slot::Circuit, circuit.topic()),
                        (Slot::CircuitFlows, flows),
                        (Slot::CircuitHosts, circuit.hosts_topic()),
                    ]);
                }
            }
            Pane::Flows => drop(wanted.insert(Slot::Flows, self.flows.topic(height, None))),
            Pane::Unknown => {
                drop(wanted.insert(Slot::Unknown, unknown::topic(&self.unknown, height)));
            }
            Pane::Health => {}
            Pane::Events => drop(wanted.insert(Slot::Events, self.events.topic())),
        }
        wanted
    }

    /// What is subscribed to.
    pub fn subscriptions(&self) -> Vec<(Slot, Topic)> {
        self.subscribed.iter().map(|(slot, topic)| (*slot, topic.clone())).collect()
    }

    /// Wishes for what is wanted and not subscribed to, and no more for what is not wanted.
    pub(super) fn want(&mut self) {
        if self.link != Link::Up {
            return;
        }
        let wanted = self.wanted();
        for slot in self.subscribed.keys().filter(|slot| !wanted.contains_key(slot)) {
            self.wishes.push(Wish::Unsubscribe(*slot));
            self.served.remove(slot);
        }
        for (slot, topic) in &wanted {
            if self.subscribed.get(slot) != Some(topic) {
                self.wishes.push(Wish::Subscribe(*slot, topic.clone()));
                self.served.remove(slot);
            }
        }
        self.subscribed = wanted;
    }

    /// Wishes for what the daemon remembers of the box.
    pub(super) fn ask_history(&mut self) {
        if self.link == Link::Up {
            self.wishes.push(Wish::Ask(Slot::History, Topic::History));
        }
    }
}
