//! Methods that read: one for each topic, and one more where a table is read page by page.

use std::collections::BTreeSet;

use crate::File;
use crate::declarations::{Declarations, separated};
use crate::topics::{Keyword, Topic, keywords, topics};
use crate::types::{docstring, python};

/// How methods are written for one kind of client.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    file: &'static str,
    class: &'static str,
    define: &'static str,
    wait: &'static str,
    iterator: &'static str,
    pages: &'static str,
}

/// Methods that block.
pub(crate) const SYNC: Style = Style {
    file: "_reads.py",
    class: "Reads",
    define: "def",
    wait: "",
    iterator: "Iterator",
    pages: "pages",
};

/// Methods that are waited for.
pub(crate) const ASYNC: Style = Style {
    file: "_async_reads.py",
    class: "AsyncReads",
    define: "async def",
    wait: "await ",
    iterator: "AsyncIterator",
    pages: "async_pages",
};

pub(crate) fn file(all: &Declarations, style: Style) -> File {
    let mut used = BTreeSet::new();
    let mut methods = String::new();
    for topic in topics(all) {
        methods += &method(all, &topic, style, &mut used);
    }
    let own: BTreeSet<_> = used.into_iter().collect();
    let is_query = |name: &&String| {
        all.0.iter().any(|one| &one.name == *name && one.file.starts_with("query/"))
    };
    let of_topics: Vec<_> = own.iter().filter(is_query).cloned().collect();
    let is_view = |name: &&String| {
        all.0.iter().any(|one| &one.name == *name && !one.file.starts_with("query/"))
    };
    let of_views: Vec<_> = own.iter().filter(is_view).cloned().collect();
    let of_record: Vec<_> =
        own.iter().filter(|name| !is_query(name) && !is_view(name)).cloned().collect();
    let Style { class, define, iterator, pages, .. } = style;
    let head = format!(
        "from __future__ import annotations\n\nfrom collections.abc import {iterator}\n\
         from typing import TypeVar\n\nfrom . import topics, views\n\
         from ._pages import {pages}\nfrom ._record import {}\nfrom ._topic import Topic\n\
         from .topics import (\n    {},\n)\nfrom .views import {}\n\n\
         V = TypeVar(\"V\")\n\n\nclass {class}:\n\
         {doc}\n    {define} show(self, topic: Topic[V]) -> V:\n\
         {show}        raise NotImplementedError\n",
        of_record.join(", "),
        of_topics.join(",\n    "),
        of_views.join(", "),
        doc = docstring(
            &["Reads one view of each topic. Keywords mean what they mean in `topics`.".into()],
            "    "
        ),
        show = docstring(&["The view of this topic, now.".into()], "        "),
    );
    crate::file(style.file, "What a client can read.", &format!("{head}{methods}"))
}

fn method(
    all: &Declarations,
    topic: &Topic<'_>,
    style: Style,
    used: &mut BTreeSet<String>,
) -> String {
    let Style { define, wait, iterator, pages, .. } = style;
    let class = &topic.variant.name;
    let name = separated(class, '_');
    let view = &topic.view;
    let own = topic.query.as_ref().map(|query| keywords(all, query, used)).unwrap_or_default();
    let doc = docstring(&topic.variant.doc, "        ");
    let mut text = format!(
        "\n    {define} {name}({}) -> views.{view}:\n{doc}        return {wait}self.show({})\n",
        parameters(&own, &[], ""),
        call(class, &own, &[], 8)
    );
    let paged = ["offset", "limit"];
    if !own.iter().any(|keyword| keyword.name == "offset") {
        return text;
    }
    let rows = all.fields(view).iter().find(|field| field.name == "rows").unwrap();
    let row = python(&rows.ty, &mut BTreeSet::new());
    let row = row.trim_start_matches("tuple[").trim_end_matches(", ...]");
    let about = [
        "All rows that match, fetched a page at a time.".to_owned(),
        String::new(),
        "Rows that change their place between two pages may come twice or not at all: sort by"
            .into(),
        "what stays, as an id or an address does.".into(),
    ];
    text += &format!(
        "\n    def iter_{name}({}) -> {iterator}[views.{row}]:\n{}        return {pages}(self.show, {}, page)\n",
        parameters(&own, &paged, "        page: int = 1000,\n"),
        docstring(&about, "        "),
        call(class, &own, &paged, 8),
    );
    text
}

fn parameters(own: &[Keyword], without: &[&str], more: &str) -> String {
    if own.is_empty() {
        return "self".to_owned();
    }
    let mut text = "\n        self,\n        *,\n".to_owned();
    for Keyword { name, ty, default, .. } in own {
        if !without.contains(&name.as_str()) {
            text += &format!("        {name}: {ty} = {default},\n");
        }
    }
    text + more + "    "
}

fn call(class: &str, own: &[Keyword], without: &[&str], indent: usize) -> String {
    let pad = " ".repeat(indent);
    let names = own.iter().filter(|keyword| !without.contains(&keyword.name.as_str()));
    let arguments: String =
        names.map(|Keyword { name, .. }| format!("{pad}    {name}={name},\n")).collect();
    if arguments.is_empty() {
        format!("topics.{class}()")
    } else {
        format!("topics.{class}(\n{arguments}{pad})")
    }
}
