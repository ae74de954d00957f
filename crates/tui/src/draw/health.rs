//! The daemon and what it runs on.

use bus::{CountView, Side, StatusView, TcAttachment, ThreadState, XdpMode};
use ratatui::layout::Rect;

use super::grid::{Cell, Columns, Head, figure, words};
use super::sheet::Sheet;
use crate::app::{App, Frame};
use crate::figures::{count, counted, duration, percent};
use crate::text::{self, foreign};
use crate::theme::Role;

/// A table this full is worth a look; from nine tenths on the daemon warns.
const FILLED_NOTABLE: f32 = 75.0;
const FILLED_ALARMING: f32 = 90.0;
/// A CPU this busy may be what limits throughput.
const BUSY_NOTABLE: f32 = 85.0;

/// From this width on there are two columns.
const WIDE: u16 = 100;

/// A line of the pane.
enum Line<'a> {
    Rule(&'static str),
    Text(String, Role),
    Row(&'static [Head], Vec<Cell<'a>>),
    Heads(&'static [Head]),
}

/// The last line that may come first.
pub(crate) fn scroll_max(app: &App) -> u16 {
    let body = Frame::of(Rect::new(0, 0, app.size.0, app.size.1)).body;
    let longest = columns(app, body).iter().map(Vec::len).max().unwrap_or(0);
    u16::try_from(longest).unwrap_or(u16::MAX).saturating_sub(body.height)
}

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let columns = columns(app, area);
    let count = columns.len() as u16;
    let width = width_of_each(area.width, count);
    for (column, lines) in (0..count).zip(&columns) {
        let area = Rect { x: area.x + column * (width + GAP), width, ..area };
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(app.health.into())) {
            draw_line(sheet, Rect { y, height: 1, ..area }, line);
        }
    }
    let below = scroll_max(app).saturating_sub(app.health);
    if below > 0 {
        let last = Rect { y: area.bottom() - 1, height: 1, ..area };
        sheet.clear(last);
        let said = format!("… {} below: ↓", counted(u64::from(below) + 1, "more line"));
        sheet.put(last.x + 2, last.y, last.width.saturating_sub(2), &said, Role::Notable);
    }
}

fn draw_line(sheet: &mut Sheet<'_>, at: Rect, line: &Line<'_>) {
    match line {
        Line::Rule(title) => sheet.rule(at.x, at.y, at.width, title),
        Line::Text(text, role) => {
            sheet.put(at.x + 2, at.y, at.width.saturating_sub(2), text, *role);
        }
        Line::Heads(heads) => Columns::fitted(heads, at).heads(sheet, at.y, heads, None),
        Line::Row(heads, cells) => {
            Columns::fitted(heads, at).row(sheet, at.y, heads, |i| cells[i].clone());
        }
    }
}

/// Columns between what stands side by side.
const GAP: u16 = 2;

/// How wide each of so many is that stand side by side.
fn width_of_each(width: u16, count: u16) -> u16 {
    (width + GAP) / count - GAP.min(width / count)
}

/// The lines, side by side where there is room.
fn columns(app: &App, area: Rect) -> Vec<Vec<Line<'_>>> {
    let Some(status) = &app.status else {
        return vec![vec![Line::Text("waiting for the daemon".to_owned(), Role::Dim)]];
    };
    let is_wide = area.width >= WIDE;
    let mut left = complaints(status, width_of_each(area.width, if is_wide { 2 } else { 1 }));
    left.extend(daemon(status));
    left.extend(threads(status));
    let mut right = cpus(status);
    right.extend(maps(status));
    right.extend(nics(status));
    right.extend(counts("packets in", &status.verdicts, Role::Text));
    right.extend(counts("packets out", &status.egress, Role::Text));
    left.extend(counts("dropped inside the daemon", &status.dropped, Role::Notable));
    left.extend(counts("packet events", &status.packet_events, Role::Text));
    if is_wide {
        vec![left, right]
    } else {
        left.extend(right);
        vec![left]
    }
}

fn complaints(status: &StatusView, width: u16) -> Vec<Line<'static>> {
    let columns = width.saturating_sub(4);
    let mut lines = vec![Line::Rule("problems")];
    let mut say = |sign: &str, text: &str, role| {
        for (i, line) in text::lines(text, columns).iter().enumerate() {
            let sign = if i == 0 { sign } else { " " };
            lines.push(Line::Text(format!("{sign} {line}"), role));
        }
    };
    if status.bypass {
        say("✕", "bypass is on: nothing is shaped or measured", Role::Alarming);
    }
    if let Some(problem) = &status.config.problem {
        say(
            "✕",
            &format!("for {}: {problem}", duration(status.config.problem_ms_ago)),
            Role::Alarming,
        );
    } else if status.config.files_changed {
        say("!", "the files have changed; `tidegate reload` puts them in force", Role::Notable);
    }
    for warning in &status.warnings {
        say("!", warning, Role::Notable);
    }
    if lines.len() == 1 {
        lines.push(Line::Text("none".to_owned(), Role::Good));
    }
    lines
}

fn daemon(status: &StatusView) -> Vec<Line<'static>> {
    let asleep =
        status.asleep.map_or(String::new(), |asleep| format!(", {} asleep", count(asleep.into())));
    let flows = &status.flows;
    let texts = [
        format!(
            "Tidegate {}, process {}, Linux {}",
            foreign(&status.daemon_version, 20),
            status.process,
            foreign(&status.kernel_release, 30)
        ),
        format!("up {}, mode {}", duration(status.uptime_ms), foreign(&status.mode, 20)),
        format!(
            "configuration {}, loaded {} ago",
            status.config.generation,
            duration(status.config.loaded_ms_ago)
        ),
        format!(
            "{}{asleep}, {}",
            counted(status.circuits.into(), "circuit"),
            counted(status.nodes.into(), "node")
        ),
        format!(
            "{}, {} ended lately",
            counted(flows.open.into(), "flow"),
            count(flows.recent.into())
        ),
        format!(
            "{}, {} unknown",
            counted(flows.hosts.into(), "host"),
            count(status.unknown_hosts.into())
        ),
        format!(
            "{} of {}, {}",
            counted(status.clients.into(), "client"),
            status.clients_max,
            counted(status.captures.into(), "capture")
        ),
    ];
    let rule = [Line::Rule("daemon")];
    rule.into_iter().chain(texts.map(|text| Line::Text(text, Role::Text))).collect()
}

const THREADS: [Head; 4] = [
    words("thread", 11, 0, 90),
    words("state", 13, 0, 100),
    figure("heartbeat", 9, 70),
    words("restarts", 10, 30, 50),
];

fn threads(status: &StatusView) -> Vec<Line<'_>> {
    let mut lines = vec![Line::Rule("threads"), Line::Heads(&THREADS)];
    lines.extend(status.threads.iter().map(|thread| {
        let (state, role) = match thread.state {
            ThreadState::Running => ("● running", Role::Good),
            ThreadState::Stale => ("! late", Role::Notable),
            ThreadState::BackingOff => ("✕ backing off", Role::Alarming),
            ThreadState::Ended => ("✕ ended", Role::Alarming),
        };
        let end = match (&thread.last_exit, thread.restarts) {
            (None, 0) => Cell::new("-", Role::Dim),
            (None, n) => Cell::new(n.to_string(), Role::Notable),
            (Some(why), n) => Cell::new(format!("{n}, {}", bus::inert(why)), Role::Notable),
        };
        let age = Cell::new(milliseconds_or_more(thread.heartbeat_age_ms), Role::Dim);
        Line::Row(
            &THREADS,
            vec![Cell::foreign(&thread.name, Role::Text), Cell::new(state, role), age, end],
        )
    }));
    lines
}

/// A short time in milliseconds, a longer one in its two largest units.
fn milliseconds_or_more(ms: u64) -> String {
    if ms < 10_000 { format!("{} ms", count(ms)) } else { duration(ms) }
}

const CPUS: [Head; 3] = [words("CPU", 4, 0, 100), figure("busy", 26, 90), figure("softirq", 9, 80)];

fn cpus(status: &StatusView) -> Vec<Line<'_>> {
    let mut lines = vec![Line::Rule("CPUs"), Line::Heads(&CPUS)];
    lines.extend(status.cpus.iter().map(|cpu| {
        let role = if cpu.busy_percent >= BUSY_NOTABLE { Role::Notable } else { Role::Good };
        let text_role = if role == Role::Good { Role::Text } else { role };
        let busy =
            Cell::new(percent(cpu.busy_percent), text_role).behind(cpu.busy_percent / 100.0, role);
        let softirq = Cell::new(percent(cpu.softirq_percent), Role::Dim);
        Line::Row(&CPUS, vec![Cell::new(cpu.cpu.to_string(), Role::Text), busy, softirq])
    }));
    lines
}

const MAPS: [Head; 4] = [
    words("map", 14, 8, 100),
    figure("filled", 18, 90),
    figure("used", 9, 70),
    figure("capacity", 9, 60),
];

fn maps(status: &StatusView) -> Vec<Line<'_>> {
    let mut lines = vec![Line::Rule("tables in the kernel"), Line::Heads(&MAPS)];
    lines.extend(status.maps.iter().map(|map| {
        let filled =
            if map.capacity == 0 { 0.0 } else { map.used as f32 * 100.0 / map.capacity as f32 };
        let role = match filled {
            FILLED_ALARMING.. => Role::Alarming,
            FILLED_NOTABLE.. => Role::Notable,
            _ => Role::Good,
        };
        let text_role = if role == Role::Good { Role::Text } else { role };
        Line::Row(
            &MAPS,
            vec![
                Cell::foreign(&map.name, Role::Text),
                Cell::new(percent(filled), text_role).behind(filled / 100.0, role),
                Cell::new(count(map.used), Role::Text),
                Cell::new(count(map.capacity), Role::Dim),
            ],
        )
    }));
    lines
}

const NICS: [Head; 5] = [
    words("NIC", 8, 8, 100),
    words("leads to", 9, 0, 80),
    words("XDP", 9, 0, 90),
    words("tc", 7, 0, 70),
    figure("queues", 6, 60),
];

fn nics(status: &StatusView) -> Vec<Line<'_>> {
    let mut lines = vec![Line::Rule("NICs"), Line::Heads(&NICS)];
    lines.extend(status.nics.iter().map(|nic| {
        let side = match nic.side {
            Side::Customers => "customers",
            Side::Internet => "Internet",
            Side::Both => "both",
        };
        let (xdp, xdp_role) = match nic.xdp {
            Some(XdpMode::Native) => ("native", Role::Text),
            Some(XdpMode::Generic) => ("! generic", Role::Notable),
            None => ("✕ none", Role::Alarming),
        };
        let (tc, tc_role) = match nic.tc {
            Some(TcAttachment::Tcx) => ("TCX", Role::Text),
            Some(TcAttachment::Clsact) => ("clsact", Role::Text),
            None => ("✕ none", Role::Alarming),
        };
        Line::Row(
            &NICS,
            vec![
                Cell::foreign(&nic.name, Role::Text),
                Cell::new(side, Role::Dim),
                Cell::new(xdp, xdp_role),
                Cell::new(tc, tc_role),
                Cell::new(nic.queues.to_string(), Role::Dim),
            ],
        )
    }));
    lines
}

const COUNTS: [Head; 3] =
    [words("what", 22, 20, 100), figure("in all", 13, 90), figure("a second", 10, 80)];

/// Counters that have counted something.
fn counts<'a>(title: &'static str, counts: &'a [CountView], role: Role) -> Vec<Line<'a>> {
    let counted = counts.iter().filter(|it| it.count > 0);
    let mut lines: Vec<Line<'a>> = counted
        .map(|it| {
            let name = Cell::foreign(&it.name, Role::Text);
            let now = Cell::unless_zero(it.per_sec, count(it.per_sec), role);
            Line::Row(&COUNTS, vec![name, Cell::new(count(it.count), Role::Text), now])
        })
        .collect();
    if !lines.is_empty() {
        lines.splice(0..0, [Line::Rule(title), Line::Heads(&COUNTS)]);
    }
    lines
}
