//! `tidegate events`: what happened, and who brought it about.

use std::path::Path;

use bus::{
    Client, ClientError, EventKind, EventRow, EventsPage, EventsQuery, Severity, Topic, View,
};
use clap::{Args, ValueEnum};
use comfy_table::Cell;
use serde::Serialize;

use crate::failure::Failure;
use crate::figures::{count, counted, date};
use crate::following::{Follower, follow};
use crate::output::{Look, Output, Tone, inert_json, print};
use crate::reading::connect;
use crate::table::{Head, fitted, text, toned};

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only events of this kind; may be given several times.
    #[arg(long = "kind", value_name = "KIND", value_parser = kinds())]
    kinds: Vec<String>,

    /// Only events that are at least so severe.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "info")]
    severity: SeverityKey,

    /// Only events with this text in them or in who brought them about, whatever its letter case.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// The most events to show, the newest.
    #[arg(long, value_name = "EVENTS", default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(EventsQuery::MAX_LIMIT)))]
    limit: u32,

    /// Go on and show events as they come, until Ctrl-C; with --json one a line.
    #[arg(long, short)]
    follow: bool,
}

/// How severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SeverityKey {
    /// As intended.
    Info,
    /// Worth knowing.
    Warning,
    /// To be acted on.
    Error,
}

/// The kinds by their names.
fn kinds() -> clap::builder::PossibleValuesParser {
    EventKind::ALL.map(EventKind::name).into()
}

/// Shows events.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    let query = query(options);
    if options.follow {
        return follow(socket, output, &mut Followed { query, output, last: None, next: 0 });
    }
    output.show(&connect(socket)?.events(query)?, shown)
}

/// Events that are shown as they come.
struct Followed {
    query: EventsQuery,
    output: Output,
    /// The last that was shown.
    last: Option<EventRow>,
    /// The number of the next that happens; 0 before the first view.
    next: u64,
}

impl Follower for Followed {
    /// What comes after the last that was shown, where this daemon knows that too, as one does which follows
    /// another in order; else all, as numbers have begun anew.
    fn topic(&mut self, client: &mut Client) -> Result<Topic, Failure> {
        if self.next == 0 {
            return Ok(Topic::Events(self.query.clone()));
        }
        // what it limits is how many old ones are shown first
        self.query.limit = EventsQuery::MAX_LIMIT;
        let Some(last) = &self.last else { return Ok(Topic::Events(self.query.clone())) };
        let page = client.events(EventsQuery { after: last.number - 1, ..self.query.clone() })?;
        let is_past = page.oldest > last.number && page.newest + 1 >= self.next;
        let after = if is_past || page.rows.first() == Some(last) {
            last.number
        } else {
            self.next = 1;
            self.output.note("the daemon's events begin anew");
            0
        };
        Ok(Topic::Events(EventsQuery { after, ..self.query.clone() }))
    }

    fn take(&mut self, view: View) -> Result<(), Failure> {
        let View::Events(page) = view else {
            return Err(ClientError::Unexpected { asked: "events" }.into());
        };
        if self.next > 0 && page.oldest > self.next {
            let missing = page.oldest - self.next;
            self.output.note(&format!("{missing} events came too fast and are missing"));
        }
        self.next = page.newest + 1;
        for row in page.rows {
            print(&line(&row, self.output, &Output::look())?)?;
            self.last = Some(row);
        }
        Ok(())
    }
}

fn query(options: &Options) -> EventsQuery {
    let is_wanted = |kind: &EventKind| options.kinds.iter().any(|name| name == kind.name());
    EventsQuery {
        after: 0,
        kinds: EventKind::ALL.into_iter().filter(is_wanted).collect(),
        severity_min: match options.severity {
            SeverityKey::Info => Severity::Info,
            SeverityKey::Warning => Severity::Warning,
            SeverityKey::Error => Severity::Error,
        },
        filter: options.filter.clone(),
        limit: options.limit,
    }
}

const HEADS: [Head; 5] = [
    Head::Text("when"),
    Head::Text("severity"),
    Head::Text("kind"),
    Head::Text("by"),
    Head::Text("what"),
];

fn shown(page: &EventsPage, look: &Look) -> String {
    let rows = page.rows.iter().map(|row| {
        vec![
            text(&date(row.unix_ms)),
            toned(text(&row.severity.to_string()), tone(row.severity)),
            text(row.kind.name()),
            text(&row.cause.to_string()),
            Cell::new(bus::on_one_line(&row.text)),
        ]
    });
    let table = fitted(&HEADS, &["kind"], rows, look);
    let (shown, matched) = (page.rows.len() as u64, u64::from(page.matched));
    let more = if shown < matched { " (--limit shows more)" } else { "" };
    format!("{table}{} of {}{more}\n", count(shown), counted(matched, "event"))
}

/// One event on a line of its own.
fn line(row: &EventRow, output: Output, look: &Look) -> Result<String, Failure> {
    if output.json {
        return Ok(format!("{}\n", inert_json(&json(row)?)));
    }
    let EventRow { unix_ms, kind, severity, text, cause, .. } = row;
    let severity = look.paint(tone(*severity), &format!("{severity:7}"));
    let what = bus::on_one_line(&format!("{kind:13} {cause}: {text}")).into_owned();
    Ok(format!("{} {severity} {what}\n", date(*unix_ms)))
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(Failure::Json)
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Plain,
        Severity::Warning => Tone::Notable,
        Severity::Error => Tone::Alarming,
    }
}
