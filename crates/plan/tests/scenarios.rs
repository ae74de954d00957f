//! Small networks in, plans and problems as text out: a change of behaviour is a change of text.
//! The texts lie in `tests/plans` at the root of the repository.

use config::{Config, Diffserv, FastLeaf, Leaf, Mode};
use plan::synthetic::{circuit, config, facts, node};
use plan::{Facts, Problem, Target, check, contradictions, explain, plan};
use units::{BitsPerSec, PerDirection};

const GBPS: BitsPerSec = BitsPerSec::from_mbps(1_000);

/// The plan with its warnings, or the problems. A plan that breaks a promise fails here, as does one
/// without the warnings that need no machine.
fn planned(config: &Config, facts: &Facts) -> String {
    match plan(config, facts, None) {
        Ok(planned) => {
            assert_eq!(check(&planned.plan, config, facts), []);
            let told = contradictions(config).unwrap();
            assert!(told.iter().all(|one| planned.warnings.contains(one)), "{told:?}");
            let warnings = planned.warnings.iter().map(|w| format!("warning: {w}\n"));
            format!("{}{}", warnings.collect::<String>(), planned.plan)
        }
        Err(problems) => format!("{problems}\n"),
    }
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../../tests/plans",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

/// Two sites, three access points, six circuits.
fn village() -> Config {
    let mut config = config(GBPS);
    config.network.nodes = vec![
        node("Hill", None, Some(500)),
        node("Mill", None, Some(300)),
        node("Hill_North", Some(0), Some(200)),
        node("Hill_South", Some(0), Some(100)),
        node("Mill_West", Some(1), None),
    ];
    config.network.circuits = vec![
        circuit(0, Some(2), [10, 50, 5, 10]),
        circuit(1, Some(2), [20, 100, 5, 20]),
        circuit(2, Some(3), [10, 155, 5, 20]),
        circuit(3, Some(4), [50, 300, 10, 100]),
        circuit(4, Some(1), [1, 10, 1, 10]),
        circuit(5, None, [2, 25, 2, 25]),
    ];
    config
}

#[test]
fn a_village_on_two_queues() {
    snapshot("village", &planned(&village(), &facts(2, 2)));
}

#[test]
fn the_same_village_on_a_stick() {
    let mut config = village();
    config.interfaces.mode = Mode::Stick { internet_vlan: 10, customers_vlan: 20 };
    let mut facts = facts(4, 4);
    facts.internet = facts.customers.clone();
    snapshot("stick", &planned(&config, &facts));
}

#[test]
fn the_same_village_observed() {
    let mut config = village();
    config.interfaces.mode = Mode::Observe;
    snapshot("observe", &planned(&config, &facts(1, 1)));
}

#[test]
fn a_single_queue_has_no_mq() {
    let mut config = village();
    config.network.nodes.clear();
    config.network.circuits = vec![circuit(0, None, [10, 50, 5, 10])];
    snapshot("single_queue", &planned(&config, &facts(1, 4)));
}

#[test]
fn virtual_nodes_have_no_class_and_their_children_move_up() {
    let mut config = village();
    config.network.nodes[0].is_virtual = true;
    config.network.nodes[4].is_virtual = true;
    snapshot("virtual_nodes", &planned(&config, &facts(2, 2)));
}

#[test]
fn a_flat_network_is_spread() {
    let mut config = config(GBPS);
    config.queues.leaf = Leaf::FqCodel;
    config.network.circuits =
        (0..6).map(|i| circuit(i, None, [10, 100 - 10 * i as u64, 5, 20])).collect();
    snapshot("flat", &planned(&config, &facts(3, 3)));
}

#[test]
fn min_rates_over_a_limit_are_cut() {
    let mut config = config(GBPS);
    config.network.nodes = vec![node("Hill", None, Some(100))];
    config.network.circuits = vec![
        circuit(0, Some(0), [100, 100, 10, 100]),
        circuit(1, Some(0), [50, 100, 10, 100]),
        circuit(2, Some(0), [50, 50, 10, 50]),
    ];
    snapshot("min_rates_over_a_limit", &planned(&config, &facts(1, 1)));
}

#[test]
fn limits_over_the_parents_are_squashed() {
    let mut config = config(GBPS);
    config.network.nodes = vec![
        node("Hill", None, Some(5_000)),
        node("Hill_North", Some(0), Some(200)),
        node("Hill_Far", Some(1), Some(400)),
    ];
    config.network.circuits = vec![circuit(0, Some(2), [10, 300, 5, 200])];
    let facts = facts(1, 1);
    snapshot("squashed", &planned(&config, &facts));
    let planned = plan(&config, &facts, None).unwrap();
    let told = explain(&planned.plan, &config, &"c000000".into()).unwrap();
    snapshot("squashed_explained", &told.to_string());
}

#[test]
fn a_missing_leaf_falls_back_where_that_is_configured() {
    let mut config = village();
    config.queues.leaf_fallback = Some(Leaf::Fifo);
    config.queues.fast_leaf = Some(FastLeaf { from: BitsPerSec::from_mbps(300), leaf: Leaf::None });
    config.network.circuits[0].leaf.down = Some(Leaf::FqCodel);
    let mut facts = facts(1, 1);
    facts.qdiscs.remove("cake");
    snapshot("fallback", &planned(&config, &facts));
    let planned = plan(&config, &facts, None).unwrap();
    let told = ["c000000", "c000003", "c000004"]
        .map(|id| explain(&planned.plan, &config, &id.into()).unwrap().to_string());
    snapshot("fallback_explained", &told.join("\n"));
}

#[test]
fn a_circuit_is_explained_with_its_neighbours_loads() {
    let mut config = village();
    config.network.nodes[2].is_virtual = true;
    let planned = plan(&config, &facts(2, 2), None).unwrap();
    let told = ["c000000", "c000005"]
        .map(|id| explain(&planned.plan, &config, &id.into()).unwrap().to_string());
    snapshot("explained", &told.join("\n"));
    assert_eq!(explain(&planned.plan, &config, &"nobody".into()), None);

    config.interfaces.mode = Mode::Observe;
    let planned = plan(&config, &facts(2, 2), None).unwrap();
    let told = explain(&planned.plan, &config, &"c000005".into()).unwrap();
    assert!(told.to_string().contains("nothing is shaped"), "{told}");
}

#[test]
fn names_are_shown_inert() {
    let mut config = config(GBPS);
    config.network.circuits = vec![circuit(0, None, [10, 50, 5, 10])];
    config.network.circuits[0].id = "evil\x1b[2J\nline".into();
    let text = planned(&config, &facts(1, 1));
    assert!(!text.contains('\x1b') && text.contains("evil\\u{1b}[2J\\nline"), "{text}");
}

#[test]
fn contradictions_need_no_machine() {
    let mut config = config(GBPS);
    config.network.nodes = vec![
        node("Hill", None, Some(200)),
        node("Hill_North", Some(0), Some(2_000)),
        node("Hill_South", Some(0), Some(30)),
    ];
    config.network.circuits = vec![
        circuit(0, Some(1), [10, 500, 5, 20]),
        circuit(1, Some(2), [20, 30, 5, 20]),
        circuit(2, Some(2), [20, 30, 5, 20]),
    ];
    let warnings = contradictions(&config).unwrap();
    let told: Vec<_> = warnings.iter().map(Problem::to_string).collect();
    snapshot("contradictions", &told.join("\n"));
    assert_eq!(plan(&config, &facts(1, 1), None).unwrap().warnings, warnings);

    config.network.nodes[2].rate.down = Some(BitsPerSec::new(1_500));
    let problems = contradictions(&config).unwrap_err();
    assert_eq!(plan(&config, &facts(1, 1), None).unwrap_err(), problems);
    config.interfaces.mode = Mode::Observe;
    assert_eq!(contradictions(&config).unwrap(), []);
}

/// Every problem, with its way out.
#[test]
fn problems_name_their_subject_and_the_way_out() {
    let mut texts = Vec::new();
    let mut case = |title: &str, config: &Config, facts: &Facts| {
        texts.push(format!("# {title}\n{}", planned(config, facts)));
        assert!(plan(config, facts, None).is_err(), "{title}");
    };

    let mut few = village();
    few.queues.count = Some(8);
    case("more queues asked for than there are", &few, &facts(4, 4));
    few.queues.count = Some(0);
    case("no queues, no CPUs", &few, &facts(4, 0));
    let mut one_nic = facts(1, 1);
    one_nic.internet = one_nic.customers.clone();
    case("the same NIC on both sides", &village(), &one_nic);
    let mut stick = village();
    stick.interfaces.mode = Mode::Stick { internet_vlan: 10, customers_vlan: 20 };
    case("a stick with one queue", &stick, &one_nic);

    let mut bare = facts(2, 2);
    bare.qdiscs.clear();
    case("a kernel without HTB and CAKE", &village(), &bare);
    let mut fallback = village();
    fallback.queues.leaf_fallback = Some(Leaf::FqCodel);
    fallback.network.circuits[0].leaf.up = Some(Leaf::Cake(Diffserv::Besteffort));
    case("a fall-back that is missing too", &fallback, &bare);

    let mut deep = config(GBPS);
    deep.network.nodes =
        (0..20).map(|i: usize| node(&format!("n{i}"), i.checked_sub(1), Some(100))).collect();
    deep.network.circuits = vec![circuit(0, Some(19), [1, 10, 1, 10])];
    case("a tree of 20 levels", &deep, &facts(2, 2));
    for i in 0..9 {
        deep.network.nodes.push(node(&format!("side{i}"), Some(6), None));
    }
    case("ten paths that are too deep", &deep, &facts(2, 2));

    let mut small = village();
    (small.limits.circuits, small.limits.hosts, small.limits.prefixes) = (2, 5, 3);
    case("maps that are too small", &small, &facts(2, 2));

    let mut tiny = config(GBPS);
    tiny.network.nodes = vec![node("Hill", None, Some(500))];
    tiny.network.nodes[0].rate = PerDirection::both(Some(BitsPerSec::new(2_000)));
    tiny.network.circuits = (0..3).map(|i| circuit(i, Some(0), [1, 10, 1, 10])).collect();
    case("a limit too small for its circuits", &tiny, &facts(2, 2));
    let mut slow = config(GBPS);
    slow.network.circuits = vec![circuit(0, None, [0, 0, 1, 10])];
    case("a circuit that may carry nothing", &slow, &facts(2, 2));
    case("a link that carries nothing", &config(BitsPerSec::ZERO), &facts(1, 1));

    let mut crowd = config(BitsPerSec::from_mbps(100_000));
    crowd.queues.leaf = Leaf::None;
    crowd.network.circuits = (0..70_000).map(|i| circuit(i, None, [1, 10, 1, 10])).collect();
    case("70,000 circuits on one queue", &crowd, &facts(1, 1));
    crowd.queues.leaf = Leaf::FqCodel;
    case("70,000 leaves", &crowd, &facts(2, 2));
    crowd.queues.leaf = Leaf::None;
    crowd.network.nodes = vec![node("Hill", None, None)];
    for circuit in &mut crowd.network.circuits {
        circuit.parent = Some(0);
    }
    case("70,000 circuits below one node", &crowd, &facts(4, 4));
    snapshot("problems", &texts.join("\n"));
}

#[test]
fn fault_18_seventy_thousand_parentless_circuits_fit_on_two_queues() {
    let mut config = config(BitsPerSec::from_mbps(100_000));
    config.queues.leaf = Leaf::None;
    config.network.circuits = (0..70_000).map(|i| circuit(i, None, [1, 10, 1, 10])).collect();
    let facts = facts(2, 2);
    let planned = plan(&config, &facts, None).unwrap();
    assert_eq!(check(&planned.plan, &config, &facts), []);
    let sizes: Vec<_> = planned.plan.nics[0].queues.iter().map(|q| q.classes.len()).collect();
    assert_eq!(sizes, [35_002, 35_002]);
}

#[test]
fn a_heavy_node_is_reported_with_its_cpu() {
    let mut config = config(BitsPerSec::from_mbps(20_000));
    config.network.nodes = vec![node("Hill", None, Some(10_000)), node("Mill", None, Some(100))];
    config.network.circuits = vec![
        circuit(0, Some(0), [10, 6_000, 10, 2_000]),
        circuit(1, Some(0), [10, 1_000, 10, 1_000]),
        circuit(2, Some(1), [10, 100, 10, 100]),
    ];
    let warnings = plan(&config, &facts(4, 4), None).unwrap().warnings;
    let heavy: Vec<_> =
        warnings.iter().filter(|w| matches!(w, Problem::Unbalanced { .. })).collect();
    assert_eq!(heavy.len(), 1, "{warnings:?}");
    assert_eq!(
        heavy[0].to_string(),
        "node \"Hill\": may carry 10.3 Gbps, a queue's fair share is 2.625 Gbps: CPU 0 alone must \
         serve it; set \"virtual\": true on it if its own limit need not be kept: its children are \
         then spread over the queues"
    );
}

#[test]
fn guarantees_beyond_the_link_on_all_queues_together_are_reported() {
    let mut config = config(GBPS);
    config.network.circuits = (0..3).map(|i| circuit(i, None, [400, 500, 10, 50])).collect();
    let warnings = plan(&config, &facts(3, 3), None).unwrap().warnings;
    assert!(matches!(warnings[..], [Problem::LinkOversold { .. }]), "{warnings:?}");
}

#[test]
fn a_device_wins_over_a_range_of_the_same_block() {
    let mut config = village();
    let own = config.network.circuits[0].devices[0].prefixes[0];
    config.ranges.customers = vec![own, "100.64.0.0/10".parse().unwrap()];
    config.ranges.ignored = vec![own, "100.64.0.0/10".parse().unwrap()];
    let planned = plan(&config, &facts(2, 2), None).unwrap();
    assert_eq!(check(&planned.plan, &config, &facts(2, 2)), []);
    let target = |prefix: &str| {
        let prefix = prefix.parse().unwrap();
        planned.plan.addresses.iter().find(|a| a.prefix == prefix).map(|a| a.target)
    };
    assert_eq!(target("100.64.0.0"), Some(Target::Circuit(planned.plan.circuits[0].slot)));
    assert_eq!(target("100.64.0.0/10"), Some(Target::Ignored));
    assert_eq!(target("0.0.0.0/0"), None, "ranges are given, so nothing else is customers'");
}

#[test]
fn absurd_numbers_are_planned_or_refused_but_never_fatal() {
    let most = BitsPerSec::new(u64::MAX);
    let mut config = config(most);
    config.queues.framing_percent = u8::MAX;
    config.network.nodes = vec![node("Hill", None, None)];
    config.network.nodes[0].rate = PerDirection::both(Some(most));
    config.network.circuits =
        (0..4).map(|i| circuit(i, (i > 1).then_some(0), [1, 10, 1, 10])).collect();
    for circuit in &mut config.network.circuits {
        (circuit.min, circuit.max) = (PerDirection::both(most), PerDirection::both(most));
    }
    let mut facts = facts(u16::MAX, u16::MAX);
    let planned = plan(&config, &facts, None).unwrap();
    assert_eq!(check(&planned.plan, &config, &facts), []);
    assert_eq!(planned.plan.nics[0].queues.len(), 0xffe, "handles end there");

    facts.customers.mtu = u32::MAX;
    assert!(plan(&config, &facts, None).is_ok());
    (facts.customers.tx_queues, config.limits.circuits) = (0, 0);
    let problems = plan(&config, &facts, None).unwrap_err().to_string();
    assert!(problems.contains("NIC eth0: has 0 transmit queues, 1 are needed"), "{problems}");
    assert!(problems.contains("limits.circuits: 4 are needed, 0 are set"), "{problems}");
}
