//! Hosts that no device covers.

use bus::UnknownRow;
use ratatui::layout::Rect;

use super::grid::{self, Cell, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, Column as _, TableParts, UnknownColumn};
use crate::figures::{bytes, count, duration, sum};
use crate::theme::Role;

/// The heads in the order of [`UnknownColumn::ALL`].
const HEADS: [Head; 7] = [
    words("address", 15, 24, 100),
    figure("silent for", 12, 90),
    figure("known for", 12, 70),
    figure("bytes", 9, 80),
    figure("↓ bytes", 9, 50),
    figure("↑ bytes", 9, 45),
    figure("packets", 11, 30),
];

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let (parts, table) = (TableParts::of(area, 0), &app.unknown);
    let of = "  their traffic is not shaped: no device covers them".to_owned();
    let title =
        Title { what: "unknown hosts", of, filter: Some(&table.filter), spans: String::new() };
    title::draw(sheet, parts.title, &title, &table.list, app.height());
    let sorts = UnknownColumn::ALL.iter().position(|column| *column == table.sort);
    let sort = sorts.map(|column| (column, table.descending));
    grid::list(sheet, parts.table, &HEADS, sort, &table.list, |row, column| {
        cell(row, UnknownColumn::ALL[column])
    });
}

fn cell(row: &UnknownRow, column: UnknownColumn) -> Cell<'_> {
    match column {
        UnknownColumn::Address => Cell::new(row.addr.to_string(), Role::Text),
        UnknownColumn::LastSeen => Cell::new(duration(row.last_seen_ms_ago), Role::Text),
        UnknownColumn::FirstSeen => Cell::new(duration(row.first_seen_ms_ago), Role::Dim),
        UnknownColumn::Bytes => Cell::new(bytes(sum(row.bytes)), Role::Text),
        UnknownColumn::Down => Cell::unless_zero(row.bytes.down, bytes(row.bytes.down), Role::Dim),
        UnknownColumn::Up => Cell::unless_zero(row.bytes.up, bytes(row.bytes.up), Role::Dim),
        UnknownColumn::Packets => Cell::new(count(sum(row.packets)), Role::Dim),
    }
}
