//! What happened, the newest first.

use bus::{EventRow, Severity};
use ratatui::layout::Rect;

use super::grid::{self, Cell, Head, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, TableParts};
use crate::figures::date_in;
use crate::text::lines;
use crate::theme::Role;

const HEADS: [Head; 5] = [
    words("when", 19, 0, 70),
    words("severity", 9, 0, 90),
    words("kind", 13, 0, 50),
    words("what", 20, 80, 100),
    words("who", 14, 40, 60),
];

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let (parts, events) = (TableParts::of_events(area), &app.events);
    let of = match events.severity_min {
        Severity::Info => String::new(),
        Severity::Warning => "  warnings and errors".to_owned(),
        Severity::Error => "  errors alone".to_owned(),
    };
    let title = Title { what: "events", of, filter: Some(&events.filter), spans: String::new() };
    title::draw(sheet, parts.title, &title, &events.list, app.height());
    grid::list(sheet, parts.table, &HEADS, None, &events.list, |row, column| {
        cell(app, row, column)
    });
    if let (false, Some(row)) = (parts.detail.is_empty(), events.list.chosen_row()) {
        detail(sheet, parts.detail, app, row);
    }
}

fn cell<'r>(app: &App, row: &'r EventRow, column: usize) -> Cell<'r> {
    match column {
        0 => Cell::new(date_in(&app.zone, row.unix_ms), Role::Dim),
        1 => {
            let (text, role) = severity(row.severity);
            Cell::new(text, role)
        }
        2 => Cell::new(row.kind.name(), Role::Dim),
        3 => Cell::new(bus::on_one_line(&row.text), Role::Text),
        _ => Cell::new(bus::inert(&row.cause.to_string()).into_owned(), Role::Dim),
    }
}

/// A sign, a word and a colour.
fn severity(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Info => ("· info", Role::Dim),
        Severity::Warning => ("! warning", Role::Notable),
        Severity::Error => ("✕ error", Role::Alarming),
    }
}

/// The chosen event in full.
fn detail(sheet: &mut Sheet<'_>, area: Rect, app: &App, row: &EventRow) {
    let title = format!(
        "event {}, {}, by {}, configuration {}",
        row.number,
        date_in(&app.zone, row.unix_ms),
        bus::inert(&row.cause.to_string()),
        row.generation
    );
    sheet.rule(area.x, area.y, area.width, &title);
    let columns = area.width.saturating_sub(2);
    let lines = lines(&row.text, columns);
    let hidden = lines.len().saturating_sub(usize::from(area.height.saturating_sub(1)));
    for (y, line) in (area.y + 1..area.bottom()).zip(&lines) {
        let is_last = y + 1 == area.bottom();
        let said = format!("… {} more lines, `tidegate events` has them", hidden + 1);
        let (text, role) =
            if is_last && hidden > 0 { (&said, Role::Notable) } else { (line, Role::Text) };
        sheet.put(area.x + 1, y, columns, text, role);
    }
}
