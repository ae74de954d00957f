//! What `--json` writes is what the schema says.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stand_in::StandIn;
use crate::views::answer;
use crate::{code, json, run, stderr, stdout};

fn schema(of: &str) -> Value {
    json(&run(&["schema", of]))
}

/// `UPDATE_EXPECTED=1` writes the file.
#[test]
fn the_schema_in_the_repository_is_the_current_one() {
    let output = run(&["schema"]);
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema.json"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, stdout(&output)).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == stdout(&output), "docs/schema.json is another");
    let all: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert!(jsonschema::meta::is_valid(&all));
}

#[test]
fn each_view_is_as_the_schema_says() {
    let daemon = StandIn::new(answer);
    for command in [
        "status",
        "tree",
        "circuits",
        "queues",
        "unknown",
        "flows",
        "hosts",
        "origins",
        "rtt",
        "retransmits",
        "events",
    ] {
        let shown = json(&daemon.run(&[command, "--json"]));
        let schema = schema(command);
        if let Err(error) = jsonschema::validate(&schema, &shown) {
            panic!("{command}: {error} at {}", error.instance_path());
        }
        let nothing = serde_json::json!({});
        assert!(jsonschema::validate(&schema, &nothing).is_err(), "{command}: all is optional");
    }
}

#[test]
fn what_works_on_files_is_as_the_schema_says() {
    let example = ["--config", "config/example/tidegate.toml", "--json"];
    let checked = json(&run(&[&["check"], &example[..]].concat()));
    jsonschema::validate(&schema("check"), &checked).unwrap();
    let daemon = StandIn::new(|request| match request {
        bus::Request::Bypass(_) => vec![bus::Reply::Done],
        other => answer(other),
    });
    let bypass = json(&daemon.run(&["bypass", "on", "--json"]));
    jsonschema::validate(&schema("bypass"), &bypass).unwrap();
}

#[test]
fn errors_are_json_too() {
    let output = run(&["--socket", "/nowhere/bus.sock", "status", "--json"]);
    assert_eq!((code(&output), stdout(&output)), (3, ""));
    let error: Value = serde_json::from_str(stderr(&output)).unwrap();
    jsonschema::validate(&schema("error"), &error).unwrap();
    assert_eq!(error["exit"], 3);
    assert!(error["error"].as_str().unwrap().starts_with("the daemon is not running"), "{error}");
    let daemon = StandIn::new(|_| {
        vec![bus::Refusal::new(bus::ErrorCode::NotFound, "there is no node \"x\"").into()]
    });
    let output = daemon.run(&["circuits", "--node", "x", "--json"]);
    let error: Value = serde_json::from_str(stderr(&output)).unwrap();
    assert_eq!((error["code"].as_str(), error["exit"].as_u64()), (Some("not-found"), Some(6)));
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    for wrong in [
        &["--json", "flows", "--nonsense"][..],
        &["circuits", "--sort", "nonsense", "--json"],
        &["rtt", "box", "--node", "nonsense", "--json"],
    ] {
        let output = run(wrong);
        assert_eq!((code(&output), stdout(&output)), (2, ""));
        let error: Value = serde_json::from_str(stderr(&output)).unwrap();
        jsonschema::validate(&schema("error"), &error).unwrap();
        assert_eq!((error["code"].as_str(), error["exit"].as_u64()), (None, Some(2)));
        let text = error["error"].as_str().unwrap();
        assert!(text.contains("--") && !text.starts_with("error"), "{text}");
    }
    let output = run(&["reload", "--nonsense", "--", "--json"]);
    assert!(stderr(&output).starts_with("error: unexpected"), "{}", stderr(&output));
    let help = run(&["--json", "--help"]);
    assert!(code(&help) == 0 && stdout(&help).contains("Exit codes:"), "{}", stdout(&help));
}
