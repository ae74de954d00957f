//! The commands that change something.

use std::cell::Cell;

use bus::{
    ChangeCounts, CircuitEdit, Edit, Edited, Edits, ErrorCode, LineChange, PreviewView, Refusal,
    Reloaded, Reply, Request, SourcesView, Topic, View,
};
use units::PerDirection;

use crate::stand_in::StandIn;
use crate::{code, json, stderr, stdout, views};

/// A daemon with a bypass that can be switched.
fn switchable() -> StandIn {
    let state = Cell::new(false);
    StandIn::new(move |request| match request {
        Request::Bypass(on) => {
            state.set(*on);
            vec![Reply::Done]
        }
        _ => {
            let status = bus::StatusView { bypass: state.get(), ..views::status() };
            vec![View::Status(Box::new(status)).into()]
        }
    })
}

#[test]
fn the_bypass_is_switched_and_the_state_afterwards_shown() {
    let daemon = switchable();
    let output = daemon.run(&["bypass", "on"]);
    assert_eq!(stdout(&output), "bypass is on: nothing is shaped or measured\n");
    assert_eq!(json(&daemon.run(&["bypass", "off", "--json"]))["bypass"], false);
    assert_eq!(daemon.asked(), [Request::Bypass(true), Request::Bypass(false)]);
    let output = daemon.run(&["bypass", "off"]);
    assert_eq!(stdout(&output), "bypass is off: the plan is in force\n");
}

#[test]
fn who_may_only_look_is_told_who_may_change() {
    let daemon =
        StandIn::new(|_| vec![Refusal::new(ErrorCode::Denied, "bypass takes control").into()]);
    let output = daemon.run(&["bypass", "on"]);
    assert_eq!((code(&output), stdout(&output)), (4, ""));
    let told = stderr(&output);
    assert!(told.starts_with("error: the daemon refused: denied: bypass takes control\n"));
    assert!(told.contains("admin_group"), "{told}");
}

#[test]
fn a_circuit_without_anything_to_change_is_a_usage_error() {
    let daemon = StandIn::new(|_| Vec::new());
    for arguments in
        [&["set", "circuit", "1009"] as &[&str], &["set", "circuit", "9", "--device", "D"]]
    {
        let output = daemon.run(arguments);
        assert_eq!((code(&output), stdout(&output)), (2, ""), "{arguments:?}");
        assert!(stderr(&output).contains("nothing to change"), "{}", stderr(&output));
    }
    assert_eq!(daemon.asked(), []);
}

#[test]
fn a_reload_says_what_is_in_force() {
    let reloaded = Reloaded {
        generation: 3,
        circuits: 1_008,
        nodes: 5,
        circuit_changes: ChangeCounts { added: 1_000, removed: 0, changed: 2 },
        node_changes: ChangeCounts { added: 0, removed: 1, changed: 0 },
        took_ms: 1_250,
        warnings: vec!["b.csv:3: warning: odd \x1b[2J".into()],
    };
    let expected = serde_json::to_value(&reloaded).unwrap();
    let daemon = StandIn::new(move |request| match request {
        Request::Reload { .. } => vec![Reply::Reloaded(reloaded.clone())],
        other => panic!("{other:?}"),
    });
    let output = daemon.run(&["reload"]);
    assert_eq!(
        stdout(&output),
        "circuits: 1,000 added, 2 changed\n\
         nodes: 1 removed\n\
         configuration 3 is in force: 1,008 circuits, 5 nodes, after 1,250 ms\n\
         b.csv:3: warning: odd \u{fffd}[2J\n"
    );
    assert_eq!(json(&daemon.run(&["reload", "--shrink", "--json"])), expected);
    let asked = [false, true].map(|shrink| Request::Reload { shrink });
    assert_eq!(daemon.asked(), asked);
}

#[test]
fn an_invalid_configuration_is_told_in_full() {
    let problems = "b.csv:3: error: x\nb.csv:4: error: y\n";
    let daemon = StandIn::new(move |_| vec![Refusal::new(ErrorCode::Invalid, problems).into()]);
    let output = daemon.run(&["reload"]);
    assert_eq!(code(&output), 5);
    assert_eq!(stderr(&output), format!("error: the daemon refused: invalid:\n{problems}"));
}

#[test]
fn a_circuit_is_changed_by_what_is_named() {
    let daemon = StandIn::new(|_| vec![Reply::Edited(Edited::default())]);
    daemon.run(&["set", "circuit", "17", "--download", "75.5 Mbps", "--parent", ""]);
    let addresses = "100.64.0.1,2001:db8::/56";
    let set = ["set", "circuit", "17", "--addresses", addresses, "--revision", "00000000000000A4"];
    daemon.run(&set);
    let output = daemon.run(&["remove", "17", "18"]);
    let told = "no circuit or node differs from what was in force\nconfiguration 0 is in force:";
    assert!(stdout(&output).starts_with(told), "{}", stdout(&output));
    let circuit = CircuitEdit { id: "17".into(), ..CircuitEdit::default() };
    let rate = CircuitEdit {
        max_bps: PerDirection { down: Some(75_500_000), up: None },
        parent: Some(String::new()),
        ..circuit.clone()
    };
    let addresses = addresses.split(',').map(|one| one.parse().unwrap()).collect();
    let addresses = CircuitEdit { addresses: Some(addresses), ..circuit };
    let edits = |base: Option<&str>, edits| {
        Request::Edit(Edits { base: base.map(str::to_owned), shrink: false, edits })
    };
    let remove = |id: &str| Edit::RemoveCircuit(id.into());
    assert_eq!(
        daemon.asked(),
        [
            edits(None, vec![Edit::Circuit(Box::new(rate))]),
            edits(Some("00000000000000a4"), vec![Edit::Circuit(Box::new(addresses))]),
            edits(None, vec![remove("17"), remove("18")]),
        ]
    );
    let output = daemon.run(&["set", "circuit", "17", "--download", "75"]);
    assert_eq!(code(&output), 2, "a rate without a unit");
    for revision in ["", "a4", "00000000000000zz"] {
        let output = daemon.run(&["remove", "17", "--revision", revision]);
        assert_eq!(code(&output), 2, "{revision:?}");
    }
}

#[test]
fn a_device_is_added_and_loses_its_addresses() {
    let daemon = StandIn::new(|_| vec![Reply::Edited(Edited::default())]);
    daemon.run(&["set", "circuit", "17", "--new-device", "d2", "--addresses", "100.64.0.1"]);
    daemon.run(&["set", "circuit", "17", "--device", "d2", "--addresses", ""]);
    let device = |new_device, addresses| {
        let (id, device) = ("17".into(), Some("d2".into()));
        let edit = CircuitEdit { id, device, new_device, addresses, ..CircuitEdit::default() };
        let edits = vec![Edit::Circuit(Box::new(edit))];
        Request::Edit(Edits { edits, ..Edits::default() })
    };
    let address = "100.64.0.1".parse().unwrap();
    assert_eq!(daemon.asked(), [device(true, Some(vec![address])), device(false, Some(vec![]))]);
}

#[test]
fn a_file_that_is_refused_is_called_by_its_name() {
    let why = "the configuration is not valid:\n/etc/tidegate/network.json:3: error: x\n";
    let daemon = StandIn::new(move |_| vec![Refusal::new(ErrorCode::Invalid, why).into()]);
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.json");
    std::fs::write(&new, "{}").unwrap();
    let output = daemon.run(&["set", "network", new.to_str().unwrap()]);
    assert_eq!(code(&output), 5);
    let new = new.display();
    assert_eq!(
        stderr(&output),
        format!(
            "error: this cannot be put in force:\n{why}Lines are counted where they were given: those of \
             the network file in {new}.\n"
        )
    );
    let output = daemon.run(&["set", "files", "-", "-"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn what_is_wrong_with_a_circuit_is_told_by_the_options() {
    let why = "the configuration is not valid:\n\
        b.csv:3: error: Download Min Mbps: is missing\n\
        b.csv:3: error: Upload Max Mbps: 1 Mbps is less than the Upload Min Mbps of 2 Mbps\n\
        b.csv:3: error: Parent Node: no node is called \"Nroth\"\n    did you mean \"North\"?\n\
        b.csv:4: warning: Comment: odd\n";
    let daemon = StandIn::new(move |_| vec![Refusal::new(ErrorCode::Invalid, why).into()]);
    let output = daemon.run(&["set", "circuit", "17", "--parent", "Nroth"]);
    assert_eq!(code(&output), 5);
    let told = "error: this cannot be put in force:\nthe configuration is not valid:\n\
        b.csv:3: error: --min-download: is missing\n\
        b.csv:3: error: --upload: 1 Mbps is less than the --min-upload of 2 Mbps\n\
        b.csv:3: error: --parent: no node is called \"Nroth\"\n    did you mean \"North\"?\n\
        b.csv:4: warning: Comment: odd\n";
    assert!(stderr(&output).starts_with(told), "{}", stderr(&output));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.csv");
    std::fs::write(&file, "Circuit ID\n").unwrap();
    let output = daemon.run(&["set", "circuits", file.to_str().unwrap()]);
    assert!(stderr(&output).contains(why), "columns of a file are called what they are there");
}

#[test]
fn a_dry_run_asks_what_would_change() {
    let daemon = StandIn::new(|_| vec![Reply::Preview(PreviewView::default())]);
    let output = daemon.run(&["remove", "17", "--dry-run", "--shrink"]);
    assert_eq!(stdout(&output), "this would change nothing in the kernel\n");
    let edits = vec![Edit::RemoveCircuit("17".into())];
    assert_eq!(daemon.asked(), [Request::Preview(Some(Edits { base: None, shrink: true, edits }))]);
}

#[test]
fn whole_files_are_set_and_got() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (network, circuits) = (file("n", "{}"), file("c", "Circuit ID\n"));
    let sources = SourcesView {
        revision: "a7".into(),
        files_changed: true,
        network: "{ }\n".into(),
        circuits: "Circuit ID\n".into(),
    };
    let expected = serde_json::to_value(&sources).unwrap();
    let daemon = StandIn::new(move |request| match request {
        Request::Sources => vec![Reply::Sources(sources.clone())],
        _ => vec![Refusal::new(ErrorCode::Outdated, "the files are others by now").into()],
    });
    let output = daemon.run(&["set", "files", &network, &circuits]);
    assert_eq!(code(&output), 8);
    assert!(stderr(&output).contains("outdated: the files are others"), "{}", stderr(&output));
    let edits = vec![Edit::Network("{}".into()), Edit::Circuits("Circuit ID\n".into())];
    assert_eq!(daemon.asked(), [Request::Edit(Edits { edits, ..Edits::default() })]);
    let output = daemon.run(&["get", "network"]);
    assert_eq!(stdout(&output), "{ }\n");
    assert!(stderr(&output).starts_with("revision a7\nThe files on disk"), "{}", stderr(&output));
    assert_eq!(json(&daemon.run(&["get", "circuits", "--json"])), expected);
    assert_eq!(code(&daemon.run(&["set", "network", "/nowhere"])), 6);
}

#[test]
fn a_handover_that_is_refused_says_why() {
    let why = "/usr/sbin/tidegated --check ended with exit status: 3:\nb.csv:3: error: x\n";
    let daemon = StandIn::new(move |request| match request {
        Request::Show(Topic::Status) => vec![View::Status(Box::new(views::status())).into()],
        Request::Handover => vec![Refusal::new(ErrorCode::Invalid, why).into()],
        other => panic!("{other:?}"),
    });
    let output = daemon.run(&["handover"]);
    assert_eq!((code(&output), stdout(&output)), (5, ""));
    assert_eq!(stderr(&output), format!("error: the daemon refused: invalid:\n{why}"));
}

#[test]
fn what_a_reload_would_change_is_told_with_its_cost() {
    let line = |comes, text: &str| {
        let (file, text) = ("b.csv".to_owned(), text.to_owned());
        LineChange { file, line: 3, comes, text }
    };
    let preview = PreviewView {
        generation: 3,
        config: "/etc/tidegate/tidegate.toml".into(),
        changes: vec![
            "circuit c1\x1b: goes".into(),
            "node A: limited to 2 instead of 1 down".into(),
        ],
        more: 1_200,
        lines: vec![line(false, "1,old"), line(true, "1,\x1bnew")],
        more_lines: 7,
        requests: 2_408,
        circuits: 1_201,
        addresses: 7,
        drained: 2_402,
        warnings: vec!["b.csv:3: odd".into()],
    };
    let expected = serde_json::to_value(&preview).unwrap();
    let daemon = StandIn::new(move |request| match request {
        Request::Preview(None) => vec![Reply::Preview(preview.clone())],
        other => panic!("{other:?}"),
    });
    let output = daemon.run(&["plan", "--diff"]);
    assert_eq!(
        stdout(&output),
        "circuit c1\u{fffd}: goes\nnode A: limited to 2 instead of 1 down\n... and 1,200 more\n\
         b.csv:3: - 1,old\nb.csv:3: + 1,\u{fffd}new\n... and 7 more lines\n\
         a reload would take 2,408 requests for queues and classes, 1,201 circuits pointed elsewhere, \
         7 address blocks written, 2,402 classes drained and removed\nwarning: b.csv:3: odd\n"
    );
    assert_eq!(json(&daemon.run(&["plan", "--diff", "--json"])), expected);
    let daemon = StandIn::new(|_| vec![Reply::Preview(PreviewView::default())]);
    let output = daemon.run(&["plan", "--diff"]);
    assert_eq!(stdout(&output), "a reload would change nothing in the kernel\n");
}
