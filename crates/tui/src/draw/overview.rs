//! The box at a glance.

use bus::{CircuitRow, CpuView, QueueRow};
use ratatui::layout::{Constraint, Layout, Rect};
use units::{Direction, PerDirection, PerSegment, Segment};

use super::chart::{LABELS, bucketed, mirrored};
use super::circuits::{again, drops, rate, role_of, rtt, share};
use super::grid::{Cell, Columns, Head, figure, words};
use super::histogram;
use super::sheet::Sheet;
use crate::app::{App, SAMPLES_MIN, Target, Worst};
use crate::figures::{bytes, count, duration, percent, sum};
use crate::text::width;
use crate::theme::Role;

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, body: Rect, app: &App) {
    let (rtt_height, lower_height) = match body.height {
        0..10 => (0, 0),
        10..18 => (0, 5),
        18..24 => (5, 6),
        24..32 => (6, 8),
        _ => (8, 11),
    };
    let [through, rtt, lower] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(rtt_height),
        Constraint::Length(lower_height),
    ])
    .areas(body);
    throughput(sheet, through, app);
    if !rtt.is_empty() {
        rtts(sheet, rtt, app);
    }
    if !lower.is_empty() {
        let cpus_width = if lower.width >= 100 { 52 } else { 0 };
        let [worst_area, cpus_area] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(cpus_width)]).areas(lower);
        worst(sheet, worst_area, app);
        if !cpus_area.is_empty() {
            cpus(sheet, Rect { x: cpus_area.x + 2, width: cpus_area.width - 2, ..cpus_area }, app);
        }
    }
}

/// Downloads above the axis, uploads below it, then what goes with them over the same time.
fn throughput(sheet: &mut Sheet<'_>, body: Rect, app: &App) {
    let strips = match body.height {
        0..9 => 0,
        9..12 => 1,
        _ => 3,
    };
    let [down_title, chart, up_title, strips] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(strips),
    ])
    .areas(body);
    let columns = chart.width.saturating_sub(LABELS);
    let series = PerDirection::from_fn(|direction| {
        let points = app.overview.history.iter();
        let points = points.map(|point| (point.tick, point.rate_bps[direction]));
        bucketed(points, app.zoom, usize::from(columns) * 2)
    });
    for (title, direction) in [(down_title, Direction::Download), (up_title, Direction::Upload)] {
        rate_title(sheet, title, app, direction, &series[direction]);
    }
    mirrored(sheet, chart, app, &series, PerDirection { down: 1_000, up: 1_000 });
    let columns = Rect { x: chart.x + LABELS.min(chart.width), width: columns, ..strips };
    strips_below(sheet, strips, columns, app);
}

/// What goes through now, and the highest in sight.
fn rate_title(sheet: &mut Sheet<'_>, at: Rect, app: &App, direction: Direction, series: &[u64]) {
    let Some(status) = &app.status else { return };
    let traffic = &status.traffic;
    let by = traffic.protocols[direction];
    let rate = |bps| app.unit.rate(bps);
    let arrow = match direction {
        Direction::Download => " ↓ download ",
        Direction::Upload => " ↑ upload   ",
    };
    if status.bypass {
        let why = "  not measured: the bypass is on";
        sheet.run(at.x, at.y, at.width, &[(arrow, role_of(direction)), (why, Role::Alarming)]);
        return;
    }
    let now = rate(traffic.rate_bps[direction]);
    let packets = format!("  {} packets/s", count(traffic.packets_per_sec[direction]));
    let peak = format!("  peak {}", rate(series.iter().copied().max().unwrap_or(0)));
    let protocols = format!(
        "  TCP {}  UDP {}  ICMP {}  other {}",
        rate(by.tcp_bps),
        rate(by.udp_bps),
        rate(by.icmp_bps),
        rate(by.other_bps)
    );
    let mut x = sheet.run(
        at.x,
        at.y,
        at.width,
        &[(arrow, role_of(direction)), (&format!("{now:>9}"), Role::Strong)],
    );
    for piece in [peak, packets, protocols] {
        if x + width(&piece) <= at.right() {
            x = sheet.put(x, at.y, width(&piece), &piece, Role::Dim);
        }
    }
}

/// Drops and RTTs over the same time as the chart.
fn strips_below(sheet: &mut Sheet<'_>, strips: Rect, columns: Rect, app: &App) {
    let history = || app.overview.history.iter();
    let dots = usize::from(columns.width) * 2;
    let paired = |values: Vec<u64>| -> Vec<u64> {
        let odd = values.len() % 2;
        let (first, rest) = values.split_at(odd);
        let pairs = rest.chunks(2).map(|pair| pair.iter().copied().max().unwrap_or(0));
        first.iter().copied().chain(pairs).collect()
    };
    let drops = bucketed(history().map(|it| (it.tick, sum(it.drops_per_sec))), app.zoom, dots);
    let rtts = PerSegment::from_fn(|segment| {
        bucketed(history().map(|it| (it.tick, it.rtt_p50_us[segment].unwrap_or(0))), app.zoom, dots)
    });
    let series = [
        ("drops/s", drops, Role::Notable),
        ("cust p50", rtts.customer, Role::Good),
        ("net p50", rtts.internet, Role::Good),
    ];
    for (y, (name, values, role)) in (strips.y..strips.bottom()).zip(series) {
        sheet.put_right(strips.x, y, LABELS - 1, name, Role::Dim);
        sheet.sparkline(Rect { y, height: 1, ..columns }, &paired(values), role);
    }
}

/// How RTTs are spread, the customers' side beside the Internet's.
fn rtts(sheet: &mut Sheet<'_>, at: Rect, app: &App) {
    let page = app.overview.rtt.as_ref();
    let window = page.map_or(0, |page| page.window_ms);
    let title = match window {
        0 => "round-trip times".to_owned(),
        _ => format!("round-trip times of the last {}", duration(window)),
    };
    sheet.rule(at.x, at.y, at.width, &title);
    let Some(page) = page else { return };
    let rtt = page.rows.first().map(|row| row.rtt).unwrap_or_default();
    let each = at.width / 2;
    for (i, segment) in (0u16..).zip(Segment::ALL) {
        let area = Rect::new(at.x + 1 + i * each, at.y + 1, each.saturating_sub(2), at.height - 1);
        let name = match segment {
            Segment::Customer => "customers",
            Segment::Internet => "Internet",
        };
        let bins = page.histogram.as_ref().map_or(&[][..], |bins| &bins[segment]);
        histogram::draw(sheet, area, name, bins, rtt[segment]);
    }
}

const WORST: [Head; 7] = [
    words("id", 6, 3, 70),
    words("name", 18, 14, 80),
    figure("↓ now", 9, 50),
    figure("↓ of plan", 11, 75),
    figure("drops/s", 7, 90),
    figure("cust p90", 8, 100),
    figure("again", 6, 65),
];

fn worst(sheet: &mut Sheet<'_>, at: Rect, app: &App) {
    let title = match app.overview.worst_by {
        Worst::Rtt => format!("worst circuits by RTT, p90, {SAMPLES_MIN} samples or more"),
        Worst::Drops => "worst circuits by drops".to_owned(),
        Worst::Share => "worst circuits by load".to_owned(),
        Worst::SentAgain => "worst circuits by segments sent again in the last second".to_owned(),
    };
    sheet.rule(at.x, at.y, at.width, &title);
    let table = Rect { y: at.y + 1, height: at.height - 1, ..at };
    let columns = Columns::fitted(&WORST, table);
    columns.heads(sheet, table.y, &WORST, None);
    let rows = app.overview.worst.iter().flat_map(|page| &page.rows);
    for (position, (y, row)) in (0..).zip((table.y + 1..table.bottom()).zip(rows)) {
        columns.row(sheet, y, &WORST, |column| worst_cell(app, row, column));
        sheet.target(Rect { y, height: 1, ..table }, Target::Row(position));
    }
}

fn worst_cell<'r>(app: &App, row: &'r CircuitRow, column: usize) -> Cell<'r> {
    match column {
        0 => Cell::foreign(&row.id, Role::Dim),
        1 => Cell::foreign(&row.name, Role::Text),
        2 => rate(app, crate::app::now(row).down),
        3 => share(app, row.share_percent, Direction::Download),
        4 => drops(row.drops_per_sec),
        5 => rtt(row.rtt.customer.map(|rtt| rtt.p90_us)),
        _ => again(row.retransmits.map(|it| it.share_percent)),
    }
}

const CPUS: [Head; 6] = [
    words("CPU", 3, 1, 100),
    figure("busy", 11, 90),
    figure("↓", 9, 80),
    figure("↑", 9, 75),
    figure("drops/s", 7, 60),
    figure("waiting", 7, 50),
];

/// Each CPU with the queues that it serves, the busiest first where there are too many.
fn cpus(sheet: &mut Sheet<'_>, at: Rect, app: &App) {
    sheet.rule(at.x, at.y, at.width, "CPUs and their queues");
    let table = Rect { y: at.y + 1, height: at.height - 1, ..at };
    let columns = Columns::fitted(&CPUS, table);
    columns.heads(sheet, table.y, &CPUS, None);
    let Some(status) = &app.status else { return };
    let mut all = status.cpus.clone();
    let rows = usize::from(table.height - 1);
    let hidden = all.len().saturating_sub(rows);
    if hidden > 0 {
        all.sort_by(|a, b| b.busy_percent.total_cmp(&a.busy_percent));
        all.truncate(rows.saturating_sub(1));
        let said = format!("{} more that are less busy", hidden + 1);
        sheet.put(table.x + 2, table.bottom() - 1, table.width - 2, &said, Role::Dim);
    }
    let queues = app.overview.queues.as_ref().map_or(&[][..], |view| &view.queues);
    for (y, cpu) in (table.y + 1..table.bottom()).zip(&all) {
        let own: Vec<&QueueRow> = queues.iter().filter(|queue| queue.cpu == cpu.cpu).collect();
        columns.row(sheet, y, &CPUS, |column| cpu_cell(app, cpu, &own, column));
    }
}

fn cpu_cell(app: &App, cpu: &CpuView, queues: &[&QueueRow], column: usize) -> Cell<'static> {
    let of = |figure: fn(&QueueRow) -> u64| queues.iter().map(|queue| figure(queue)).sum::<u64>();
    let sent = |direction| {
        let own = queues.iter().filter(|queue| queue.direction == direction);
        let bps = own.map(|queue| queue.sent_bps).sum();
        let text = if queues.is_empty() { "-".to_owned() } else { app.unit.rate(bps) };
        Cell::unless_zero(bps, text, role_of(direction))
    };
    match column {
        0 => Cell::new(cpu.cpu.to_string(), Role::Text),
        1 => {
            let busy = cpu.busy_percent;
            let role = if busy >= 85.0 { Role::Notable } else { Role::Good };
            let text_role = if role == Role::Good { Role::Text } else { role };
            Cell::new(percent(busy), text_role).behind(busy / 100.0, role)
        }
        2 => sent(Direction::Download),
        3 => sent(Direction::Upload),
        4 => {
            let drops = of(|queue| queue.drops_per_sec);
            Cell::unless_zero(drops, count(drops), Role::Notable)
        }
        _ => {
            let waiting = of(|queue| queue.backlog_bytes);
            Cell::unless_zero(waiting, bytes(waiting), Role::Text)
        }
    }
}
