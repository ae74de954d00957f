//! What is drawn on: a buffer, the colours, and what can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::app::Target;
use crate::text::{cut, width};
use crate::theme::{Depth, Palette, Role};

/// Eighths of a bar that grows to the right.
const RIGHT: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/// Eighths of a bar that grows upwards.
const UP: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// What is drawn on. Nothing is drawn outside of the buffer.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    buffer: &'a mut Buffer,
    palette: Palette,
    targets: Vec<(Rect, Target)>,
}

impl<'a> Sheet<'a> {
    /// A sheet on this buffer.
    pub(super) fn new(buffer: &'a mut Buffer, palette: Palette) -> Self {
        Self { buffer, palette, targets: Vec::new() }
    }

    /// What can be clicked.
    pub(super) fn into_targets(self) -> Vec<(Rect, Target)> {
        self.targets
    }

    /// Has a click into the area mean this.
    pub(super) fn target(&mut self, area: Rect, target: Target) {
        self.targets.push((area, target));
    }

    /// How a part looks.
    pub(super) fn style(&self, role: Role) -> Style {
        self.palette.style(role)
    }

    /// Writes a text into so many columns, cut if it must be; tells the column behind it.
    pub(super) fn put(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        self.put_styled(x, y, columns, text, self.style(role))
    }

    pub(super) fn put_styled(
        &mut self,
        x: u16,
        y: u16,
        columns: u16,
        text: &str,
        style: Style,
    ) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() || y < area.top() {
            return x;
        }
        let text = cut(text, columns.min(area.right() - x));
        self.buffer.set_stringn(x, y, &text, columns.into(), style).0
    }

    /// Writes a text at the right end of so many columns.
    pub(super) fn put_right(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) {
        let text = cut(text, columns);
        let left = x.saturating_add(columns.saturating_sub(width(&text)));
        self.put(left, y, columns, &text, role);
    }

    /// Writes texts one behind the other; tells the column behind them.
    pub(super) fn run(&mut self, x: u16, y: u16, columns: u16, parts: &[(&str, Role)]) -> u16 {
        let end = x.saturating_add(columns);
        parts.iter().fold(
            x,
            |at, (text, role)| {
                if at < end { self.put(at, y, end - at, text, *role) } else { at }
            },
        )
    }

    /// A thin line with a title in it.
    pub(super) fn rule(&mut self, x: u16, y: u16, columns: u16, title: &str) {
        self.put(x, y, columns, &"─".repeat(columns.into()), Role::Rule);
        if !title.is_empty() && columns > 4 {
            let title = format!(" {} ", cut(title, columns - 4));
            self.put(x + 1, y, columns - 2, &title, Role::Accent);
        }
    }

    /// A bar that fills this share of so many columns.
    pub(super) fn bar(&mut self, x: u16, y: u16, columns: u16, share: f32, role: Role) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let eighths = (share * f32::from(columns) * 8.0).round() as usize;
        let (full, rest) = (eighths / 8, eighths % 8);
        let shown = format!("{}{}", RIGHT[8].repeat(full), RIGHT[rest]);
        let style = self.palette.track().patch(self.style(role));
        self.put_styled(x, y, columns, &" ".repeat(columns.into()), style);
        self.put_styled(x, y, columns, &shown, style);
    }

    /// A column that fills this share of the area's height; an area is one column wide.
    pub(super) fn column(&mut self, area: Rect, share: f64, role: Role) {
        let eighths = (share.clamp(0.0, 1.0) * f64::from(area.height) * 8.0).round() as usize;
        // what is there at all is seen
        let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
        for row in 0..area.height {
            let filled = eighths.saturating_sub(usize::from(row) * 8).min(8);
            if filled > 0 {
                self.put(area.x, area.bottom() - 1 - row, 1, UP[filled], role);
            }
        }
    }

    /// A single row of columns, scaled to the largest.
    pub(super) fn sparkline(&mut self, area: Rect, values: &[u64], role: Role) {
        let most = values.iter().copied().max().unwrap_or(0).max(1);
        let left = area.right().saturating_sub(u16::try_from(values.len()).unwrap_or(area.width));
        for (x, value) in (left.max(area.x)..area.right()).zip(values) {
            self.column(Rect::new(x, area.y, 1, 1), *value as f64 / most as f64, role);
        }
    }

    /// Lays a style over what is there.
    pub(super) fn lay(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area.intersection(self.buffer.area), style);
    }

    /// Empties an area.
    pub(super) fn clear(&mut self, area: Rect) {
        for position in area.intersection(self.buffer.area).positions() {
            self.buffer[position].reset();
        }
        self.targets.retain(|(target, _)| !target.intersects(area));
    }

    /// Takes the colours out of an area: what it shows is out of date.
    pub(super) fn grey(&mut self, area: Rect) {
        let dim = self.style(Role::Dim);
        let has_colours = self.palette.depth != Depth::None;
        for Position { x, y } in area.intersection(self.buffer.area).positions() {
            let cell = &mut self.buffer[(x, y)];
            if has_colours {
                cell.modifier.remove(Modifier::BOLD);
                let bar = cell.bg != ratatui::style::Color::Reset;
                cell.set_style(dim);
                if bar && cell.symbol() == " " {
                    cell.set_style(self.palette.track());
                }
            } else {
                cell.modifier.remove(Modifier::BOLD | Modifier::UNDERLINED);
                cell.modifier.insert(Modifier::DIM);
            }
        }
    }
}
