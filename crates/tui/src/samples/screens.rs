//! Each pane as text.

use std::time::Duration;

use bus::Topic;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::Provider;
use crate::app::keys::BINDINGS;
use crate::app::{App, Event, Pane, Slot, Wish};
use crate::draw;
use crate::theme::{Depth, Theme};

/// The tick that is shown.
const TICK: u64 = 1_041;

/// One pane as text.
#[derive(Clone, Debug)]
pub struct Screen {
    /// The pane.
    pub pane: Pane,
    /// What it shows, without colours.
    pub text: String,
}

/// Every pane at 120x40.
pub fn screens() -> Vec<Screen> {
    let screen = |pane| {
        let mut viewer = viewer((120, 40));
        viewer.open(pane);
        Screen { pane, text: viewer.text() }
    };
    Pane::ALL.map(screen).into()
}

/// All keys as a table in Markdown, for the guide.
pub fn keys_table() -> String {
    let mut table = "| key | where | what |\n|---|---|---|\n".to_owned();
    for binding in BINDINGS {
        let names: Vec<String> =
            binding.presses.iter().map(|press| format!("`{}`", press.name())).collect();
        let panes: Vec<&str> = binding.panes.iter().map(|pane| pane.name()).collect();
        let panes = if panes.is_empty() { "everywhere".to_owned() } else { panes.join(", ") };
        table.push_str(&format!("| {} | {panes} | {} |\n", names.join(" "), binding.sentence));
    }
    table
}

/// A viewer that is shown a provider with 10,000 circuits.
pub fn viewer(size: (u16, u16)) -> Viewer {
    viewer_of(Provider::new(10_000), size)
}

/// A viewer that is shown this provider.
pub fn viewer_of(provider: Provider, size: (u16, u16)) -> Viewer {
    let mut viewer = Viewer {
        app: App::new(size, Theme::Dark, TimeZone::UTC),
        provider,
        size,
        now: Duration::ZERO,
        tick: TICK,
        depth: Depth::True,
        wished: Vec::new(),
    };
    viewer.take(Event::Connected);
    viewer
}

/// A viewer whose wishes the made-up provider grants at once.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// What is shown.
    pub app: App,
    /// Whom.
    pub provider: Provider,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The clock.
    pub now: Duration,
    /// The provider's tick.
    pub tick: u64,
    /// How many colours there are.
    pub depth: Depth,
    /// Wishes that the last event led to.
    pub wished: Vec<Wish>,
}

impl Viewer {
    /// Opens a pane; the one of a circuit with the fastest, after a while.
    pub fn open(&mut self, pane: Pane) {
        if pane == Pane::Circuit {
            self.press('3');
            self.key(KeyCode::Enter);
            for _ in 0..80 {
                self.tick();
            }
        } else {
            let digit = u32::try_from(pane.number()).ok().and_then(|it| char::from_digit(it, 10));
            self.press(digit.unwrap_or('1'));
        }
    }

    /// Presses a key with a character.
    pub fn press(&mut self, key: char) {
        self.key(KeyCode::Char(key));
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(c));
    }

    /// Presses a key.
    pub fn key(&mut self, code: KeyCode) {
        self.take(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// A second passes, and views come.
    pub fn tick(&mut self) {
        self.tick += 1;
        self.now += Duration::from_secs(1);
        for (slot, topic) in self.app.subscriptions() {
            if slot != Slot::Events {
                self.show(slot, topic);
            }
        }
    }

    /// Takes an event and grants what is wished for.
    pub fn take(&mut self, event: Event) {
        self.wished = self.app.update(self.now, event);
        for wish in self.wished.clone() {
            if let Wish::Subscribe(slot, topic) | Wish::Ask(slot, topic) = wish {
                self.show(slot, topic);
            }
        }
    }

    fn show(&mut self, slot: Slot, topic: Topic) {
        let event = match self.provider.view(&topic, self.tick) {
            Ok(view) => Event::Arrived(slot, topic, Box::new(view)),
            Err(refusal) => Event::Refused(slot, topic, refusal),
        };
        self.app.update(self.now, event);
    }

    /// What is drawn.
    pub fn picture(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        draw::screen(&self.app, self.depth, &mut buffer);
        buffer
    }

    /// What is drawn, without colours.
    pub fn text(&self) -> String {
        text(&self.picture())
    }
}

/// A buffer's text, each line without the spaces at its end.
pub fn text(buffer: &Buffer) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let area = buffer.area;
    let mut shown = String::new();
    for y in area.rows().map(|row| row.y) {
        let mut line = String::new();
        let mut x = area.x;
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // what is wide takes the next cell, too
            x += u16::try_from(symbol.width()).unwrap_or(1).max(1);
        }
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    shown
}
