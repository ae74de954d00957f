//! The commands in the documents are commands.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{code, run, stderr};

fn documents() -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let listed = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        listed.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    paths.push(root.join("README.md"));
    paths
}

/// Commands of `tidegate` in the blocks of shell, each on a line.
fn commands(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in document.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let lines = block.replace("\\\n", " ");
        for line in lines.lines().map(|line| line.trim().trim_start_matches("sudo ")) {
            let end = [" #", " | ", " > "].iter().filter_map(|end| line.find(end)).min();
            let line = &line[..end.unwrap_or(line.len())];
            if let Some(arguments) = line.strip_prefix("tidegate ") {
                found.push(arguments.to_owned());
            }
        }
    }
    found
}

/// A command line's words; quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn documented_commands_are_commands() {
    let mut tried = 0;
    for path in documents() {
        for command in commands(&fs::read_to_string(&path).unwrap()) {
            let mut words = words(&command);
            // what comes before is looked at, and nothing is done
            words.push("--help".to_owned());
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = run(&words);
            assert_eq!(code(&output), 0, "{}: {command}: {}", path.display(), stderr(&output));
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} were found");
    let unknown = run(&["circuits", "--no-such-option", "--help"]);
    assert_ne!(code(&unknown), 0, "whatever is written would pass");
}
