//! `tidegate status`: the daemon and the box as a whole.

use std::path::Path;

use bus::{
    CountView, CpuView, MapView, NicView, Side, StatusView, TcAttachment, ThreadState, ThreadView,
    Topic, View, XdpMode, inert,
};
use comfy_table::Cell;
use units::Direction;

use crate::arguments::Watch;
use crate::failure::Failure;
use crate::figures::{count, counted, duration, percent, percent_of, rate};
use crate::lines::wrapped;
use crate::output::{Look, Output, Tone};
use crate::quality::rtts;
use crate::reading::{Shown, read};
use crate::table::{Head, figure, table, text, toned};

/// Shows the status.
pub(super) fn run(socket: &Path, watch: &Watch, output: Output) -> Result<(), Failure> {
    read::<StatusView>(socket, Topic::Status, watch.watch, output)
}

impl Shown for StatusView {
    fn of(view: View) -> Option<Self> {
        match view {
            View::Status(status) => Some(*status),
            _ => None,
        }
    }

    fn text(&self, look: &Look) -> String {
        let mut parts = vec![summary(self, look)];
        let mut part = |title: &str, table: Option<String>| {
            parts.extend(table.map(|table| format!("{title}\n{table}")));
        };
        part("NICs", nics(&self.nics, look));
        part("Threads", threads(&self.threads, look));
        part("Tables in the kernel", maps(&self.maps, look));
        part("Packets in", counts(&self.verdicts, look));
        part("Packets out", counts(&self.egress, look));
        part("Packet events", counts(&self.packet_events, look));
        part("Dropped inside the daemon", counts(&self.dropped, look));
        parts.join("\n")
    }
}

/// What everybody wants to know, a line each.
fn summary(status: &StatusView, look: &Look) -> String {
    let fit = |line: String| wrapped("", "  ", &line, look).trim_end().to_owned();
    let program = format!(
        "Tidegate {} (protocol {}, process {}) on Linux {}, up {}",
        status.daemon_version,
        status.protocol_version,
        status.process,
        status.kernel_release,
        duration(status.uptime_ms)
    );
    let configuration = format!(
        "Configuration {}, loaded {} ago: {}, {}",
        status.config.generation,
        duration(status.config.loaded_ms_ago),
        counted(status.circuits.into(), "circuit"),
        counted(status.nodes.into(), "node")
    );
    let mut lines = vec![fit(program), mode(status, look), fit(configuration)];
    if let Some(problem) = &status.config.problem {
        let title = format!("Problem, {} ago:", duration(status.config.problem_ms_ago));
        lines.push(look.paint(Tone::Alarming, &title));
        lines.extend(problem.lines().map(|line| format!("  {}", inert(line))));
    } else if status.config.files_changed {
        let changed = "The files have changed since; `tidegate reload` puts them in force";
        lines.push(look.paint(Tone::Notable, changed));
    }
    if let Some(asleep) = status.asleep {
        lines.push(format!("Lazy circuits: {} asleep", count(asleep.into())));
    }
    lines.push(format!("Unknown hosts: {}", count(status.unknown_hosts.into())));
    let figures = Direction::ALL.map(|direction| traffic(status, direction)).into_iter();
    let figures = figures.chain(measured(status)).chain(cpus(&status.cpus));
    lines.extend(figures.map(fit));
    lines.push(format!("Clients: {} of {}", status.clients, status.clients_max));
    let warnings = status.warnings.iter().map(|warning| look.warning(warning));
    lines.iter().map(|line| format!("{line}\n")).chain(warnings).collect()
}

/// Flows, RTTs, retransmissions.
fn measured(status: &StatusView) -> Vec<String> {
    let flows = &status.flows;
    let again = status.retransmits.map(|it| it.share_percent);
    let mut lines = vec![format!(
        "Flows: {} of {}, {} that ended lately; hosts: {}",
        count(flows.open.into()),
        count(flows.capacity.into()),
        count(flows.recent.into()),
        count(flows.hosts.into())
    )];
    lines.extend(rtts(status.rtt, status.window_ms));
    lines.push(match (again.down, again.up) {
        (None, None) => "Sent again in the last second: not measured".to_owned(),
        _ => format!(
            "Sent again in the last second: {} of download segments, {} of upload",
            percent_of(again.down),
            percent_of(again.up)
        ),
    });
    if status.captures > 0 {
        lines.push(format!("Captures under way: {}", count(status.captures.into())));
    }
    lines
}

/// How busy the CPUs are, packets' share apart.
fn cpus(cpus: &[CpuView]) -> Option<String> {
    let one = |it: &CpuView| {
        format!("{}: {} ({})", it.cpu, percent(it.busy_percent), percent(it.softirq_percent))
    };
    let shown: Vec<_> = cpus.iter().map(one).collect();
    (!shown.is_empty()).then(|| format!("CPUs busy (softirqs): {}", shown.join(", ")))
}

fn mode(status: &StatusView, look: &Look) -> String {
    let mode = format!("Mode {}", inert(&status.mode));
    if status.bypass {
        let bypass = look.paint(Tone::Alarming, "bypass is on: nothing is shaped or measured");
        format!("{mode}, {bypass}")
    } else {
        mode
    }
}

fn traffic(status: &StatusView, direction: Direction) -> String {
    let traffic = &status.traffic;
    let by = &traffic.protocols[direction];
    let name = match direction {
        Direction::Download => "Download",
        Direction::Upload => "Upload",
    };
    if status.bypass {
        return format!("{name}: not measured");
    }
    format!(
        "{name}: {}, {} packets/s (TCP {}, UDP {}, ICMP {}, other {})",
        rate(traffic.rate_bps[direction]),
        count(traffic.packets_per_sec[direction]),
        rate(by.tcp_bps),
        rate(by.udp_bps),
        rate(by.icmp_bps),
        rate(by.other_bps)
    )
}

fn nics(nics: &[NicView], look: &Look) -> Option<String> {
    const HEADS: [Head; 6] = [
        Head::Text("name"),
        Head::Figure("index"),
        Head::Text("side"),
        Head::Text("XDP"),
        Head::Text("tc"),
        Head::Figure("queues"),
    ];
    let row = |nic: &NicView| -> Vec<Cell> {
        let side = match nic.side {
            Side::Customers => "customers",
            Side::Internet => "Internet",
            Side::Both => "both",
        };
        let xdp = match nic.xdp {
            Some(XdpMode::Native) => toned(text("native"), Tone::Plain),
            Some(XdpMode::Generic) => toned(text("generic"), Tone::Notable),
            None => toned(text("none"), Tone::Alarming),
        };
        let tc = match nic.tc {
            Some(TcAttachment::Tcx) => toned(text("TCX"), Tone::Plain),
            Some(TcAttachment::Clsact) => toned(text("clsact"), Tone::Plain),
            None => toned(text("none"), Tone::Alarming),
        };
        vec![text(&nic.name), figure(nic.ifindex), text(side), xdp, tc, figure(nic.queues)]
    };
    (!nics.is_empty()).then(|| table(&HEADS, nics.iter().map(row), look))
}

fn threads(threads: &[ThreadView], look: &Look) -> Option<String> {
    const HEADS: [Head; 5] = [
        Head::Text("name"),
        Head::Text("state"),
        Head::Figure("heartbeat"),
        Head::Figure("restarts"),
        Head::Text("last exit"),
    ];
    let row = |thread: &ThreadView| -> Vec<Cell> {
        let (state, tone) = match thread.state {
            ThreadState::Running => ("running", Tone::Plain),
            ThreadState::Stale => ("stale", Tone::Notable),
            ThreadState::BackingOff => ("backing off", Tone::Alarming),
            ThreadState::Ended => ("ended", Tone::Alarming),
        };
        vec![
            text(&thread.name),
            toned(text(state), tone),
            figure(format!("{} ago", duration(thread.heartbeat_age_ms))),
            figure(thread.restarts),
            text(thread.last_exit.as_deref().unwrap_or("-")),
        ]
    };
    (!threads.is_empty()).then(|| table(&HEADS, threads.iter().map(row), look))
}

fn maps(maps: &[MapView], look: &Look) -> Option<String> {
    const HEADS: [Head; 4] =
        [Head::Text("name"), Head::Figure("used"), Head::Figure("capacity"), Head::Figure("share")];
    let row = |map: &MapView| -> Vec<Cell> {
        let share = map.used as f32 * 100.0 / map.capacity as f32;
        let tone = if share >= 90.0 { Tone::Alarming } else { Tone::Plain };
        vec![
            text(&map.name),
            figure(count(map.used)),
            figure(count(map.capacity)),
            toned(figure(percent(share)), tone),
        ]
    };
    (!maps.is_empty()).then(|| table(&HEADS, maps.iter().map(row), look))
}

/// What never happened is left out.
fn counts(counts: &[CountView], look: &Look) -> Option<String> {
    const HEADS: [Head; 3] = [Head::Text("name"), Head::Figure("count"), Head::Figure("a second")];
    let row = |it: &CountView| -> Vec<Cell> {
        vec![text(&it.name), figure(count(it.count)), figure(count(it.per_sec))]
    };
    let happened: Vec<_> = counts.iter().filter(|it| it.count > 0).map(row).collect();
    (!happened.is_empty()).then(|| table(&HEADS, happened, look))
}
