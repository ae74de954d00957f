//! The live table, fed by what the daemon publishes each tick.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bus::{
    CircuitRow, CircuitsQuery, Client, FlowKey, FlowRow, FlowsQuery, NodeRow, Topic, TreeQuery,
    View,
};
use comfy_table::{CellAlignment, Table, presets};
use units::{BitsPerSec, PerDirection, PerSegment, Segment};

/// How long the daemon may take for each view.
const VIEW_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait for a view before looking after the transfers again.
const REST: Duration = Duration::from_millis(200);
/// Views that may wait to be shown; the table shows the last one anyway.
const VIEWS_WAITING: usize = 8;

/// Highest rates of nodes, by name, as the daemon saw them.
pub(super) type Peaks = BTreeMap<String, PerDirection<BitsPerSec>>;

/// Flows that the table shows.
const FLOWS_SHOWN: u32 = 5;

/// The table with the views that feed it.
pub(super) struct Live {
    views: Receiver<Result<View>>,
    circuits: Vec<CircuitRow>,
    nodes: Vec<NodeRow>,
    flows: Vec<FlowRow>,
    peaks: Peaks,
    redraw: bool,
    lines_drawn: usize,
}

impl Live {
    /// Subscribes to the circuits, the tree and the fastest flows. The table is redrawn in place on a terminal, and
    /// printed once a phase elsewhere.
    pub(super) fn follow(socket: &Path, is_terminal: bool) -> Result<Self> {
        let (sender, views) = sync_channel(VIEWS_WAITING);
        let flows = FlowsQuery { limit: FLOWS_SHOWN, ..FlowsQuery::default() };
        let circuits = Topic::Circuits(CircuitsQuery::default());
        for topic in [circuits, Topic::Tree(TreeQuery::default()), Topic::Flows(flows)] {
            let client = Client::connect(socket, VIEW_DEADLINE)
                .context("the daemon's socket does not answer")?;
            let sender = sender.clone();
            std::thread::spawn(move || pass_on(client, topic, &sender));
        }
        Ok(Self {
            views,
            circuits: Vec::new(),
            nodes: Vec::new(),
            flows: Vec::new(),
            peaks: Peaks::new(),
            redraw: is_terminal,
            lines_drawn: 0,
        })
    }

    /// Waits a moment for a view and shows it.
    pub(super) fn show_next(&mut self) -> Result<()> {
        match self.views.recv_timeout(REST) {
            Ok(view) => self.take(view?),
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => bail!("the daemon publishes nothing more"),
        }
        if self.redraw {
            self.draw();
        }
        Ok(())
    }

    /// Leaves the table where it is; elsewhere than on a terminal this prints it.
    pub(super) fn end_table(&mut self) {
        if !self.redraw {
            println!("{}", self.text());
        }
        self.lines_drawn = 0;
    }

    /// The highest rates seen.
    pub(super) fn into_peaks(self) -> Peaks {
        self.peaks
    }

    fn text(&self) -> String {
        format!("{}\n\n{}", table(&self.circuits, &self.nodes), flow_table(&self.flows))
    }

    fn take(&mut self, view: View) {
        match view {
            View::Circuits(page) => self.circuits = page.rows,
            View::Flows(page) => self.flows = page.rows,
            View::Tree(tree) => {
                for node in &tree.nodes {
                    let peak = self.peaks.entry(node.name.to_string()).or_default();
                    peak.down = peak.down.max(BitsPerSec::new(node.rate_bps.down));
                    peak.up = peak.up.max(BitsPerSec::new(node.rate_bps.up));
                }
                self.nodes = tree.nodes;
            }
            // the others are not subscribed to
            _ => {}
        }
    }

    fn draw(&mut self) {
        let text = self.text();
        // Up to where the last table began, and clear from there on.
        if self.lines_drawn > 0 {
            print!("\x1b[{}A\x1b[J", self.lines_drawn);
        }
        // A line that was wrapped would take more than the one that is gone up over.
        println!("\x1b[?7l{text}\x1b[?7h");
        self.lines_drawn = text.lines().count();
        // A terminal that is gone ends the program by a signal.
        let _ = std::io::stdout().flush();
    }
}

/// Sends each view on until nobody wants them any more.
fn pass_on(mut client: Client, topic: Topic, sender: &SyncSender<Result<View>>) {
    let subscription = match client.subscribe(topic) {
        Ok(subscription) => subscription,
        Err(error) => {
            // Nobody is left to tell when this fails.
            let _ = sender.send(Err(error.into()));
            return;
        }
    };
    for view in subscription {
        if sender.send(view.map_err(Into::into)).is_err() {
            return;
        }
    }
}

fn table(circuits: &[CircuitRow], nodes: &[NodeRow]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "circuit",
        "name",
        "plan",
        "down now",
        "up now",
        "of plan",
        "drops",
        "RTT customer / Internet",
        "sent again",
    ]);
    for row in circuits {
        table.add_row([
            bus::inert(&row.id).to_string(),
            bus::inert(&row.name).to_string(),
            pair(row.plan_bps),
            mbps(row.sent_bps.down.unwrap_or(row.offered_bps.down)),
            mbps(row.sent_bps.up.unwrap_or(row.offered_bps.up)),
            format!("{:.0} / {:.0} %", row.share_percent.down, row.share_percent.up),
            format!("{} / {}", row.drops.down, row.drops.up),
            rtts(row.rtt.map(|rtt| rtt.map(|rtt| rtt.p50_us))),
            format!("{} / {}", row.retransmits.down.count, row.retransmits.up.count),
        ]);
    }
    for row in nodes {
        table.add_row([
            "node".to_owned(),
            format!("{}{}", "  ".repeat(usize::from(row.depth)), bus::inert(&row.name)),
            pair(row.limit_bps),
            mbps(row.rate_bps.down),
            mbps(row.rate_bps.up),
            format!("{:.0} / {:.0} %", row.share_percent.down, row.share_percent.up),
            format!("{} / {}", row.drops.down, row.drops.up),
            rtts(row.rtt.map(|rtt| rtt.map(|rtt| rtt.p50_us))),
            format!("{} / {}", row.retransmits.down.count, row.retransmits.up.count),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

/// The fastest flows.
fn flow_table(flows: &[FlowRow]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "flow",
        "circuit",
        "down now",
        "up now",
        "RTT customer / Internet",
        "sent again",
    ]);
    for row in flows {
        table.add_row([
            flow_name(&row.key),
            row.circuit.as_deref().map_or_else(|| "-".to_owned(), |id| bus::inert(id).to_string()),
            mbps(row.streams.down.rate_bps),
            mbps(row.streams.up.rate_bps),
            rtts(row.rtt.map(|rtt| rtt.map(|rtt| rtt.smoothed_us))),
            format!("{} / {}", row.streams.down.retransmits, row.streams.up.retransmits),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

/// A flow's ends, the customer's first.
pub(super) fn flow_name(key: &FlowKey) -> String {
    let end = |address, port| match port {
        0 => IpAddr::to_string(&address),
        port => SocketAddr::new(address, port).to_string(),
    };
    format!("{} - {}", end(key.customer, key.customer_port), end(key.internet, key.internet_port))
}

/// Milliseconds on both segments.
pub(super) fn rtts(us: PerSegment<Option<u64>>) -> String {
    let one =
        |us: Option<u64>| us.map_or_else(|| "-".to_owned(), |us| format!("{:.2}", us as f64 / 1e3));
    if us == PerSegment::default() {
        return "-".to_owned();
    }
    let [customer, internet] = Segment::ALL.map(|segment| one(us[segment]));
    format!("{customer} / {internet} ms")
}

fn mbps(bps: u64) -> String {
    format!("{:.1}", BitsPerSec::new(bps).mbps())
}

fn pair(bps: PerDirection<u64>) -> String {
    format!("{} / {}", BitsPerSec::new(bps.down).mbps(), BitsPerSec::new(bps.up).mbps())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> CircuitRow {
        CircuitRow {
            id: "1001".into(),
            name: name.into(),
            node: None,
            plan_bps: PerDirection { down: 50_000_000, up: 2_500_000 },
            min_bps: PerDirection::both(1_000_000),
            offered_bps: PerDirection { down: 70_000_000, up: 1_000_000 },
            offered_packets_per_sec: PerDirection::both(1),
            sent_bps: PerDirection { down: Some(49_960_000), up: None },
            share_percent: PerDirection { down: 99.9, up: 40.0 },
            drops_per_sec: PerDirection::both(0),
            drops: PerDirection { down: 7, up: 0 },
            backlog_bytes: PerDirection::both(0),
            asleep: false,
            leaf: PerDirection::default(),
            rtt: PerSegment {
                customer: Some(bus::RttPercentiles { p50_us: 12_300, ..Default::default() }),
                internet: None,
            },
            retransmits: PerDirection::default(),
            queue: PerDirection::both(0),
            cpu: 0,
            class: PerDirection::both(None),
            addresses: [].into(),
        }
    }

    #[test]
    fn a_row_shows_what_passed_and_no_control_characters() {
        let text = table(&[row("evil\x1b[2J")], &[]);
        let line = text.lines().nth(1).unwrap();
        for cell in ["1001", "50 / 2.5", "50.0", "1.0", "100 / 40 %", "7 / 0", "12.30 / - ms"] {
            assert!(line.contains(cell), "{cell} is not in {line}");
        }
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn peaks_are_the_highest_of_all_ticks() {
        let (_sender, views) = sync_channel(1);
        let mut live = Live {
            views,
            circuits: Vec::new(),
            nodes: Vec::new(),
            flows: Vec::new(),
            peaks: Peaks::new(),
            redraw: false,
            lines_drawn: 0,
        };
        for rate in [1, 9, 4] {
            let node = NodeRow {
                id: "n".into(),
                name: "AP".into(),
                kind: None,
                is_virtual: false,
                parent: None,
                depth: 0,
                circuits: 1,
                limit_bps: PerDirection::both(10),
                rate_bps: PerDirection { down: rate, up: 10 - rate },
                share_percent: PerDirection::both(0.0),
                drops_per_sec: PerDirection::both(0),
                drops: PerDirection::both(0),
                rtt: PerSegment::default(),
                retransmits: PerDirection::default(),
            };
            live.take(View::Tree(bus::TreeView {
                tick: rate,
                nodes: vec![node],
                ..bus::TreeView::default()
            }));
        }
        let peak = live.into_peaks()["AP"];
        assert_eq!((peak.down, peak.up), (BitsPerSec::new(9), BitsPerSec::new(9)));
    }
}
