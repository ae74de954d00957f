//! The tree of nodes.

use ratatui::layout::Rect;
use units::Direction::{Download, Upload};

use super::circuits::{self, again, drops, rate, rtt};
use super::grid::{self, Cell, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, Leaf, TableParts};
use crate::figures::count;
use crate::theme::Role;

const HEADS: [Head; 12] = [
    words("node", 18, 22, 100),
    words("kind", 6, 4, 10),
    figure("circuits", 8, 40),
    figure("↓ now", 9, 95),
    figure("↓ of limit", 10, 85),
    figure("↓ limit", 9, 50),
    figure("↑ now", 9, 90),
    figure("↑ of limit", 10, 75),
    figure("↑ limit", 9, 25),
    figure("drops/s", 7, 60),
    figure("cust p50", 8, 70),
    figure("again", 6, 15),
];

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let (parts, tree) = (TableParts::of(area, 0), &app.tree);
    let spans = circuits::spans(app);
    let title = Title { what: "nodes", of: String::new(), filter: None, spans };
    title::draw(sheet, parts.title, &title, &tree.list, app.height());
    grid::list(sheet, parts.table, &HEADS, None, &tree.list, |leaf, column| {
        cell(app, leaf, column)
    });
}

fn cell<'r>(app: &App, leaf: &'r Leaf, column: usize) -> Cell<'r> {
    let node = &leaf.node;
    let limit = |bps| {
        let text = if node.is_virtual { "virtual".to_owned() } else { app.unit.rate(bps) };
        Cell::new(text, Role::Dim)
    };
    let share = |direction| {
        if node.is_virtual {
            Cell::new("-", Role::Dim)
        } else {
            circuits::share(app, node.share_percent, direction)
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
        3 => rate(app, node.rate_bps.down),
        4 => share(Download),
        5 => limit(node.limit_bps.down),
        6 => rate(app, node.rate_bps.up),
        7 => share(Upload),
        8 => limit(node.limit_bps.up),
        9 => drops(node.drops_per_sec),
        10 => rtt(node.rtt.customer.map(|rtt| rtt.p50_us)),
        _ => again(node.retransmits.map(|it| it.share_percent)),
    }
}
