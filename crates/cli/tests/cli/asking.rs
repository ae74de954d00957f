//! What a command line asks the daemon.

use bus::{
    CircuitSort, CircuitsQuery, EventKind, EventsQuery, FlowSort, FlowsQuery, HostKind, HostSort,
    HostsQuery, OriginGroup, OriginSort, OriginsQuery, Request, RetransmitGroup, RetransmitSort,
    RetransmitsQuery, RttGroup, RttQuery, RttSort, Severity, Topic, TreeQuery, UnknownQuery,
    UnknownSort,
};
use units::{Direction, Segment};

use crate::stand_in::StandIn;
use crate::views::answer;
use crate::{code, stderr};

#[test]
fn a_part_of_the_tree_and_some_events_can_be_asked_for() {
    let daemon = StandIn::new(answer);
    daemon.run(&["tree", "--node", "Site_1", "--levels", "2"]);
    daemon.run(&["events"]);
    daemon.run(&[
        "events",
        "--kind",
        "table",
        "--kind",
        "nic",
        "--severity",
        "warning",
        "--filter",
        "eth",
        "--limit",
        "9",
    ]);
    let show = Request::Show;
    assert_eq!(
        daemon.asked(),
        [
            show(Topic::Tree(TreeQuery { node: Some("Site_1".into()), levels: Some(2) })),
            show(Topic::Events(EventsQuery::default())),
            show(Topic::Events(EventsQuery {
                after: 0,
                kinds: vec![EventKind::Nic, EventKind::Table],
                severity_min: Severity::Warning,
                filter: "eth".into(),
                limit: 9,
            })),
        ]
    );
}

#[test]
fn options_become_the_query() {
    let daemon = StandIn::new(answer);
    daemon.run(&["circuits"]);
    daemon.run(&[
        "circuits", "--sort", "share", "--by", "upload", "--filter", "mill", "--node", "AP_1",
        "--id", "10001", "--limit", "7", "--offset", "14",
    ]);
    daemon.run(&["circuits", "--sort", "drops", "--ascending"]);
    daemon.run(&["circuits", "--sort", "name", "--descending"]);
    daemon.run(&["unknown"]);
    daemon.run(&["unknown", "--sort", "address", "--filter", "fd00", "--limit", "3"]);
    let usual = CircuitsQuery::default();
    let circuits = |query| Request::Show(Topic::Circuits(query));
    let unknown = |query| Request::Show(Topic::Unknown(query));
    assert_eq!(
        daemon.asked(),
        [
            circuits(usual.clone()),
            circuits(CircuitsQuery {
                filter: "mill".into(),
                id: Some("10001".into()),
                node: Some("AP_1".into()),
                rtt_samples_min: 0,
                sort: CircuitSort::Share,
                by: Some(Direction::Upload),
                descending: true,
                offset: 14,
                limit: 7,
            }),
            circuits(CircuitsQuery { sort: CircuitSort::Drops, ..usual.clone() }),
            circuits(CircuitsQuery { sort: CircuitSort::Name, descending: true, ..usual }),
            unknown(UnknownQuery::default()),
            unknown(UnknownQuery {
                sort: UnknownSort::Address,
                descending: false,
                filter: "fd00".into(),
                limit: 3,
                ..UnknownQuery::default()
            }),
        ]
    );
}

/// The topics that these command lines ask for.
fn topics(lines: &[&str]) -> Vec<Topic> {
    let daemon = StandIn::new(answer);
    for line in lines {
        let output = daemon.run(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{line}");
    }
    let topic = |request| match request {
        Request::Show(topic) => topic,
        other => panic!("{other:?}"),
    };
    daemon.asked().into_iter().map(topic).collect()
}

#[test]
fn slow_circuits_have_enough_samples() {
    let expected = CircuitsQuery {
        rtt_samples_min: 20,
        sort: CircuitSort::RttCustomer,
        descending: true,
        limit: 7,
        ..CircuitsQuery::default()
    };
    assert_eq!(topics(&["circuits --slow --limit 7"]), [Topic::Circuits(expected)]);
}

#[test]
fn options_of_flows_become_the_query() {
    let all = "flows --filter mill --circuit 1001 --host fd00::9 --protocol udp --asn AS64500 \
               --country nl --recent --sort rtt-internet --by download --ascending --limit 7 \
               --offset 14";
    let expected = FlowsQuery {
        filter: "mill".into(),
        circuit: Some("1001".into()),
        host: Some("fd00::9".parse().unwrap()),
        protocol: Some(17),
        asn: Some(64_500),
        country: Some("nl".into()),
        recent: true,
        sort: FlowSort::RttInternet,
        by: Some(Direction::Download),
        descending: false,
        offset: 14,
        limit: 7,
    };
    assert_eq!(
        topics(&["flows", all]),
        [Topic::Flows(FlowsQuery::default()), Topic::Flows(expected)]
    );
    let recent = FlowsQuery { recent: true, sort: FlowSort::LastSeen, ..FlowsQuery::default() };
    assert_eq!(topics(&["flows --recent"]), [Topic::Flows(recent)]);
}

#[test]
fn options_of_hosts_become_the_query() {
    let all = "hosts --sort address --kind unknown --filter fd00 --circuit 1001 --by upload";
    let expected = HostsQuery {
        filter: "fd00".into(),
        circuit: Some("1001".into()),
        kind: HostKind::Unknown,
        sort: HostSort::Address,
        by: Some(Direction::Upload),
        descending: false,
        ..HostsQuery::default()
    };
    assert_eq!(
        topics(&["hosts", all]),
        [Topic::Hosts(HostsQuery::default()), Topic::Hosts(expected)]
    );
}

#[test]
fn options_of_origins_become_the_query() {
    let expected = OriginsQuery {
        group: OriginGroup::Country,
        filter: "n".into(),
        sort: OriginSort::Rtt,
        limit: 3,
        ..OriginsQuery::default()
    };
    assert_eq!(
        topics(&["origins", "origins country --sort rtt --filter n --limit 3"]),
        [Topic::Origins(OriginsQuery::default()), Topic::Origins(expected)]
    );
}

#[test]
fn options_of_rtts_become_the_query() {
    let all = "rtt nodes --sort name --side internet --filter n --node AP_1 --samples 20 \
               --histogram --limit 3";
    let expected = RttQuery {
        group: RttGroup::Nodes,
        filter: "n".into(),
        node: Some("AP_1".into()),
        segment: Segment::Internet,
        samples_min: 20,
        sort: RttSort::Name,
        descending: false,
        limit: 3,
        histogram: true,
        ..RttQuery::default()
    };
    assert_eq!(topics(&["rtt", all]), [Topic::Rtt(RttQuery::default()), Topic::Rtt(expected)]);
    // what chooses circuits is not lost on the box
    let chosen =
        RttQuery { group: RttGroup::Circuits, node: Some("AP_1".into()), ..RttQuery::default() };
    assert_eq!(topics(&["rtt --node AP_1"]), [Topic::Rtt(chosen)]);
    let output = StandIn::new(answer).run(&["rtt", "box", "--node", "AP_1"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("rtt circuits"), "{}", stderr(&output));
}

#[test]
fn options_of_retransmissions_become_the_query() {
    let all = "retransmits hosts --sort rate --by upload --filter mill --circuit 1001 --events 30";
    let expected = RetransmitsQuery {
        group: RetransmitGroup::Hosts,
        filter: "mill".into(),
        circuit: Some("1001".into()),
        sort: RetransmitSort::Rate,
        by: Some(Direction::Upload),
        events: 30,
        ..RetransmitsQuery::default()
    };
    let usual = RetransmitsQuery::default();
    assert_eq!(
        topics(&["retransmits", all]),
        [Topic::Retransmits(usual), Topic::Retransmits(expected)]
    );
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    let daemon = StandIn::new(answer);
    for arguments in [
        &["circuits", "--limit", "0"] as &[&str],
        &["circuits", "--limit", "10001"],
        &["circuits", "--sort", "colour"],
        &["circuits", "--ascending", "--descending"],
        &["circuits", "--slow", "--sort", "name"],
        &["flows", "--protocol", "carrier-pigeon"],
        &["flows", "--asn", "0x10"],
        &["flows", "--host", "nobody"],
        &["hosts", "--kind", "odd"],
        &["rtt", "planets"],
        &["retransmits", "--events", "1001"],
        &["capture", "1001"],
        &["capture", "1001", "-o", "x", "--seconds", "0"],
        &["capture", "1001", "-o", "x", "--packets", "0"],
        &["capture", "1001", "-o", "x", "--snap-length", "257"],
        &["bypass", "maybe"],
        &["import", "lqos", ".", "--force"],
        &[],
    ] {
        assert_eq!(code(&daemon.run(arguments)), 2, "{arguments:?}");
    }
    assert_eq!(daemon.asked(), []);
}
