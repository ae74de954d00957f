//! All circuits.

use bus::CircuitRow;
use ratatui::layout::Rect;
use units::Direction::{self, Download, Upload};
use units::PerDirection;

use super::grid::{self, Cell, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, CircuitColumn, Column as _, TableParts, now};
use crate::figures::{bytes, count, duration, milliseconds, percent, sum};
use crate::theme::Role;

/// A share of segments sent again that is worth a look.
pub(super) const SENT_AGAIN_NOTABLE: f32 = 2.0;

/// The heads in the order of [`CircuitColumn::ALL`].
const HEADS: [Head; 15] = [
    words("id", 6, 2, 90),
    words("name", 16, 24, 80),
    words("node", 10, 8, 30),
    figure("↓ now", 9, 100),
    figure("↓ of plan", 12, 70),
    figure("↓ plan", 8, 40),
    figure("↑ now", 9, 95),
    figure("↑ of plan", 12, 35),
    figure("↑ plan", 8, 20),
    figure("waiting", 7, 25),
    figure("drops/s", 7, 60),
    figure("cust p90", 8, 65),
    figure("net p90", 8, 45),
    figure("again", 6, 15),
    figure("marks/s", 7, 10),
];

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let (parts, table) = (TableParts::of(area, 0), &app.circuits.table);
    let below = app.circuits.node.as_ref();
    let of = below.map_or_else(String::new, |(_, name)| format!("  below {}", bus::inert(name)));
    let title = Title { what: "circuits", of, filter: Some(&table.filter), spans: spans(app) };
    title::draw(sheet, parts.title, &title, &table.list, app.height());
    let sorts = CircuitColumn::ALL.iter().position(|column| *column == table.sort);
    let sort = sorts.map(|column| (column, table.descending));
    grid::list(sheet, parts.table, &HEADS, sort, &table.list, |row, column| {
        cell(app, row, CircuitColumn::ALL[column])
    });
}

fn cell<'r>(app: &App, row: &'r CircuitRow, column: CircuitColumn) -> Cell<'r> {
    match column {
        CircuitColumn::Id => Cell::foreign(&row.id, Role::Dim),
        CircuitColumn::Name => Cell::foreign(&row.name, Role::Text),
        CircuitColumn::Node => Cell::foreign(row.node.as_deref().unwrap_or("-"), Role::Dim),
        CircuitColumn::Now(Download) if row.asleep => Cell::new("asleep", Role::Dim),
        CircuitColumn::Now(direction) => rate(app, now(row)[direction]),
        CircuitColumn::Share(direction) => share(app, row.share_percent, direction),
        CircuitColumn::Plan(direction) => {
            Cell::new(app.unit.rate(row.plan_bps[direction]), Role::Dim)
        }
        CircuitColumn::Waiting => {
            let waiting = sum(row.backlog_bytes);
            Cell::unless_zero(waiting, bytes(waiting), Role::Text)
        }
        CircuitColumn::Drops => drops(row.drops_per_sec),
        CircuitColumn::RttCustomer => rtt(row.rtt.customer.map(|rtt| rtt.p90_us)),
        CircuitColumn::RttInternet => rtt(row.rtt.internet.map(|rtt| rtt.p90_us)),
        CircuitColumn::SentAgain => again(row.retransmits.map(|it| it.share_percent)),
        CircuitColumn::Marks => {
            let leaves = row.leaf.as_ref();
            let marks = sum(leaves.map(|leaf| leaf.as_ref().map_or(0, |leaf| leaf.marks_per_sec)));
            Cell::unless_zero(marks, count(marks), Role::Text)
        }
    }
}

/// What percentiles of RTTs and segments sent again are from.
pub(super) fn spans(app: &App) -> String {
    let said = |window| format!("RTT: last {}, again: last second", duration(window));
    app.status.as_ref().map_or_else(String::new, |status| said(status.window_ms))
}

/// The colour of a direction.
pub(super) const fn role_of(direction: Direction) -> Role {
    match direction {
        Download => Role::Down,
        Upload => Role::Up,
    }
}

/// A rate that was measured.
pub(super) fn rate(app: &App, bps: u64) -> Cell<'static> {
    Cell::unless_zero(bps, app.measured(bps), Role::Text)
}

/// How much of a limit is in use.
pub(super) fn share(app: &App, percent: PerDirection<f32>, direction: Direction) -> Cell<'static> {
    if app.is_bypassed() {
        Cell::new("-", Role::Dim)
    } else {
        Cell::share(percent[direction], role_of(direction))
    }
}

/// An RTT, dim where there is none.
pub(super) fn rtt(us: Option<u64>) -> Cell<'static> {
    Cell::new(milliseconds(us), if us.is_some() { Role::Text } else { Role::Dim })
}

/// Drops of both directions.
pub(super) fn drops(per_sec: PerDirection<u64>) -> Cell<'static> {
    let drops = sum(per_sec);
    Cell::unless_zero(drops, count(drops), Role::Notable)
}

/// The larger share of segments sent again.
pub(super) fn again(shares: PerDirection<Option<f32>>) -> Cell<'static> {
    let most = shares.down.into_iter().chain(shares.up).reduce(f32::max);
    match most {
        None => Cell::new("-", Role::Dim),
        Some(share) if share >= SENT_AGAIN_NOTABLE => Cell::new(percent(share), Role::Notable),
        Some(share) => Cell::new(percent(share), Role::Text),
    }
}
