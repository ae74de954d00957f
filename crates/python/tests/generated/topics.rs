//! Topics: which view is wanted, with the bus's own defaults.

use std::collections::BTreeSet;

use serde_json::Value;
use syn::Type;

use crate::File;
use crate::declarations::{Declarations, Variant};
use crate::types::{alias, docstring, python};

/// A topic with what the daemon answers.
pub(crate) struct Topic<'d> {
    pub(crate) variant: &'d Variant,
    /// The query's type, where it has one.
    pub(crate) query: Option<String>,
    /// The view's class.
    pub(crate) view: String,
}

/// One keyword of a query.
pub(crate) struct Keyword {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) default: String,
    pub(crate) doc: Vec<String>,
}

/// The topics, in their order.
pub(crate) fn topics(all: &Declarations) -> Vec<Topic<'_>> {
    let name = |ty: &Type| python(ty, &mut BTreeSet::new());
    let views = all.variants("View");
    all.variants("Topic")
        .iter()
        .map(|variant| {
            let view = views.iter().find(|view| view.name == variant.name).unwrap();
            Topic {
                variant,
                query: variant.holds.as_ref().map(name),
                view: name(view.holds.as_ref().unwrap()),
            }
        })
        .collect()
}

/// The keywords of a query; types that are aliases are added to `used`.
pub(crate) fn keywords(
    all: &Declarations,
    query: &str,
    used: &mut BTreeSet<String>,
) -> Vec<Keyword> {
    let defaults = defaults(query);
    let mut keywords = Vec::new();
    for field in all.fields(query) {
        keywords.push(Keyword {
            name: field.name.clone(),
            ty: python(&field.ty, used),
            default: literal(&defaults[&field.name]),
            doc: field.doc.clone(),
        });
    }
    keywords
}

/// What the bus takes where nothing is said.
fn defaults(query: &str) -> Value {
    let value = match query {
        "TreeQuery" => serde_json::to_value(bus::TreeQuery::default()),
        "CircuitsQuery" => serde_json::to_value(bus::CircuitsQuery::default()),
        "UnknownQuery" => serde_json::to_value(bus::UnknownQuery::default()),
        "FlowsQuery" => serde_json::to_value(bus::FlowsQuery::default()),
        "HostsQuery" => serde_json::to_value(bus::HostsQuery::default()),
        "OriginsQuery" => serde_json::to_value(bus::OriginsQuery::default()),
        "RttQuery" => serde_json::to_value(bus::RttQuery::default()),
        "RetransmitsQuery" => serde_json::to_value(bus::RetransmitsQuery::default()),
        "EventsQuery" => serde_json::to_value(bus::EventsQuery::default()),
        other => panic!("{other} is a new query: its defaults are asked for here"),
    };
    value.unwrap()
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) if items.is_empty() => "()".to_owned(),
        other => other.to_string(),
    }
}

pub(crate) fn file_of_topics(all: &Declarations) -> String {
    let mut used = BTreeSet::new();
    let mut aliases = Vec::new();
    for declared in all.0.iter().filter(|one| one.file.starts_with("query/")) {
        if !declared.name.ends_with("Query") {
            aliases.push(alias(declared, &mut BTreeSet::new()));
        }
    }
    let own: BTreeSet<&str> = all
        .0
        .iter()
        .filter(|one| one.file.starts_with("query/"))
        .map(|one| one.name.as_str())
        .collect();
    let mut classes = Vec::new();
    for topic in topics(all) {
        let name = &topic.variant.name;
        let doc = docstring(&topic.variant.doc, "    ");
        let mut body = String::new();
        for keyword in topic.query.iter().flat_map(|query| keywords(all, query, &mut used)) {
            let Keyword { name, ty, default, doc } = keyword;
            body += &format!("    {name}: {ty} = {default}\n{}", docstring(&doc, "    "));
        }
        if !body.is_empty() {
            body.insert(0, '\n');
        }
        classes.push(format!(
            "@dataclass(frozen=True, kw_only=True)\nclass {name}(Topic[views.{}]):\n{doc}{body}",
            topic.view
        ));
    }
    let mut from_views: Vec<&str> = Vec::new();
    let mut from_record: Vec<&str> = Vec::new();
    for name in used.iter().map(String::as_str).filter(|name| !own.contains(name)) {
        let is_views = all.0.iter().any(|one| one.name == name);
        if is_views { from_views.push(name) } else { from_record.push(name) }
    }
    let mut imports = "from __future__ import annotations\n\nfrom dataclasses import dataclass\n\
                       from typing import Literal\n\nfrom . import views\n"
        .to_owned();
    imports += &format!("from ._record import {}\n", from_record.join(", "));
    imports += "from ._topic import Topic\n";
    imports += &format!("from .views import {}\n", from_views.join(", "));
    format!("{imports}\n{}\n\n{}", aliases.join("\n"), classes.join("\n\n"))
}

pub(crate) fn file(all: &Declarations) -> File {
    let about = "What can be read and subscribed to, one class a topic.";
    crate::file("topics.py", about, &file_of_topics(all))
}
