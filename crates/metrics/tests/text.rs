//! The text for the views of the golden frames, and those who read it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use bus::{CircuitRow, ClientCodec, QueuesView, Reply, StatusView, TreeView, View};
use bytes::BytesMut;
use metrics::{Format, NODES_MAX, Reading, text};
use serde_json::Value;
use tokio_util::codec::Decoder as _;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn view(name: &str) -> View {
    let path = root().join("tests/bus_frames").join(format!("reply-{name}.hex"));
    let digits: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let mut frame: BytesMut = (0..digits.len()).step_by(2).map(byte).collect();
    match ClientCodec.decode(&mut frame).unwrap() {
        Some((_, Reply::View(view))) => view,
        other => panic!("{name} is {other:?}"),
    }
}

struct Views {
    status: StatusView,
    tree: TreeView,
    queues: QueuesView,
    circuits: Vec<CircuitRow>,
}

impl Views {
    fn golden() -> Self {
        let (View::Status(status), View::Tree(mut tree)) = (view("status"), view("tree")) else {
            panic!("other views");
        };
        let (View::Queues(queues), View::Circuits(page)) = (view("queues"), view("circuits"))
        else {
            panic!("other views");
        };
        // names are unique in a tree
        tree.nodes[1].name = "AP".into();
        Self { status: *status, tree, queues, circuits: page.rows }
    }

    fn text(&self, format: Format) -> String {
        let Self { status, tree, queues, circuits } = self;
        text(&Reading { status, tree, queues, circuits: Some(circuits) }, format)
    }
}

fn promtool(text: &str) -> (bool, String) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics", "--extended"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's package prometheus");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn promtool_finds_nothing_to_say() {
    let mut views = Views::golden();
    let (is_fine, said) = promtool(&views.text(Format::Prometheus));
    assert!(is_fine, "{said}");
    views.tree.nodes[0].name = "evil\"} 1\nup{a=\"\\".into();
    let (is_fine, said) = promtool(&views.text(Format::Prometheus));
    assert!(is_fine, "{said}");
    let (is_fine, _) = promtool("# TYPE tidegate_milliseconds counter\ntidegate_milliseconds 1\n");
    assert!(!is_fine, "promtool lets everything pass");
}

#[test]
fn figures_are_those_of_the_views() {
    let text = Views::golden().text(Format::Prometheus);
    for line in [
        "tidegate_uptime_seconds 41.25",
        "tidegate_configuration_problem 1",
        "tidegate_traffic_bytes_total{direction=\"download\",protocol=\"tcp\"} 9000000000",
        "tidegate_cpu_softirq_ratio{cpu=\"1\"} 0.5",
        "tidegate_thread_up{thread=\"tick\"} 0",
        "tidegate_node_limit_bytes_per_second{node=\"Site_1\",direction=\"download\"} 125000000",
        "tidegate_circuit_throughput_bytes_per_second{circuit=\"10001\",direction=\"download\"} 19362500",
        "tidegate_circuit_throughput_bytes_per_second{circuit=\"10001\",direction=\"upload\"} 11",
        "tidegate_rtt_seconds{side=\"customer\",percentile=\"90\"} 0.0456",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("side=\"internet\",percentile"), "there was no sample");
}

#[test]
fn open_metrics_ends_and_has_each_family_once() {
    let text = Views::golden().text(Format::OpenMetrics);
    assert!(text.ends_with("# EOF\n"));
    let families: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let names: BTreeSet<_> = families.iter().map(|line| line.split(' ').next()).collect();
    assert_eq!(families.len(), names.len());
}

#[test]
fn every_metric_is_documented_and_every_documented_one_exists() {
    let text = Views::golden().text(Format::Prometheus);
    let known: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let document = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<_> = rows.collect();
    assert_eq!(known, documented);
}

#[test]
fn a_network_without_end_is_cut_and_that_is_told() {
    let mut views = Views::golden();
    views.tree.nodes = vec![views.tree.nodes[0].clone(); NODES_MAX + 3];
    let text = views.text(Format::Prometheus);
    let circuits = text.lines().filter(|line| line.starts_with("tidegate_node_circuits{"));
    assert_eq!(circuits.count(), NODES_MAX);
    assert!(text.contains("\ntidegate_left_out{what=\"nodes\"} 3\n"));
}

/// Every text in a JSON value that is below a key of this name.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    value => texts(value, key, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

/// Names of metrics in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("tidegate_"))
}

#[test]
fn the_dashboard_uses_only_metrics_that_exist() {
    let text = Views::golden().text(Format::Prometheus);
    let known: BTreeSet<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let json = fs::read_to_string(root().join("config/grafana/tidegate.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&json).unwrap();
    let mut expressions = Vec::new();
    texts(&dashboard, "expr", &mut expressions);
    texts(&dashboard, "query", &mut expressions);
    assert!(expressions.len() > 30, "{expressions:?}");
    let used: BTreeSet<_> = expressions.iter().flat_map(|expression| names(expression)).collect();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "there are no such metrics: {unknown:?}");
    // labels that a legend or a sum names belong to a metric of the same expression
    let mut panels = Vec::new();
    targets(&dashboard, &mut panels);
    for (expression, legend) in panels {
        let line = |name: &str| text.lines().find(|line| line.starts_with(&format!("{name}{{")));
        let labelled: String = names(expression).filter_map(line).collect();
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            assert!(
                labelled.contains(&format!("{label}=\"")),
                "{label} is no label of {expression}"
            );
        }
    }
}

/// Expressions with their legends.
fn targets<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(object) => {
            if let (Some(Value::String(expression)), Some(Value::String(legend))) =
                (object.get("expr"), object.get("legendFormat"))
            {
                found.push((expression, legend));
            }
            object.values().for_each(|value| targets(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| targets(value, found)),
        _ => {}
    }
}
