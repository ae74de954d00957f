//! What is shown: a machine that is fed with events and says what it wishes for.

mod act;
mod circuit;
mod circuits;
mod event;
mod events;
mod field;
mod flows;
pub mod keys;
mod layout;
mod link;
mod list;
mod overview;
mod pane;
mod receive;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod unknown;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus::{StatusView, Topic};
use jiff::tz::TimeZone;

pub use circuit::{Circuit, CircuitPoint, now};
pub use circuits::{CircuitColumn, Circuits};
pub use event::{Event, Slot, Target, Wish};
pub use events::Events;
pub use field::Field;
pub use flows::{FlowColumn, Flows};
pub use layout::{CircuitParts, Frame, TableParts, list_height};
pub use link::Link;
pub use list::{List, Row};
pub use overview::{Overview, SAMPLES_MIN, Worst};
pub use pane::Pane;
pub use table::{Column, Table};
pub use tree::{Leaf, Tree};
pub use unknown::{Unknown, UnknownColumn};

use crate::figures::Unit;
use crate::theme::Theme;

/// What a dot in a chart stands for: so many ticks.
const ZOOMS: [u64; 3] = [1, 2, 5];

/// What is shown, and what is known.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) size: (u16, u16),
    pub(crate) now: Duration,
    pub(crate) zone: TimeZone,
    pub(crate) theme: Theme,
    pub(crate) unit: Unit,
    pub(crate) pane: Pane,
    /// The pane to go back to from one circuit.
    back: Pane,
    pub(crate) link: Link,
    /// Since when it stands still.
    pub(crate) paused: Option<Duration>,
    /// First line of the help that is shown; none: no help.
    pub(crate) help: Option<u16>,
    /// Said once, until the next key.
    pub(crate) note: Option<String>,
    pub(crate) zoom: u64,
    pub(crate) status: Option<StatusView>,
    pub(crate) overview: Overview,
    pub(crate) tree: Tree,
    pub(crate) circuits: Circuits,
    pub(crate) circuit: Option<Circuit>,
    pub(crate) flows: Flows,
    pub(crate) unknown: Unknown,
    /// First line of the health pane that is shown.
    pub(crate) health: u16,
    pub(crate) events: Events,
    subscribed: BTreeMap<Slot, Topic>,
    /// Slots whose topic has had a view.
    served: BTreeSet<Slot>,
    wishes: Vec<Wish>,
    changed: bool,
}

impl App {
    /// A screen of this many columns and rows, before anything is known.
    pub fn new(size: (u16, u16), theme: Theme, zone: TimeZone) -> Self {
        Self {
            size,
            now: Duration::ZERO,
            zone,
            theme,
            unit: Unit::Bits,
            pane: Pane::default(),
            back: Pane::Circuits,
            link: Link::Connecting,
            paused: None,
            help: None,
            note: None,
            zoom: ZOOMS[0],
            status: None,
            overview: Overview::default(),
            tree: Tree::default(),
            circuits: Circuits::default(),
            circuit: None,
            flows: Flows::default(),
            unknown: Table::by(UnknownColumn::LastSeen),
            health: 0,
            events: Events::default(),
            subscribed: BTreeMap::new(),
            served: BTreeSet::new(),
            wishes: Vec::new(),
            changed: true,
        }
    }

    /// Takes an event that comes `now` by a clock that only goes forwards.
    pub fn update(&mut self, now: Duration, event: Event) -> Vec<Wish> {
        self.now = self.now.max(now);
        let shows = !matches!(event, Event::Arrived(..));
        self.changed |= shows;
        match event {
            Event::Clock => {}
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Click(target) => self.click(target),
            Event::Wheel(rows) => self.move_by(rows.into()),
            Event::Resize(width, height) => self.resize((width, height)),
            Event::Connected => {
                self.link = Link::Up;
                self.served.clear();
                self.subscribed.clear();
                self.wishes.clear();
                self.ask_history();
            }
            Event::Lost { why } => {
                self.link.lose(self.now, why);
                self.subscribed.clear();
            }
            Event::Arrived(slot, topic, view) => self.arrive(slot, &topic, *view),
            Event::Refused(slot, topic, refusal) => self.refuse(slot, &topic, refusal),
            Event::NotSuspended => self.note = Some("no shell to go back to".to_owned()),
        }
        self.want();
        std::mem::take(&mut self.wishes)
    }

    /// Whether the picture has changed since this was asked last.
    pub fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the picture tells a time that passes, so that it has to be drawn each second.
    pub fn tells_time(&self) -> bool {
        self.paused.is_some() || self.link != Link::Up
    }

    /// The open pane.
    pub fn pane(&self) -> Pane {
        self.pane
    }

    /// Whether colours are for dark or for light terminals.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Whether the bypass is on: packets pass the programs uncounted.
    pub(crate) fn is_bypassed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.bypass)
    }

    /// A rate that the programs measured, as it is shown.
    pub(crate) fn measured(&self, bps: u64) -> String {
        if self.is_bypassed() { "-".to_owned() } else { self.unit.rate(bps) }
    }

    /// Rows of the open pane's list that are in sight.
    pub(crate) fn height(&self) -> u16 {
        list_height(self.pane, self.size)
    }

    /// The filter of the open pane, where it has one.
    pub(crate) fn filter(&self) -> Option<&Field> {
        match self.pane {
            Pane::Circuits => Some(&self.circuits.table.filter),
            Pane::Circuit => self.circuit.as_ref().map(|circuit| &circuit.flows.table.filter),
            Pane::Flows => Some(&self.flows.table.filter),
            Pane::Unknown => Some(&self.unknown.filter),
            Pane::Events => Some(&self.events.filter),
            Pane::Overview | Pane::Tree | Pane::Health => None,
        }
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        let height = |pane| list_height(pane, size);
        keep_in_sight(&mut self.tree.list, height(Pane::Tree));
        keep_in_sight(&mut self.circuits.table.list, height(Pane::Circuits));
        keep_in_sight(&mut self.flows.table.list, height(Pane::Flows));
        keep_in_sight(&mut self.unknown.list, height(Pane::Unknown));
        keep_in_sight(&mut self.events.list, height(Pane::Events));
        if let Some(circuit) = &mut self.circuit {
            keep_in_sight(&mut circuit.flows.table.list, height(Pane::Circuit));
        }
    }
}

fn keep_in_sight<R: Row>(list: &mut List<R>, height: u16) {
    list.bring_in_sight(height);
    list.settle(height);
}
