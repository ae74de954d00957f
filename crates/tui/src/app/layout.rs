//! Where things are, which decides how many rows are in sight.

use ratatui::layout::{Constraint, Layout, Rect};

use super::pane::Pane;

/// The parts of the screen. What there is no room for has no height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The box and the connection.
    pub head: Rect,
    /// The panes.
    pub tabs: Rect,
    /// The open pane.
    pub body: Rect,
    /// The keys.
    pub foot: Rect,
}

impl Frame {
    /// The parts of a screen of this size.
    pub fn of(area: Rect) -> Self {
        let (head, tabs, gap, foot) = match area.height {
            0..2 => (1, 0, 0, 0),
            2..4 => (1, 0, 0, 0),
            4..8 => (1, 1, 0, 0),
            8..20 => (1, 1, 0, 1),
            _ => (1, 1, 1, 1),
        };
        let lengths = [head, tabs, gap];
        let [head, tabs, _, body, foot] = Layout::vertical([
            Constraint::Length(lengths[0]),
            Constraint::Length(lengths[1]),
            Constraint::Length(lengths[2]),
            Constraint::Fill(1),
            Constraint::Length(foot),
        ])
        .areas(area);
        Self { head, tabs, body, foot }
    }
}

/// The parts of a pane that is a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableParts {
    /// What is shown, how much of it, sorted and filtered by what.
    pub title: Rect,
    /// The table with its heads.
    pub table: Rect,
    /// The chosen row in full, where the pane has that.
    pub detail: Rect,
}

impl TableParts {
    /// The parts of a pane of this size, with so many lines for the chosen row in full.
    pub fn of(body: Rect, detail: u16) -> Self {
        let title = u16::from(body.height >= 4);
        let [title, table, detail] = Layout::vertical([
            Constraint::Length(title),
            Constraint::Fill(1),
            Constraint::Length(detail),
        ])
        .areas(body);
        Self { title, table, detail }
    }

    /// The parts of the pane of events. Two fifths of it are for the chosen one and the rule above.
    pub fn of_events(body: Rect) -> Self {
        let detail = body.height * 2 / 5;
        Self::of(body, if detail >= EVENT_LINES_MIN { detail } else { 0 })
    }
}

/// Lines in which an event is shown in full at least, the rule above included.
const EVENT_LINES_MIN: u16 = 4;

/// The parts of the pane of one circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitParts {
    /// Which circuit.
    pub title: Rect,
    /// Its history.
    pub chart: Rect,
    /// Its rates, plan and RTTs.
    pub figures: Rect,
    /// Its leaves.
    pub leaves: Rect,
    /// Its hosts.
    pub hosts: Rect,
    /// Its flows: a title, heads and rows.
    pub flows: Rect,
}

impl CircuitParts {
    /// The parts of a pane of this size.
    pub fn of(body: Rect) -> Self {
        let wide = body.width >= 100;
        let (upper, middle) = match body.height {
            0..6 => (body.height.saturating_sub(1), 0),
            6..9 => (3, 0),
            9..16 => (6, 0),
            16..19 => (6, 0),
            19..24 => (7, 7),
            24..30 => (8, 7),
            _ => (11, 8),
        };
        let [title, upper, middle, flows] = Layout::vertical([
            Constraint::Length(u16::from(body.height > 0)),
            Constraint::Length(upper),
            Constraint::Length(middle),
            Constraint::Fill(1),
        ])
        .areas(body);
        let figures_width = if body.width < 72 || body.height < 12 { body.width } else { 40 };
        let [chart, figures] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(figures_width)])
                .areas(upper);
        let hosts_width = if wide { body.width / 2 } else { 0 };
        let [leaves, hosts] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(hosts_width)])
                .areas(middle);
        Self { title, chart, figures, leaves, hosts, flows }
    }
}

/// How many rows of the pane's list are in sight; at least 1, so that moving always means something.
pub fn list_height(pane: Pane, (width, height): (u16, u16)) -> u16 {
    let body = Frame::of(Rect::new(0, 0, width, height)).body;
    let rows = match pane {
        Pane::Circuit => CircuitParts::of(body).flows.height.saturating_sub(2),
        Pane::Events => TableParts::of_events(body).table.height.saturating_sub(1),
        Pane::Overview | Pane::Health => body.height,
        Pane::Tree | Pane::Circuits | Pane::Flows | Pane::Unknown => {
            TableParts::of(body, 0).table.height.saturating_sub(1)
        }
    };
    rows.max(1)
}
