//! One circuit.

use bus::{CircuitRow, HostRow, LeafView, TinView};
use ratatui::layout::Rect;
use units::{Direction, PerDirection, Segment};

use super::chart::{LABELS, bucketed, mirrored};
use super::circuits::{again, rate, role_of, rtt, spans};
use super::flows;
use super::grid::{Cell, Columns, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, Circuit, CircuitParts, now};
use crate::figures::{Unit, bytes, count, exact_rate, milliseconds, percent, percent_of, sum};
use crate::text::{foreign, width};
use crate::theme::Role;

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, body: Rect, app: &App) {
    let Some(circuit) = &app.circuit else {
        let said = "No circuit is open. Choose one among the circuits (3) and press Enter.";
        sheet.put(body.x + 1, body.y, body.width.saturating_sub(1), said, Role::Dim);
        return;
    };
    let parts = CircuitParts::of(body);
    name(sheet, parts.title, circuit);
    if let Some(row) = &circuit.row {
        chart(sheet, parts.chart, app, circuit, row);
        figures(sheet, parts.figures, app, row);
        leaves(sheet, parts.leaves, row);
    }
    hosts(sheet, parts.hosts, app, circuit);
    if !parts.flows.is_empty() {
        let line = Rect { height: 1, ..parts.flows };
        sheet.rule(line.x, line.y, line.width, "");
        let what = if circuit.flows.recent { " flows that ended lately" } else { " flows" };
        let filter = Some(&circuit.flows.table.filter);
        let title = Title { what, of: " ".to_owned(), filter, spans: flows::SPANS.to_owned() };
        title::draw(sheet, line, &title, &circuit.flows.table.list, app.height());
        let table = Rect { y: line.y + 1, height: parts.flows.height - 1, ..parts.flows };
        flows::of_circuit(sheet, table, app, &circuit.flows);
    }
}

/// Which one, and where it hangs.
fn name(sheet: &mut Sheet<'_>, at: Rect, circuit: &Circuit) {
    if at.is_empty() {
        return;
    }
    let id = foreign(&circuit.id, 24);
    let mut x =
        sheet.run(at.x + 1, at.y, at.width - 1, &[("circuit ", Role::Accent), (&id, Role::Strong)]);
    let said = match &circuit.row {
        _ if circuit.is_gone => "  there is no such circuit".to_owned(),
        None => "  waiting for the daemon".to_owned(),
        Some(row) => {
            let asleep = if row.asleep { ", asleep" } else { "" };
            let node = row.node.as_deref().map_or("no node".into(), bus::inert);
            let addresses: Vec<_> = row.addresses.iter().map(|it| bus::inert(it)).collect();
            format!(
                "  {}  at {node}, CPU {}{asleep}  {}",
                bus::inert(&row.name),
                row.cpu,
                addresses.join(" ")
            )
        }
    };
    let role = if circuit.is_gone { Role::Alarming } else { Role::Text };
    let left = at.right().saturating_sub(x);
    x = sheet.put(x, at.y, left, &said, role);
    debug_assert!(x <= at.right());
}

/// Its rates since it was opened.
fn chart(sheet: &mut Sheet<'_>, at: Rect, app: &App, circuit: &Circuit, row: &CircuitRow) {
    if at.height < 4 || at.width <= LABELS + 4 {
        return;
    }
    let at = Rect { width: at.width - 2, ..at };
    let series = PerDirection::from_fn(|direction| {
        let points = circuit.history.iter().map(|point| (point.tick, point.rate_bps[direction]));
        bucketed(points, app.zoom, usize::from(at.width - LABELS) * 2)
    });
    // the plan is the top, so that the height says how much of it is in use
    mirrored(sheet, at, app, &series, row.plan_bps);
}

/// Rates against the plan, RTTs, then what goes with them; a line each while there is room.
fn figures(sheet: &mut Sheet<'_>, at: Rect, app: &App, row: &CircuitRow) {
    let again = row.retransmits.map(|it| percent_of(it.share_percent));
    let drops = row.drops_per_sec;
    let drops_role = if sum(drops) > 0 { Role::Notable } else { Role::Text };
    let texts = [
        (format!("again    ↓ {}  ↑ {} of segments", again.down, again.up), Role::Text),
        (format!("drops    {}/s, {} in all", count(sum(drops)), count(sum(row.drops))), drops_role),
        (format!("waiting  {}", bytes(sum(row.backlog_bytes))), Role::Text),
        (spans(app), Role::Dim),
    ];
    let mut lines = at.rows();
    for direction in Direction::ALL {
        if let Some(line) = lines.next() {
            against_plan(sheet, line, app, row, direction);
        }
    }
    for segment in Segment::ALL {
        if let Some(line) = lines.next() {
            percentiles(sheet, line, line.y, segment, row);
        }
    }
    for ((text, role), line) in texts.into_iter().zip(lines) {
        sheet.put(line.x + 1, line.y, line.width.saturating_sub(1), &text, role);
    }
}

/// One direction's rate beside the plan's, and the share as a bar.
fn against_plan(
    sheet: &mut Sheet<'_>,
    at: Rect,
    app: &App,
    row: &CircuitRow,
    direction: Direction,
) {
    let (arrow, role) = match direction {
        Direction::Download => ("↓ ", role_of(direction)),
        Direction::Upload => ("↑ ", role_of(direction)),
    };
    let rate = format!("{:>9}", app.measured(now(row)[direction]));
    let plan = match app.unit {
        Unit::Bits => exact_rate(row.plan_bps[direction]),
        Unit::Bytes => app.unit.rate(row.plan_bps[direction]),
    };
    let parts = [
        (arrow, role),
        (&rate, Role::Strong),
        (" of ", Role::Dim),
        (&plan, Role::Text),
        (" ", Role::Dim),
    ];
    let x = sheet.run(at.x + 1, at.y, at.width.saturating_sub(1), &parts);
    if app.is_bypassed() {
        return;
    }
    let share = row.share_percent[direction];
    let room = at.right().saturating_sub(x + 1);
    if room > 12 {
        sheet.bar(x, at.y, room - 7, share / 100.0, role);
    }
    sheet.put_right(x, at.y, room, &percent(share), Role::Text);
}

fn percentiles(sheet: &mut Sheet<'_>, at: Rect, y: u16, segment: Segment, row: &CircuitRow) {
    let name = match segment {
        Segment::Customer => "RTT cust ",
        Segment::Internet => "RTT net  ",
    };
    let mut x = sheet.put(at.x + 1, y, at.width - 1, name, Role::Dim);
    let Some(rtt) = row.rtt[segment] else {
        let left = at.right().saturating_sub(x);
        sheet.put(x, y, left, "not measured", Role::Dim);
        return;
    };
    for (name, us) in [("p50 ", rtt.p50_us), ("p90 ", rtt.p90_us), ("p99 ", rtt.p99_us)] {
        // the unit once, behind the last
        let value = milliseconds(Some(us));
        let value =
            if name == "p99 " { value } else { format!("{} ", value.trim_end_matches(" ms")) };
        if x + width(name) + width(&value) <= at.right() {
            let left = at.right() - x;
            x = sheet.run(x, y, left, &[(name, Role::Dim), (&value, Role::Text)]);
        }
    }
}

const TINS: [Head; 7] = [
    words("tin", 11, 2, 100),
    figure("↓ delay", 8, 95),
    figure("peak", 8, 60),
    figure("drops", 7, 80),
    figure("↑ delay", 8, 90),
    figure("peak", 8, 55),
    figure("drops", 7, 75),
];

/// What the qdiscs under its classes do, tin by tin where they are CAKE.
fn leaves(sheet: &mut Sheet<'_>, at: Rect, row: &CircuitRow) {
    if at.height < 3 {
        return;
    }
    let leaf = row.leaf.as_ref().map(Option::as_ref);
    let kind = |leaf: Option<&LeafView>| leaf.map_or("none".into(), |leaf| foreign(&leaf.kind, 10));
    let title = format!("queue: {} ↓, {} ↑", kind(leaf.down), kind(leaf.up));
    sheet.rule(at.x, at.y, at.width, &title);
    let table = Rect { y: at.y + 1, height: at.height - 1, ..at };
    let columns = Columns::fitted(&TINS, table);
    columns.heads(sheet, table.y, &TINS, None);
    let mut y = table.y + 1;
    let tins = leaf.map(|leaf| leaf.map_or(&[][..], |leaf| &leaf.tins));
    for i in (0..tins.down.len().max(tins.up.len())).rev() {
        let tin = tins.map(|tins| tins.get(i));
        if y < table.bottom() {
            columns.row(sheet, y, &TINS, |column| tin_cell(tin, column));
            y += 1;
        }
    }
    if y < table.bottom() {
        let all = PerDirection::from_fn(|direction| leaf[direction]);
        columns.row(sheet, y, &TINS, |column| leaf_cell(all, column));
    }
}

fn tin_cell<'a>(tin: PerDirection<Option<&'a TinView>>, column: usize) -> Cell<'a> {
    let side = if column < 4 { tin.down } else { tin.up };
    let name = tin.down.or(tin.up);
    let Some(side) = side else { return Cell::new("-", Role::Dim) };
    match column {
        0 => Cell::foreign(name.map_or("-", |tin| &tin.name), Role::Text),
        1 | 4 => delay(side.avg_delay_us),
        2 | 5 => delay(side.peak_delay_us),
        _ => Cell::unless_zero(side.drops, count(side.drops), Role::Text),
    }
}

fn delay(us: u64) -> Cell<'static> {
    Cell::unless_zero(us, milliseconds(Some(us)), Role::Text)
}

fn leaf_cell<'a>(leaf: PerDirection<Option<&'a LeafView>>, column: usize) -> Cell<'a> {
    let side = if column < 4 { leaf.down } else { leaf.up };
    match (column, side) {
        (0, _) => Cell::new("all", Role::Dim),
        (3 | 6, Some(leaf)) => Cell::unless_zero(leaf.drops, count(leaf.drops), Role::Text),
        _ => Cell::new("", Role::Dim),
    }
}

const HOSTS: [Head; 6] = [
    words("host", 15, 16, 100),
    figure("↓ now", 9, 90),
    figure("↑ now", 9, 85),
    figure("flows", 5, 60),
    figure("RTT mean", 8, 70),
    figure("again", 6, 50),
];

fn hosts(sheet: &mut Sheet<'_>, at: Rect, app: &App, circuit: &Circuit) {
    if at.height < 3 || at.width < 10 {
        return;
    }
    let at = Rect { x: at.x + 2, width: at.width - 2, ..at };
    sheet.rule(
        at.x,
        at.y,
        at.width,
        &format!("hosts {}, again: since first seen", count(circuit.hosts_matched.into())),
    );
    let table = Rect { y: at.y + 1, height: at.height - 1, ..at };
    let columns = Columns::fitted(&HOSTS, table);
    columns.heads(sheet, table.y, &HOSTS, None);
    for (y, host) in (table.y + 1..table.bottom()).zip(&circuit.hosts) {
        columns.row(sheet, y, &HOSTS, |column| host_cell(app, host, column));
    }
}

fn host_cell(app: &App, host: &HostRow, column: usize) -> Cell<'static> {
    match column {
        0 => Cell::new(host.addr.to_string(), Role::Text),
        1 => rate(app, host.rate_bps.down),
        2 => rate(app, host.rate_bps.up),
        3 => Cell::new(count(host.flows.into()), Role::Dim),
        4 => rtt(host.rtt.customer.map(|rtt| rtt.mean_us)),
        _ => again(host.retransmits.map(|it| it.share_percent)),
    }
}
