//! What comes in, and what is wished for in answer.

use bus::{Refusal, Topic, View};
use ratatui::crossterm::event::KeyEvent;

use super::pane::Pane;

/// What comes in.
#[derive(Clone, Debug)]
pub enum Event {
    /// Nothing but that time has passed.
    Clock,
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// A part of the picture was clicked.
    Click(Target),
    /// The wheel was turned by so many rows, downwards if positive.
    Wheel(i32),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The daemon answers.
    Connected,
    /// The daemon is out of reach.
    Lost {
        /// Why.
        why: String,
    },
    /// A view has come.
    Arrived(Slot, Topic, Box<View>),
    /// The daemon refused a view.
    Refused(Slot, Topic, Refusal),
    /// The terminal cannot be left for the shell.
    NotSuspended,
}

/// A part of the picture that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A pane's tab.
    Tab(Pane),
    /// A row of the pane's list, by its position.
    Row(u32),
    /// A column's head, by its position among all columns of the table.
    Head(usize),
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// One view a tick, in place of what was subscribed to in this slot.
    Subscribe(Slot, Topic),
    /// No more views of this slot.
    Unsubscribe(Slot),
    /// One view, now.
    Ask(Slot, Topic),
    /// Clear the screen and draw everything again.
    Repaint,
    /// Leave the terminal to the shell until that continues the program.
    Suspend,
    /// End.
    Quit,
}

/// A place for one topic's views. Several may be of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The daemon and the box as a whole.
    Status,
    /// The box over the last minutes.
    History,
    /// RTTs of the box, with their histogram.
    Rtt,
    /// The queues.
    Queues,
    /// The worst circuits.
    Worst,
    /// The tree.
    Tree,
    /// The part of all circuits that is in sight.
    Circuits,
    /// The open circuit.
    Circuit,
    /// Its flows.
    CircuitFlows,
    /// Its hosts.
    CircuitHosts,
    /// The part of all flows that is in sight.
    Flows,
    /// The part of the unknown hosts that is in sight.
    Unknown,
    /// Events.
    Events,
}
