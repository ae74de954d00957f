//! Classes of views, a file for each of the bus's.

use std::collections::{BTreeMap, BTreeSet};

use crate::declarations::{Declarations, Declared, Field, Shape};
use crate::types::{alias, docstring, python};
use crate::{File, file};

/// Files of the bus whose types are not views, and which of them are sent all the same.
const BESIDES: [(&str, &[&str]); 4] = [
    ("capture", &["CaptureEnd", "CaptureEnded", "CaptureInterface", "CapturedPacket", "Capturing"]),
    ("edit", &["Edited", "SourcesView"]),
    ("reply", &["ChangeCounts", "Refusal", "Welcome", "Reloaded"]),
    ("request", &["Role"]),
];
/// Codes are the names of exceptions.
const AS_TEXT: &str = "ErrorCode";

/// The file that a type belongs to; none for what is never sent to a client.
fn home(declared: &Declared) -> Option<&str> {
    let file = declared.file.as_str();
    if let Some((_, sent)) = BESIDES.iter().find(|(other, _)| *other == file) {
        return sent.contains(&declared.name.as_str()).then_some(file);
    }
    let is_view = !file.contains('/')
        && !["mod", "lib", "codec", "exit", "frame", "inert", "pcapng", "version"].contains(&file);
    is_view.then_some(file)
}

/// The classes of each file, and what takes them all together.
pub(crate) fn files(all: &Declarations) -> Vec<File> {
    let mut homes: BTreeMap<&str, Vec<&Declared>> = BTreeMap::new();
    let mut home_of = BTreeMap::new();
    for declared in &all.0 {
        if let Some(home) = home(declared) {
            homes.entry(home).or_default().push(declared);
            home_of.insert(declared.name.as_str(), home);
        }
    }
    let mut files: Vec<File> =
        homes.iter().map(|(home, own)| one_file(home, own, &home_of)).collect();
    files.push(index(&homes));
    files
}

fn one_file(home: &str, own: &[&Declared], home_of: &BTreeMap<&str, &str>) -> File {
    let mut used = BTreeSet::new();
    let mut bodies = Vec::new();
    // aliases are evaluated at once, so that what they name has to stand before them
    let is_alias = |one: &&&Declared| matches!(one.shape, Shape::Enum(_));
    let holds = |one: &&&Declared| matches!(&one.shape, Shape::Enum(variants) if variants.iter().any(|v| v.holds.is_some()));
    for declared in own.iter().filter(is_alias).filter(|one| !holds(one)) {
        bodies.push(alias(declared, &mut used));
    }
    let mut classes: Vec<String> = Vec::new();
    for declared in own {
        if let Shape::Struct(fields) = &declared.shape {
            classes.push(class(declared, fields, &mut used));
        }
    }
    let late: Vec<String> =
        own.iter().filter(|one| holds(one)).map(|one| alias(one, &mut used)).collect();
    let text = [bodies, classes, late].concat().join("\n\n");
    let mut imports = String::from("from __future__ import annotations\n\n");
    if text.contains("builtins.") {
        imports += "import builtins\n";
    }
    if text.contains("@dataclass") {
        imports += "from dataclasses import dataclass\n";
    }
    if text.contains("Literal[") {
        imports += "from typing import Literal\n";
    }
    let mut sources: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in &used {
        match home_of.get(name.as_str()) {
            Some(other) if *other == home => {}
            Some(other) => sources.entry(format!(".{other}")).or_default().push(name),
            None => sources.entry(".._record".to_owned()).or_default().push(name),
        }
    }
    for base in ["Page", "Record"] {
        if text.contains(&format!("({base}")) {
            sources.entry(".._record".to_owned()).or_default().push(base);
        }
    }
    if !sources.is_empty() {
        imports.push('\n');
    }
    for (source, mut names) in sources {
        names.sort_unstable();
        imports += &format!("from {source} import {}\n", names.join(", "));
    }
    let about = format!("What is sent of {}.", home.replace('_', " "));
    let gap = if text.starts_with('@') { "\n\n" } else { "\n" };
    file(&format!("views/{home}.py"), &about, &format!("{imports}{gap}{text}"))
}

fn class(declared: &Declared, fields: &[Field], used: &mut BTreeSet<String>) -> String {
    let name = &declared.name;
    let mut body = String::new();
    let mut table = None;
    for field in fields {
        let mut ty = python(&field.ty, used);
        if ty == AS_TEXT {
            used.remove(AS_TEXT);
            "str".clone_into(&mut ty);
        }
        // a word of Python's own is written with an underscore behind it
        let name = if field.name == "class" { "class_" } else { &field.name };
        body += &format!("    {name}: {ty}\n{}", docstring(&field.doc, "    "));
        let is_table = ["rows", "nodes", "queues", "points"].contains(&field.name.as_str());
        if is_table && ty.starts_with("tuple[") && name != "StatusView" {
            table = Some((field.name.clone(), ty));
        }
    }
    let base = match &table {
        Some((_, ty)) => {
            let row = ty.trim_start_matches("tuple[").trim_end_matches(", ...]");
            format!("Page[\"{row}\"]")
        }
        None => "Record".to_owned(),
    };
    if let Some((field, ty)) = table {
        body += &format!(
            "\n    @property\n    def _table(self) -> {ty}:\n        return self.{field}\n"
        );
    }
    let doc = docstring(&declared.doc, "    ");
    format!("@dataclass(frozen=True, slots=True)\nclass {name}({base}):\n{doc}\n{body}")
}

fn index(homes: &BTreeMap<&str, Vec<&Declared>>) -> File {
    let mut text = String::new();
    let mut names = Vec::new();
    for (home, own) in homes {
        let mut own: Vec<_> = own.iter().map(|one| one.name.as_str()).collect();
        own.sort_unstable();
        text += &format!("from .{home} import (\n    {},\n)\n", own.join(",\n    "));
        names.extend(own);
    }
    names.sort_unstable();
    let listed: String = names.iter().map(|name| format!("    \"{name}\",\n")).collect();
    text += &format!("\n__all__ = [\n{listed}]\n");
    file("views/__init__.py", "Everything that the daemon sends.", &text)
}
