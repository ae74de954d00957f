//! Flows.

use std::net::IpAddr;

use bus::{FlowRow, FlowState, Origin};
use ratatui::layout::Rect;

use super::circuits::{again, rate, rtt};
use super::grid::{self, Cell, Head, figure, words};
use super::sheet::Sheet;
use super::title::{self, Title};
use crate::app::{App, Column as _, FlowColumn, Flows, TableParts};
use crate::figures::{bytes, duration, protocol, sum};
use crate::theme::Role;

/// The heads in the order of [`FlowColumn::ALL`].
const HEADS: [Head; 13] = [
    words("circuit", 7, 3, 70),
    words("proto", 6, 0, 50),
    words("customer", 20, 27, 90),
    words("Internet", 20, 27, 85),
    words("origin", 10, 14, 20),
    figure("↓ now", 9, 100),
    figure("↑ now", 9, 95),
    figure("bytes", 7, 52),
    figure("RTT cust", 8, 55),
    figure("RTT net", 8, 45),
    figure("again", 6, 40),
    figure("age", 11, 15),
    figure("silent", 8, 30),
];

/// What the figures of a flow are from.
pub(super) const SPANS: &str = "RTT: smoothed, bytes and again: of the whole flow";

/// Draws the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    let parts = TableParts::of(area, 0);
    let what = if app.flows.recent { "flows that ended lately" } else { "flows" };
    let title = Title {
        what,
        of: String::new(),
        filter: Some(&app.flows.table.filter),
        spans: SPANS.to_owned(),
    };
    title::draw(sheet, parts.title, &title, &app.flows.table.list, app.height());
    table(sheet, parts.table, app, &app.flows, &HEADS);
}

/// Draws the flows of one circuit, which need not be named in each row.
pub(super) fn of_circuit(sheet: &mut Sheet<'_>, area: Rect, app: &App, flows: &Flows) {
    let mut heads = HEADS;
    heads[0].width = 0;
    table(sheet, area, app, flows, &heads);
}

fn table(sheet: &mut Sheet<'_>, area: Rect, app: &App, flows: &Flows, heads: &[Head]) {
    let sorts = FlowColumn::ALL.iter().position(|column| *column == flows.table.sort);
    let sort = sorts.map(|column| (column, flows.table.descending));
    grid::list(sheet, area, heads, sort, &flows.table.list, |row, column| {
        cell(app, row, FlowColumn::ALL[column])
    });
}

fn cell<'r>(app: &App, row: &'r FlowRow, column: FlowColumn) -> Cell<'r> {
    let streams = row.streams;
    match column {
        FlowColumn::Circuit => match &row.circuit {
            Some(id) => Cell::foreign(id, Role::Text),
            None => Cell::new("unknown", Role::Notable),
        },
        FlowColumn::Protocol => Cell::new(protocol(row.key.protocol), Role::Dim),
        FlowColumn::Customer => end(row.key.customer, row.key.customer_port),
        FlowColumn::Internet => end(row.key.internet, row.key.internet_port),
        FlowColumn::Origin => Cell::new(origin(&row.origin), Role::Dim),
        FlowColumn::Now(direction) => rate(app, streams[direction].rate_bps),
        FlowColumn::Bytes => Cell::new(bytes(sum(streams.map(|it| it.bytes))), Role::Text),
        FlowColumn::RttCustomer => rtt(row.rtt.customer.map(|rtt| rtt.smoothed_us)),
        FlowColumn::RttInternet => rtt(row.rtt.internet.map(|rtt| rtt.smoothed_us)),
        FlowColumn::SentAgain => again(streams.map(|it| it.retransmit_percent)),
        FlowColumn::Age => Cell::new(duration(row.first_seen_ms_ago), Role::Dim),
        FlowColumn::Silent => match row.state {
            FlowState::Ended => Cell::new("ended", Role::Dim),
            _ => Cell::new(duration(row.last_seen_ms_ago), Role::Dim),
        },
    }
}

/// An address with its port, which is seen even where the address is cut.
fn end(address: IpAddr, port: u16) -> Cell<'static> {
    match address {
        IpAddr::V4(address) => {
            Cell::new(address.to_string(), Role::Text).before(format!(":{port}"))
        }
        IpAddr::V6(address) => {
            Cell::new(format!("[{address}"), Role::Text).before(format!("]:{port}"))
        }
    }
}

/// Whom the other end belongs to, as far as that is known.
fn origin(origin: &Origin) -> String {
    let asn = origin.asn.map(|asn| format!("AS{asn}"));
    let texts = [origin.country.as_deref(), origin.name.as_deref().or(asn.as_deref())];
    let known: Vec<_> = texts.into_iter().flatten().map(bus::inert).collect();
    if known.is_empty() { "-".to_owned() } else { known.join(" ") }
}
