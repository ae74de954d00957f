//! What docs/bus.md says of requests, topics and codes, and docs/operations.md of exit codes.

mod samples;

use std::fs;
use std::path::Path;

use bus::{ErrorCode, Exit, Request, Topic};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The rows of the table below this heading: number, name, and the last column.
fn table(heading: &str) -> Vec<(String, String, String)> {
    table_of("docs/bus.md", heading)
}

fn table_of(document: &str, heading: &str) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let section = text.split(&format!("\n## {heading}\n")).nth(1).expect("the heading");
    let rows = section.lines().take_while(|line| !line.starts_with("## "));
    rows.filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        cells[0].parse::<u32>().ok()?;
        Some((cells[0].to_owned(), cells[1].to_owned(), cells[cells.len() - 1].to_owned()))
    })
    .collect()
}

/// The number of a message: the first byte of its payload in the golden frame.
fn number(frame: &str, at: usize) -> String {
    let path = root().join("tests/bus_frames").join(format!("{frame}.hex"));
    let digits: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
    u8::from_str_radix(&digits[2 * (18 + at)..][..2], 16).unwrap().to_string()
}

#[test]
fn every_request_is_documented_with_its_number_and_role() {
    let table = table("Requests");
    let mut seen = 0;
    for (name, request) in samples::requests() {
        let number = number(&format!("request-{name}"), 0);
        let row = table.iter().find(|row| row.0 == number);
        let (_, text, role) = row.unwrap_or_else(|| panic!("{name}: {number}"));
        assert!(text.starts_with(request.name()), "{number} is {}, not {text}", request.name());
        let wanted = if number == "0" { String::new() } else { format!("{:?}", request.role()) };
        assert_eq!(*role, wanted.to_lowercase(), "{name}");
        seen = seen.max(number.parse().unwrap());
    }
    assert_eq!(table.len(), seen + 1, "each once");
}

#[test]
fn every_topic_is_documented_with_its_number() {
    let table = table("Topics");
    let mut topics = 0;
    for (name, request) in samples::requests() {
        let (Request::Show(topic) | Request::Subscribe(topic)) = request else { continue };
        let number = number(&format!("request-{name}"), 1);
        let row = table.iter().find(|row| row.0 == number);
        assert_eq!(row.map(|row| row.1.as_str()), Some(Topic::name(&topic)), "{name}");
        topics = topics.max(number.parse().unwrap());
    }
    assert_eq!(table.len(), topics + 1);
}

#[test]
fn every_code_is_documented() {
    for (number, name, _) in table("Refusals") {
        let code: ErrorCode = serde_json::from_str(&format!("\"{name}\"")).unwrap();
        assert_eq!(number, (code as u8).to_string());
    }
    assert_eq!(table("Refusals").len(), ErrorCode::Outdated as usize + 1);
}

#[test]
fn every_exit_code_is_documented() {
    let table = table_of("docs/operations.md", "Exit codes");
    let rows: Vec<_> = table.iter().map(|row| (row.0.clone(), row.1.as_str())).collect();
    assert_eq!(rows, Exit::ALL.map(|exit| ((exit as u8).to_string(), exit.meaning())));
    let help = Exit::help();
    assert_eq!(help.lines().count(), 1 + rows.len());
    assert!(rows.iter().all(|(code, meaning)| help.contains(&format!("\n  {code:<2} {meaning}"))));
}

#[test]
fn the_hello_is_that_of_the_golden_frame() {
    let golden = fs::read_to_string(root().join("tests/bus_frames/request-hello.hex")).unwrap();
    let golden: String = golden.split_whitespace().collect();
    let text = fs::read_to_string(root().join("docs/bus.md")).unwrap();
    assert!(text.lines().any(|line| line == golden), "{golden}");
}
