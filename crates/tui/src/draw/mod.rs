//! A picture of what is shown. Nothing here changes anything, does IO or reads a clock.

mod chart;
mod circuit;
mod circuits;
mod events;
mod flows;
mod frame;
mod grid;
mod health;
mod help;
mod histogram;
mod overview;
mod sheet;
#[cfg(test)]
mod tests;
mod title;
mod tree;
mod unknown;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{App, Frame, Link, Pane, Target};
use crate::theme::{Depth, Palette};
use sheet::Sheet;

pub(crate) use health::scroll_max as health_lines;
pub(crate) use help::scroll_max as help_lines;

/// What can be clicked: the later, the further in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets(Vec<(Rect, Target)>);

impl Targets {
    /// What is at this place.
    pub fn at(&self, x: u16, y: u16) -> Option<Target> {
        let place = ratatui::layout::Position::new(x, y);
        self.0.iter().rev().find(|(area, _)| area.contains(place)).map(|(_, target)| *target)
    }
}

/// Draws the whole screen; tells what can be clicked.
pub fn screen(app: &App, depth: Depth, buffer: &mut Buffer) -> Targets {
    let palette = Palette { theme: app.theme, depth };
    let parts = Frame::of(buffer.area);
    let mut sheet = Sheet::new(buffer, palette);
    frame::head(&mut sheet, parts.head, app);
    frame::tabs(&mut sheet, parts.tabs, app);
    if !parts.body.is_empty() {
        body(&mut sheet, parts.body, app);
    }
    if matches!(app.link, Link::Lost { .. }) {
        sheet.grey(parts.body);
    }
    frame::foot(&mut sheet, parts.foot, app);
    if let Some(first) = app.help {
        help::draw(&mut sheet, parts.body, app.pane, first);
    }
    Targets(sheet.into_targets())
}

fn body(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    match app.pane {
        Pane::Overview => overview::draw(sheet, area, app),
        Pane::Tree => tree::draw(sheet, area, app),
        Pane::Circuits => circuits::draw(sheet, area, app),
        Pane::Circuit => circuit::draw(sheet, area, app),
        Pane::Flows => flows::draw(sheet, area, app),
        Pane::Unknown => unknown::draw(sheet, area, app),
        Pane::Health => health::draw(sheet, area, app),
        Pane::Events => events::draw(sheet, area, app),
    }
}
