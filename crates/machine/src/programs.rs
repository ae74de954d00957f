//! BPF programs by their numbers: what they are called, and which process holds them.
//!
//! The kernel shows both without its BPF system call: file descriptors of programs and links in
//! `/proc/PID/fdinfo`, and names of programs among its symbols.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::Tree;

/// A process that holds a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// Its number.
    pub process: u32,
    /// What it is called.
    pub command: String,
    /// What the program is called; none where the kernel does not show it.
    pub program: Option<String>,
    /// Whether it holds the attachment, which others then cannot take away.
    pub by_link: bool,
}

/// Who holds the programs with these numbers, as far as this process may see it.
pub(crate) fn holders(tree: &Tree, wanted: &[u32]) -> BTreeMap<u32, Holder> {
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return found;
    }
    for process in processes(tree) {
        let folder = format!("proc/{process}/fdinfo");
        for descriptor in tree.list(&folder).unwrap_or_default() {
            let Ok(text) = tree.read(&format!("{folder}/{descriptor}")) else { continue };
            let Some(id) = value(&text, "prog_id:").and_then(|id| id.parse().ok()) else {
                continue;
            };
            if !wanted.contains(&id) || found.contains_key(&id) {
                continue;
            }
            let command = tree.read(&format!("proc/{process}/comm")).unwrap_or_default();
            let program = value(&text, "prog_tag:").and_then(|tag| named(tree, tag));
            let by_link = value(&text, "link_type:").is_some();
            found.insert(id, Holder { process, command, program, by_link });
        }
    }
    found
}

/// The process with this name, if one runs.
pub(crate) fn process_called(tree: &Tree, name: &str) -> Option<u32> {
    let is_called =
        |process: &u32| tree.read(&format!("proc/{process}/comm")).is_ok_and(|comm| comm == name);
    processes(tree).find(is_called)
}

fn processes(tree: &Tree) -> impl Iterator<Item = u32> {
    let names = tree.list("proc").unwrap_or_default();
    names.into_iter().filter_map(|name| name.parse().ok())
}

/// What stands behind a label at a line's begin.
fn value<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

/// The name of the program with this tag: its symbol is `bpf_prog_TAG_NAME`.
fn named(tree: &Tree, tag: &str) -> Option<String> {
    let symbols = tree.read("proc/kallsyms").ok()?;
    let prefix = format!("bpf_prog_{tag}_");
    let names = symbols.lines().filter_map(|line| line.split_whitespace().nth(2));
    names.filter_map(|symbol| symbol.strip_prefix(&prefix)).map(str::to_owned).next()
}
