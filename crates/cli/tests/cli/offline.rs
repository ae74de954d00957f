//! The commands that work on files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bus::{PlanView, Reply, Request, View};
use config::Config;
use plan::{Facts, Plan, Planned};

use crate::stand_in::StandIn;
use crate::{code, json, run, stderr, stdout, views};

const EXAMPLE: &str = "config/example/tidegate.toml";
const DEVICES: &str = "config/example/ShapedDevices.csv";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The facts of a machine with this many queues on each NIC, in a file.
fn machine(queues: u16, qdiscs: &[&str]) -> (tempfile::TempDir, String) {
    let nic = |name, ifindex| {
        serde_json::json!({"name": name, "ifindex": ifindex, "tx_queues": queues,
            "rx_queues": queues, "mtu": 1500})
    };
    let facts = serde_json::json!({"customers": nic("customers0", 2),
        "internet": nic("internet0", 3), "cpus": [0, 1], "qdiscs": qdiscs});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.json");
    fs::write(&path, facts.to_string()).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

/// What the planner itself makes of the example on the machine in this file.
fn planned(facts: &str) -> (Config, Planned) {
    let config = Config::load(&root().join(EXAMPLE)).unwrap().config;
    let facts = Facts::from_json(&fs::read_to_string(facts).unwrap()).unwrap();
    let planned = plan::plan(&config, &facts, None).unwrap();
    (config, planned)
}

#[test]
fn check_tells_every_problem_of_every_invalid_configuration() {
    let mut cases = 0;
    for case in fs::read_dir(root().join("tests/config_invalid")).unwrap() {
        let case = case.unwrap().file_name().into_string().unwrap();
        let file = format!("tests/config_invalid/{case}/tidegate.toml");
        let output = run(&["check", "--config", &file]);
        assert_eq!((code(&output), stderr(&output)), (5, ""), "{case}");
        let problems = Config::load(&root().join(&file)).unwrap_err();
        let text = stdout(&output);
        assert_eq!(
            text.lines().filter(|line| line.contains(": error: ")).count(),
            problems.errors(),
            "{case}: {text}"
        );
        assert!(text.contains("the configuration is invalid (errors: "), "{case}");
        let acts = |c: char| c != '\n' && bus::inert(&c.to_string()) != c.to_string();
        assert!(!text.contains(acts), "{case}: {text:?}");
        cases += 1;
    }
    assert!(cases >= 40, "{cases}");
}

#[test]
fn check_gives_problems_as_objects() {
    let file = "tests/config_invalid/unknown_parent/tidegate.toml";
    let output = run(&["check", "--config", file, "--json"]);
    assert_eq!(code(&output), 5);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["valid"], &found["errors"]), (&false.into(), &2.into()));
    assert_eq!(
        found["problems"][0],
        serde_json::json!({
            "file": "tests/config_invalid/unknown_parent/ShapedDevices.csv",
            "line": 2,
            "key": "Parent Node",
            "severity": "error",
            "why": "no node is called \"AP_C\"",
            "help": "did you mean \"AP_A\" or \"AP_B\"?"
        })
    );
}

#[test]
fn check_accepts_the_example_and_says_what_a_machine_lacks() {
    let output = run(&["check", "--config", EXAMPLE]);
    assert_eq!(
        (code(&output), stdout(&output)),
        (0, "the configuration is valid (errors: 0, warnings: 0)\n")
    );
    let (_folder, facts) = machine(2, &["htb", "cake"]);
    let arguments = ["check", "--config", EXAMPLE, "--facts", &facts, "--json"];
    assert_eq!(json(&run(&arguments))["valid"], true);
    let (_folder, facts) = machine(1, &["htb", "cake"]);
    let output = run(&["check", "--config", EXAMPLE, "--facts", &facts]);
    assert_eq!(code(&output), 5);
    assert!(
        stdout(&output).contains("plan: error: NIC customers0: has 1 transmit queue"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn check_tells_what_the_files_contradict_without_a_machine() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(root().join("config/example")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let network = folder.path().join("network.json");
    let text = fs::read_to_string(&network).unwrap();
    let narrow =
        text.replacen("\"downloadBandwidthMbps\": 120", "\"downloadBandwidthMbps\": 12", 1);
    assert_ne!(narrow, text);
    fs::write(&network, narrow).unwrap();
    let config = folder.path().join("tidegate.toml").display().to_string();
    let output = run(&["check", "--config", &config]);
    let told = stdout(&output);
    assert_eq!(code(&output), 0, "{told}");
    assert!(told.contains("plan: warning: node \"AP_North_1\": min rates below sum to "), "{told}");
    assert!(told.contains("exceeds what its parents carry, 12 Mbps"), "{told}");
}

#[test]
fn facts_that_are_not_there_or_are_none_are_told() {
    let missing = run(&["check", "--config", EXAMPLE, "--facts", "/nowhere/facts.json"]);
    assert_eq!(code(&missing), 6);
    assert!(stderr(&missing).starts_with("error: could not read /nowhere/facts.json: "));
    let wrong = run(&["plan", "--config", EXAMPLE, "--facts", EXAMPLE]);
    assert_eq!(code(&wrong), 1);
    assert!(stderr(&wrong).contains("could not read the machine's facts as JSON: "));
}

#[test]
fn an_offline_plan_is_the_planners() {
    let (_folder, file) = machine(2, &["htb", "cake"]);
    let (_, planned) = planned(&file);
    let arguments = ["plan", "--config", EXAMPLE, "--facts", &file];
    let output = run(&arguments);
    assert_eq!((code(&output), stdout(&output)), (0, &*planned.plan.to_string()));
    let shown = json(&run(&[&arguments as &[&str], &["--json"]].concat()));
    assert_eq!(serde_json::from_value::<Plan>(shown).unwrap(), planned.plan);
    for warning in planned.warnings {
        assert!(stderr(&output).contains(&format!("warning: {warning}\n")));
    }
}

/// A configuration for this machine's loopback, which has too few queues to be shaped.
fn loopback(more: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let settings = "[interfaces]\nmode = \"stick\"\ninterface = \"lo\"\ninternet_vlan = 2\n\
        customers_vlan = 3\n[queues]\ndownload = \"1 Gbps\"\nupload = \"1 Gbps\"\n";
    write("tidegate.toml", &format!("{settings}{more}"));
    write("network.json", "{}");
    write("ShapedDevices.csv", &fs::read_to_string(root().join(DEVICES)).unwrap());
    let path = folder.path().join("tidegate.toml").display().to_string();
    (folder, path)
}

#[test]
fn a_configuration_that_is_named_is_planned_for_this_machine_whether_a_daemon_runs_or_not() {
    let (_folder, path) = loopback("");
    let daemon = StandIn::new(|request| panic!("{request:?}"));
    for output in [run(&["plan", "--config", &path]), daemon.run(&["plan", "--config", &path])] {
        assert_eq!((code(&output), stdout(&output)), (5, ""));
        assert!(stderr(&output).contains("NIC lo: has 1 transmit queue"), "{}", stderr(&output));
    }
    let output = run(&["plan", "--config", EXAMPLE]);
    assert_eq!((code(&output), stdout(&output)), (11, ""));
    let told = stderr(&output);
    assert!(
        told.contains("no network interface \"customers0\"") && told.contains("--facts"),
        "{told}"
    );
}

#[test]
fn check_reads_the_tables_of_origins() {
    let origins = "[files]\norigins = [\"asn.tsv\", \"gone.tsv\"]\n";
    let (folder, path) = loopback(origins);
    fs::write(folder.path().join("asn.tsv"), "192.0.2.0\t192.0.2.255\t64500\tNL\tX\nodd\n")
        .unwrap();
    let output = run(&["check", "--config", &path]);
    let told = stdout(&output);
    assert_eq!(code(&output), 0, "the daemon starts without them: {told}");
    assert!(told.contains("asn.tsv:2: warning: "), "{told}");
    assert!(told.contains("gone.tsv: warning: could not be opened: No such file"), "{told}");
}

#[test]
fn a_network_that_cannot_be_planned_is_told_with_all_reasons() {
    let (_folder, facts) = machine(1, &[]);
    let output = run(&["plan", "--config", EXAMPLE, "--facts", &facts]);
    assert_eq!((code(&output), stdout(&output)), (5, ""));
    let told = stderr(&output);
    assert!(told.contains("error: the network cannot be planned:\n"), "{told}");
    assert!(told.contains("modprobe sch_htb"), "{told}");
}

/// What a daemon answers that has this plan, and a circuit of it awake or not.
fn plan_or_circuit(request: &Request, plan: &PlanView, asleep: bool) -> Vec<Reply> {
    if matches!(request, Request::Plan) {
        return vec![Reply::Plan(plan.clone())];
    }
    let mut page = views::circuits();
    page.rows.truncate(1);
    page.rows[0].asleep = asleep;
    vec![View::Circuits(page).into()]
}

#[test]
fn a_circuits_place_is_explained_offline_and_online() {
    let (_folder, facts) = machine(2, &["htb", "cake"]);
    let ask = ["plan", "--explain", "1003"];
    let offline = run(&[&ask as &[&str], &["--config", EXAMPLE, "--facts", &facts]].concat());
    let (config, planned) = planned(&facts);
    let explanation = plan::explain(&planned.plan, &config, &"1003".into()).unwrap();
    assert_eq!(stdout(&offline), explanation.to_string());
    let plan = run(&["plan", "--config", EXAMPLE, "--facts", &facts, "--json"]);
    let json_text = stdout(&plan).to_owned();
    let view = PlanView { generation: 1, config: EXAMPLE.into(), json: json_text };
    let of = view.clone();
    let daemon = StandIn::new(move |request| plan_or_circuit(request, &of, false));
    // the daemon says which files its plan follows from
    let online = daemon.run(&ask);
    assert_eq!((stdout(&online), stderr(&online)), (stdout(&offline), ""));
    let sleepy = StandIn::new(move |request| plan_or_circuit(request, &view, true)).run(&ask);
    assert_eq!(stdout(&sleepy), stdout(&offline));
    assert!(stderr(&sleepy).contains("gets its classes with the next packets"));
    assert_eq!(stdout(&daemon.run(&["plan", "--json"])), stdout(&plan));
    let explained = json(&daemon.run(&[&ask as &[&str], &["--json"]].concat()));
    assert_eq!(explained["circuit"], "1003");
    assert_eq!(explained["paths"]["down"]["nic"], "customers0");
}

#[test]
fn circuits_that_are_not_there_are_told_apart_from_those_not_in_force() {
    let (_folder, facts) = machine(2, &["htb", "cake"]);
    let arguments = ["plan", "--config", EXAMPLE, "--facts", &facts, "--explain", "9\x1b[2J"];
    let output = run(&arguments);
    assert_eq!(code(&output), 6);
    assert_eq!(stderr(&output), "error: no circuit has the id \"9\\u{1b}[2J\"\n");
    let empty = r#"{"mode": "bridge", "nics": [], "circuits": [], "addresses": []}"#;
    let view = PlanView { generation: 1, config: EXAMPLE.into(), json: empty.into() };
    let daemon = StandIn::new(move |_| vec![Reply::Plan(view.clone())]);
    let output = daemon.run(&["plan", "--explain", "1003"]);
    assert_eq!(code(&output), 6);
    assert!(stderr(&output).contains("in the files, but not in the plan in force"));
    assert!(stderr(&output).contains("`tidegate reload`"));
}

#[test]
fn a_plan_that_cannot_be_read_asks_for_equal_versions() {
    let view = PlanView { generation: 1, config: String::new(), json: "{}".into() };
    let output = StandIn::new(move |_| vec![Reply::Plan(view.clone())]).run(&["plan"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("of one version?: missing field"), "{}", stderr(&output));
}

#[test]
fn an_import_is_printed_or_written_and_never_overwrites_unasked() {
    let printed = run(&["import", "lqos", "tests/lqos_import/bridge"]);
    assert_eq!(code(&printed), 0);
    assert!(stdout(&printed).contains("[interfaces]\nmode = \"xdp-bridge\""));
    assert!(stderr(&printed).contains("line 12: bridge.mtu: not carried over"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.toml");
    let name = file.display().to_string();
    let ask = ["import", "lqos", "tests/lqos_import/bridge", "--output", &name];
    let written = run(&ask);
    assert_eq!((code(&written), stdout(&written)), (0, &*format!("wrote {name}\n")));
    assert_eq!(fs::read_to_string(&file).unwrap(), stdout(&printed));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);

    fs::write(&file, "mine").unwrap();
    let again = run(&ask);
    assert_eq!(code(&again), 1);
    assert_eq!(stderr(&again), format!("error: {name} exists; --force replaces it\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(code(&run(&[&ask as &[&str], &["--force"]].concat())), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), stdout(&printed));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn an_import_for_programs_and_one_that_is_refused() {
    let import = json(&run(&["import", "lqos", "tests/lqos_import/bridge", "--json"]));
    assert_eq!(import["notes"][0]["key"], "version");
    assert!(import["toml"].as_str().unwrap().contains("[queues]"));
    let refused = run(&["import", "lqos", "tests/lqos_import/refused"]);
    assert_eq!((code(&refused), stdout(&refused)), (5, ""));
    assert!(stderr(&refused).starts_with("error: the installation cannot be imported:\n"));
}
