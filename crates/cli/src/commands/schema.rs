//! `tidegate schema`: what `--json` writes, as JSON Schema.

use bus::{
    CircuitsPage, Edited, EventRow, EventsPage, FlowsPage, HostsPage, OriginsPage, PreviewView,
    QueuesView, Reloaded, RetransmitsPage, RttPage, SourcesView, StatusView, TreeView, UnknownPage,
};
use clap::Args;
use clap::builder::PossibleValuesParser;
use machine::tune::{Applied, Change};
use plan::{Explanation, Plan};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{bypass, capture, check, doctor, handover, import, support_bundle, tune};
use crate::failure::{Failure, Told};
use crate::output::print;

/// Of which command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One command's alone; all of them together without it.
    #[arg(value_name = "COMMAND", value_parser = names())]
    command: Option<String>,
}

type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What each command writes. A further word says with which option.
const OUTPUTS: [(&str, Describe); 31] = [
    ("status", of::<StatusView>),
    ("tree", of::<TreeView>),
    ("circuits", of::<CircuitsPage>),
    ("queues", of::<QueuesView>),
    ("unknown", of::<UnknownPage>),
    ("flows", of::<FlowsPage>),
    ("hosts", of::<HostsPage>),
    ("origins", of::<OriginsPage>),
    ("rtt", of::<RttPage>),
    ("retransmits", of::<RetransmitsPage>),
    ("events", of::<EventsPage>),
    ("events-follow", of::<EventRow>),
    ("capture", of::<capture::Summary>),
    ("check", of::<check::Findings>),
    ("plan", of::<Plan>),
    ("plan-explain", of::<Explanation>),
    ("plan-diff", of::<PreviewView>),
    ("reload", of::<Reloaded>),
    ("set", of::<Edited>),
    ("set-dry-run", of::<PreviewView>),
    ("remove", of::<Edited>),
    ("get", of::<SourcesView>),
    ("handover", of::<handover::TakenOver>),
    ("bypass", of::<bypass::Outcome>),
    ("doctor", of::<doctor::Report<'static>>),
    ("tune", of::<tune::Report<Change>>),
    ("tune-apply", of::<tune::Report<Applied>>),
    ("tune-revert", of::<tune::Restored>),
    ("support-bundle", of::<support_bundle::Bundle>),
    ("import", of::<import::Imported<'static>>),
    ("error", of::<Told>),
];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn names() -> PossibleValuesParser {
    OUTPUTS.map(|(name, _)| name).into()
}

/// Prints the schema.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let schema = schema(options.command.as_deref());
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::Json)?;
    print(&format!("{text}\n"))
}

/// The schema of one command's output, or of an object with all of them.
fn schema(wanted: Option<&str>) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    let mut outputs = Map::new();
    for (name, describe) in OUTPUTS {
        if wanted.is_none_or(|wanted| wanted == name) {
            outputs.insert(name.to_owned(), describe(&mut generator).to_value());
        }
    }
    let mut schema = match wanted.and_then(|wanted| outputs.remove(wanted)) {
        Some(one) => one,
        None => json!({
            "title": "What tidegate writes with --json, by command",
            "type": "object",
            "properties": outputs,
        }),
    };
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("$defs".to_owned(), generator.take_definitions(true).into());
    }
    schema
}
