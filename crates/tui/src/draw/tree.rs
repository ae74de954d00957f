//! The tree of nodes.

use ratatui::layout::Rect;
use units::Direction::{Download, Upload};

use super::circuits::{again, drops, role_of, rtt};
use super::grid::{self, Cell, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, Leaf, TableParts};
use crate::figures::{count, duration};
use crate::theme::Role;

const HEADS: [Head; 12] = [
    words("node", 18, 22, 100),
    words("kind", 6, 4, 10),
    figure("circuits", 8, 40),
    figure("↓ now", 9, 95),
    figure("↓ of limit", 16, 70),
    figure("↓ limit", 9, 50),
    figure("↑ now", 9, 90),
    figure("↑ of limit", 16, 30),
    figure("↑ limit", 9, 25),
    figure("drops/s", 7, 60),
    figure("RTT cust", 8, 45),
    figure("again", 6, 15),
];

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let (parts, tree) = (TableParts::of(area, 0), &app.tree);
    let of = match tree.window_ms() {
        0 => String::new(),
        window => format!("  RTT: median of the last {}", duration(window)),
    };
    let title = Title { what: "nodes", of, filter: None };
    title::draw(sheet, parts.title, &title, &tree.list, app.height());
    grid::list(sheet, parts.table, &HEADS, None, &tree.list, |leaf, column| {
        cell(app, leaf, column)
    });
}

fn cell<'r>(app: &App, leaf: &'r Leaf, column: usize) -> Cell<'r> {
    let node = &leaf.node;
    let rate = |bps| Cell::unless_zero(bps, app.unit.rate(bps), Role::Text);
    let limit = |bps| {
        let text = if node.is_virtual { "virtual".to_owned() } else { app.unit.rate(bps) };
        Cell::new(text, Role::Dim)
    };
    let share = |direction| {
        if node.is_virtual {
            Cell::new("-", Role::Dim)
        } else {
            Cell::share(node.share_percent[direction], role_of(direction))
        }
    };
    match column {
        0 => {
            let sign = match (leaf.has_children, leaf.folded) {
                (true, true) => "▸ ",
                (true, false) => "▾ ",
                (false, _) if leaf.branch.is_empty() => "  ",
                (false, _) => "─ ",
            };
            let text = format!("{}{sign}{}", leaf.branch, bus::inert(&node.name));
            Cell::new(text, if leaf.has_children { Role::Strong } else { Role::Text })
        }
        1 => Cell::foreign(node.kind.as_deref().unwrap_or("-"), Role::Dim),
        2 => Cell::new(count(node.circuits.into()), Role::Dim),
        3 => rate(node.rate_bps.down),
        4 => share(Download),
        5 => limit(node.limit_bps.down),
        6 => rate(node.rate_bps.up),
        7 => share(Upload),
        8 => limit(node.limit_bps.up),
        9 => drops(node.drops_per_sec),
        10 => rtt(node.rtt.customer.map(|rtt| rtt.p50_us)),
        _ => again(node.retransmits.map(|it| it.share_percent)),
    }
}
