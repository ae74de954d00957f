//! `tidegate events`: what happened, and who brought it about.

use std::path::Path;

use bus::{ClientError, EventKind, EventRow, EventsPage, EventsQuery, Severity, Topic, View};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::Failure;
use crate::figures::{count, date};
use crate::output::{Look, Output, Tone, inert_json, print};
use crate::reading::connect;
use crate::screen::end_on_signals;
use crate::table::{Head, table, text, toned};

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
    let mut client = connect(socket)?;
    let query = query(options);
    if !options.follow {
        return output.show(&client.events(query)?, shown);
    }
    end_on_signals()?;
    let mut next = 0;
    for view in client.subscribe(Topic::Events(query))? {
        let View::Events(page) = view? else {
            return Err(ClientError::Unexpected { asked: "events" }.into());
        };
        if next > 0 && page.oldest > next {
            output.note(&format!("{} events came too fast and are missing", page.oldest - next));
        }
        next = page.newest + 1;
        for row in &page.rows {
            print(&line(row, output, &Output::look())?)?;
        }
    }
    Ok(())
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
            text(&row.text),
        ]
    });
    let table = table(&HEADS, rows, look);
    let (shown, matched) = (page.rows.len() as u64, u64::from(page.matched));
    let more = if shown < matched { " (--limit shows more)" } else { "" };
    format!("{table}{} of {} events{more}\n", count(shown), count(matched))
}

/// One event on a line of its own.
fn line(row: &EventRow, output: Output, look: &Look) -> Result<String, Failure> {
    if output.json {
        return Ok(format!("{}\n", inert_json(&json(row)?)));
    }
    let EventRow { unix_ms, kind, severity, text, cause, .. } = row;
    let severity = look.paint(tone(*severity), &format!("{severity:7}"));
    let what = bus::inert(&format!("{kind:13} {cause}: {text}")).into_owned();
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
