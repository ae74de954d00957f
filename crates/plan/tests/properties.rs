//! What holds for any network on any machine.

use std::collections::HashMap;
use std::ops::Range;

use config::{Config, FastLeaf, Leaf, Mode};
use plan::synthetic::{circuit, config, facts, node};
use plan::{CircuitPlan, ClassPlan, Facts, Owner, Plan, check, plan};
use proptest::prelude::*;
use units::{BitsPerSec, CircuitId, PerDirection};

/// A node: its parent among those before it, its limit in kbps, whether it is virtual.
type NodeSeed = (Option<prop::sample::Index>, Option<u64>, bool);
/// A circuit: its parent, min and further rate up to its max in kbps, each down and up, its leaf.
type CircuitSeed = (Option<prop::sample::Index>, [u64; 4], Option<Leaf>);

fn leaf() -> impl Strategy<Value = Leaf> {
    prop::sample::select(vec![
        Leaf::Cake(config::Diffserv::Diffserv4),
        Leaf::FqCodel,
        Leaf::Fifo,
        Leaf::None,
    ])
}

fn node_seed() -> impl Strategy<Value = NodeSeed> {
    let limit = prop_oneof![
        Just(None),
        (100_u64..1_000).prop_map(Some),
        (1_000_u64..30_000_000).prop_map(Some)
    ];
    (any::<Option<prop::sample::Index>>(), limit, prop::bool::weighted(0.2))
}

fn circuit_seed() -> impl Strategy<Value = CircuitSeed> {
    let min = prop_oneof![Just(0_u64), 1_u64..1_000, 1_000_u64..5_000_000];
    let more = || prop_oneof![Just(0_u64), 1_u64..10_000_000];
    let rates = (min.clone(), more(), min, more()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    (any::<Option<prop::sample::Index>>(), rates, prop::option::weighted(0.2, leaf()))
}

fn kbps(n: u64) -> BitsPerSec {
    BitsPerSec::new(n * 1_000)
}

fn network(config: &mut Config, nodes: Vec<NodeSeed>, circuits: Vec<CircuitSeed>) {
    let mut level: Vec<usize> = Vec::new();
    for (i, (parent, limit, is_virtual)) in nodes.into_iter().enumerate() {
        // HTB takes six levels; whoever would be deeper becomes a top-level node.
        let parent = parent.filter(|_| i > 0).map(|p| p.index(i)).filter(|p| level[*p] < 6);
        level.push(parent.map_or(0, |p| level[p]) + usize::from(!is_virtual));
        let mut made = node(&format!("n{i}"), parent, None);
        made.rate = PerDirection { down: limit.map(kbps), up: limit.map(|l| kbps(l / 2 + 50)) };
        made.is_virtual = is_virtual;
        config.network.nodes.push(made);
    }
    for (i, (parent, [min_down, more_down, min_up, more_up], leaf)) in
        circuits.into_iter().enumerate()
    {
        let parent = parent.filter(|_| !level.is_empty()).map(|p| p.index(level.len()));
        let mut made = circuit(i, parent, [0; 4]);
        made.min = PerDirection { down: kbps(min_down), up: kbps(min_up) };
        made.max = PerDirection {
            down: kbps((min_down + more_down).max(1)),
            up: kbps((min_up + more_up).max(1)),
        };
        made.leaf.down = leaf;
        config.network.circuits.push(made);
    }
}

/// A network, how it is queued, and a machine that can carry it.
fn world(circuits: Range<usize>) -> impl Strategy<Value = (Config, Facts)> {
    let mode = prop::sample::select(vec![
        Mode::Bridge,
        Mode::XdpBridge,
        Mode::Stick { internet_vlan: 10, customers_vlan: 20 },
        Mode::Observe,
    ]);
    let machine = (1_u16..=16, 1_u16..=16, any::<bool>(), any::<bool>(), 1_280_u32..9_216);
    let queues =
        (1_000_u64..100_000_000, leaf(), prop::option::of(leaf()), any::<bool>(), 0_u8..10);
    let nodes = prop::collection::vec(node_seed(), 0..25);
    let circuits = prop::collection::vec(circuit_seed(), circuits);
    (mode, machine, queues, nodes, circuits).prop_map(|(mode, machine, queues, nodes, circuits)| {
        let (tx_queues, cpus, count_all, has_cake, mtu) = machine;
        let (link, leaf, fast, fall_back, framing_percent) = queues;
        let mut config = config(kbps(link));
        config.interfaces.mode = mode;
        config.queues.leaf = leaf;
        config.queues.fast_leaf = fast.map(|leaf| FastLeaf { from: kbps(500_000), leaf });
        config.queues.framing_percent = framing_percent;
        let stick = matches!(mode, Mode::Stick { .. });
        let mut facts = facts(if stick { tx_queues * 2 } else { tx_queues }, cpus);
        config.queues.count = count_all.then_some(tx_queues);
        if !has_cake {
            facts.qdiscs.remove("cake");
            config.queues.leaf_fallback = Some(if fall_back { Leaf::FqCodel } else { Leaf::Fifo });
        }
        facts.customers.mtu = mtu;
        if stick {
            facts.internet = facts.customers.clone();
        }
        network(&mut config, nodes, circuits);
        (config, facts)
    })
}

/// Plans, and lets the checker look at the result.
fn sound(config: &Config, facts: &Facts, previous: Option<&Plan>) -> Plan {
    let planned = plan(config, facts, previous).unwrap();
    assert_eq!(check(&planned.plan, config, facts), []);
    planned.plan
}

fn places(plan: &Plan) -> HashMap<&CircuitId, &CircuitPlan> {
    plan.circuits.iter().map(|circuit| (&circuit.id, circuit)).collect()
}

/// Every class by NIC and owner, but for the link's and the default one, which each queue has.
fn classes(plan: &Plan) -> HashMap<(usize, units::Direction, &Owner), &ClassPlan> {
    let mut classes = HashMap::new();
    for (nic, planned) in plan.nics.iter().enumerate() {
        for queue in &planned.queues {
            for class in &queue.classes {
                if !matches!(class.owner, Owner::Link | Owner::Unclaimed) {
                    classes.insert((nic, queue.direction, &class.owner), class);
                }
            }
        }
    }
    classes
}

/// Nothing but circuit `changed` moved, lost its row, its class or its leaf.
fn only_moved(before: &Plan, after: &Plan, changed: &CircuitId) {
    let (old, new) = (places(before), places(after));
    for (id, place) in old.iter().filter(|(id, _)| **id != changed) {
        assert_eq!(new.get(id), Some(place), "{id} has moved");
    }
    let new = classes(after);
    for (key, class) in classes(before) {
        if *key.2 == Owner::Circuit(changed.clone()) {
            continue;
        }
        let now = new[&key];
        assert_eq!((class.handle, class.parent), (now.handle, now.parent), "{:?}", key.2);
        assert_eq!(class.leaf.map(|l| l.handle), now.leaf.map(|l| l.handle), "{:?}", key.2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_its_promises_and_is_the_same_again((config, facts) in world(0..60)) {
        let first = sound(&config, &facts, None);
        prop_assert_eq!(&first, &sound(&config, &facts, None));
        prop_assert_eq!(&first, &sound(&config, &facts, Some(&first)));
    }

    #[test]
    fn a_plan_survives_being_written_down((config, facts) in world(0..60)) {
        let plan = sound(&config, &facts, None);
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(plan, serde_json::from_str::<Plan>(&text).unwrap());
    }

    #[test]
    fn removing_and_adding_a_circuit_again_leaves_the_others_alone(
        (config, facts) in world(1..60),
        which in any::<prop::sample::Index>(),
    ) {
        let full = sound(&config, &facts, None);
        let mut fewer = config.clone();
        let circuits = &mut fewer.network.circuits;
        let removed = circuits.remove(which.index(circuits.len()));
        let without = sound(&fewer, &facts, Some(&full));
        only_moved(&full, &without, &removed.id);
        let again = sound(&config, &facts, Some(&without));
        only_moved(&without, &again, &removed.id);
        only_moved(&full, &again, &removed.id);
    }

    #[test]
    fn what_is_new_gets_no_number_that_was_in_use_a_moment_ago(
        (config, facts) in world(1..60),
        which in any::<prop::sample::Index>(),
    ) {
        let mut config = config;
        if config.interfaces.mode == Mode::Observe {
            config.interfaces.mode = Mode::Bridge;
        }
        let before = sound(&config, &facts, None);
        let mut replaced = config.clone();
        let index = which.index(config.network.circuits.len());
        replaced.network.circuits[index].id = "newcomer".into();
        let after = sound(&replaced, &facts, Some(&before));
        let newcomer = *places(&after).get(&CircuitId::from("newcomer")).unwrap();
        for old in &before.circuits {
            prop_assert_ne!(old.slot, newcomer.slot);
            prop_assert_ne!((old.queue.down, old.class.down), (newcomer.queue.down, newcomer.class.down));
            prop_assert_ne!((old.queue.up, old.class.up), (newcomer.queue.up, newcomer.class.up));
        }
    }

    #[test]
    fn changing_a_rate_moves_nothing_at_all(
        (config, facts) in world(1..60),
        which in any::<prop::sample::Index>(),
        mbps in 1_u64..2_000,
    ) {
        let mut config = config;
        // Where fast circuits have another leaf, a rate changes the leaf.
        config.queues.fast_leaf = None;
        let before = sound(&config, &facts, None);
        let mut changed = config.clone();
        let index = which.index(changed.network.circuits.len());
        changed.network.circuits[index].max = PerDirection::both(BitsPerSec::from_mbps(mbps));
        changed.network.circuits[index].min = PerDirection::both(BitsPerSec::from_mbps(1));
        let after = sound(&changed, &facts, Some(&before));
        only_moved(&before, &after, &CircuitId::from("nobody"));
    }

    #[test]
    fn moving_a_circuit_to_another_parent_leaves_the_others_alone(
        (config, facts) in world(1..60),
        which in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!config.network.nodes.is_empty());
        let before = sound(&config, &facts, None);
        let mut changed = config.clone();
        let index = which.index(changed.network.circuits.len());
        let to = to.index(changed.network.nodes.len());
        changed.network.circuits[index].parent = Some(to);
        let after = sound(&changed, &facts, Some(&before));
        only_moved(&before, &after, &config.network.circuits[index].id);
    }

    #[test]
    fn the_order_of_the_file_does_not_matter_to_who_is_where((config, facts) in world(0..60)) {
        let before = sound(&config, &facts, None);
        let mut turned = config.clone();
        turned.network.circuits.reverse();
        let after = sound(&turned, &facts, Some(&before));
        prop_assert_eq!(&before.circuits, &after.circuits);
        prop_assert_eq!(&before.addresses, &after.addresses);
        prop_assert_eq!(classes(&before), classes(&after));
    }

    #[test]
    fn any_other_plan_is_a_harmless_predecessor(
        (config, facts) in world(0..60),
        (other, other_facts) in world(0..60),
    ) {
        let stranger = sound(&other, &other_facts, None);
        let heir = sound(&config, &facts, Some(&stranger));
        prop_assert_eq!(&heir, &sound(&config, &facts, Some(&heir)));
    }
}
