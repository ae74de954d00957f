//! What a small change changes.

use std::collections::BTreeSet;

use config::{Config, Leaf};
use plan::synthetic::{Size, circuit, provider};
use plan::{ClassPlan, Facts, Owner, Plan, changes, check, plan};
use units::{CircuitId, Direction, QueueId};

fn sound(config: &Config, facts: &Facts, previous: Option<&Plan>) -> Plan {
    let planned = plan(config, facts, previous).unwrap();
    assert_eq!(check(&planned.plan, config, facts), []);
    planned.plan
}

fn village(queues: u16) -> (Config, Facts) {
    provider(Size { circuits: 200, sites: 6, access_points: 3, queues }, Leaf::FqCodel)
}

fn classes(plan: &Plan) -> impl Iterator<Item = (QueueId, Direction, &ClassPlan)> {
    let queues = plan.nics.iter().flat_map(|nic| &nic.queues);
    queues.flat_map(|q| q.classes.iter().map(move |class| (q.queue, q.direction, class)))
}

/// Owners of classes that are new or not what they were.
fn changed(before: &Plan, after: &Plan) -> BTreeSet<Owner> {
    let old: Vec<_> = classes(before).collect();
    let differing = classes(after).filter(|class| !old.contains(class));
    differing.map(|(_, _, class)| class.owner.clone()).collect()
}

fn shard_sizes(plan: &Plan) -> Vec<usize> {
    plan.nics[0].queues.iter().map(|queue| queue.classes.len()).collect()
}

#[test]
fn new_queues_take_their_share() {
    let (config, one) = village(1);
    let (_, four) = village(4);
    let loads = |plan: &Plan| shard_sizes(plan).into_iter().map(|it| it as f64).collect::<Vec<_>>();
    let fresh = loads(&sound(&config, &four, None));
    let before = sound(&config, &one, None);
    let spread = sound(&config, &four, Some(&before));
    let evenness =
        |sizes: &[f64]| sizes.iter().copied().fold(0.0, f64::max) / sizes.iter().sum::<f64>();
    assert!(evenness(&loads(&spread)) <= evenness(&fresh) * 1.1, "{:?}, {fresh:?}", loads(&spread));
    // with as many as before nothing moves
    assert_eq!(changed(&spread, &sound(&config, &four, Some(&spread))), BTreeSet::new());
}

#[test]
fn a_new_circuit_changes_its_own_class_and_what_its_parents_guarantee() {
    let (mut config, facts) = village(4);
    let before = sound(&config, &facts, None);
    let parent = config.network.circuits[7].parent.unwrap();
    config.network.circuits.insert(3, circuit(1_000, Some(parent), [5, 50, 1, 10]));
    let after = sound(&config, &facts, Some(&before));
    let nodes = &config.network.nodes;
    let site = nodes[parent].parent.unwrap();
    let expected = [
        Owner::Circuit("c001000".into()),
        Owner::Node(nodes[parent].id.clone()),
        Owner::Node(nodes[site].id.clone()),
    ];
    assert_eq!(changed(&before, &after), BTreeSet::from(expected));
}

#[test]
fn a_new_circuit_under_exhausted_limits_leaves_the_guarantees_of_others_alone() {
    let (mut config, facts) = village(4);
    for node in &mut config.network.nodes {
        node.rate = units::PerDirection::both(Some(units::BitsPerSec::from_mbps(40)));
    }
    let before = sound(&config, &facts, None);
    let is_cut = |plan: &Plan| classes(plan).filter(|(_, _, class)| class.cut.is_some()).count();
    assert!(is_cut(&before) > 0);
    let parent = config.network.circuits[7].parent.unwrap();
    config.network.circuits.insert(3, circuit(1_000, Some(parent), [1, 50, 1, 10]));
    let after = sound(&config, &facts, Some(&before));
    let circuits: Vec<_> = changed(&before, &after)
        .into_iter()
        .filter(|owner| matches!(owner, Owner::Circuit(_)))
        .collect();
    assert_eq!(circuits, [Owner::Circuit("c001000".into())]);
    // many more, and the cut that was right is not any more
    for i in 0..30 {
        config.network.circuits.push(circuit(2_000 + i, Some(parent), [5, 50, 1, 10]));
    }
    let last = sound(&config, &facts, Some(&after));
    assert!(changed(&after, &last).contains(&Owner::Circuit("c001000".into())));
}

#[test]
fn who_comes_and_goes_at_a_limit_changes_nobody_else_twice() {
    let (mut config, facts) = village(4);
    let parent = config.network.circuits[7].parent.unwrap();
    let is_cut = |plan: &Plan| classes(plan).any(|(_, _, class)| class.cut.is_some());
    // the least limit under which nobody is cut
    let before = (1..1_000)
        .find_map(|mbps| {
            let rate = units::PerDirection::both(Some(units::BitsPerSec::from_mbps(mbps)));
            config.network.nodes[parent].rate = rate;
            let plan = plan(&config, &facts, None).ok()?.plan;
            (!is_cut(&plan)).then_some(plan)
        })
        .unwrap();
    let others = |old: &Plan, new: &Plan| {
        let one = Owner::Circuit("c001000".into());
        let all = changed(old, new);
        all.into_iter().filter(|it| matches!(it, Owner::Circuit(_)) && *it != one).count()
    };
    config.network.circuits.push(circuit(1_000, Some(parent), [5, 50, 5, 10]));
    let with = sound(&config, &facts, Some(&before));
    assert!(is_cut(&with) && others(&before, &with) > 0, "it does not fit");
    let one = config.network.circuits.pop().unwrap();
    let without = sound(&config, &facts, Some(&with));
    assert_eq!(others(&with, &without), 0);
    config.network.circuits.push(one);
    let again = sound(&config, &facts, Some(&without));
    assert_eq!(others(&without, &again), 0);
    // a limit that is far off cuts nobody
    config.network.nodes[parent].rate =
        units::PerDirection::both(Some(units::BitsPerSec::from_mbps(2_000)));
    assert!(!is_cut(&sound(&config, &facts, Some(&again))));
}

#[test]
fn fewer_queues_move_only_what_was_on_those_that_are_gone() {
    let (mut config, facts) = village(4);
    let before = sound(&config, &facts, None);
    config.queues.count = Some(3);
    let after = sound(&config, &facts, Some(&before));
    let mut moved = 0;
    for (old, new) in before.circuits.iter().zip(&after.circuits) {
        assert_eq!(old.slot, new.slot);
        if old.queue.down < QueueId::new(3) {
            assert_eq!(old, new);
        } else {
            moved += 1;
        }
    }
    assert!(moved > 0, "the last queue was empty");
}

#[test]
fn the_children_of_a_node_that_becomes_virtual_are_spread() {
    let (mut config, facts) = village(2);
    config.network.nodes.iter_mut().for_each(|node| node.is_virtual = false);
    for node in &mut config.network.nodes {
        if node.parent.is_none() && node.name.as_ref() != "Site_0" {
            node.parent = None;
            node.is_virtual = true;
        }
    }
    let circuits = &mut config.network.circuits;
    circuits.retain(|circuit| circuit.parent.is_some_and(|p| p <= 3));
    let before = sound(&config, &facts, None);
    let queue_of = |plan: &Plan, id: &CircuitId| {
        plan.circuits.iter().find(|place| place.id == *id).unwrap().queue.down
    };
    let queues = |plan: &Plan| -> BTreeSet<QueueId> {
        config.network.circuits.iter().map(|circuit| queue_of(plan, &circuit.id)).collect()
    };
    assert_eq!(queues(&before).len(), 1, "one site is on one queue");
    let mut spread = config.clone();
    spread.network.nodes[0].is_virtual = true;
    let after = sound(&spread, &facts, Some(&before));
    assert_eq!(queues(&after).len(), 2);
}

#[test]
fn queues_are_loaded_evenly() {
    let (mut config, facts) = village(4);
    for circuit in &mut config.network.circuits {
        circuit.parent = None;
    }
    config.network.nodes.clear();
    let plan = sound(&config, &facts, None);
    let load = |queue: &plan::QueuePlan| -> u64 {
        let circuits = queue.classes.iter().filter(|c| matches!(c.owner, Owner::Circuit(_)));
        circuits.map(|class| class.ceil.get()).sum()
    };
    let loads: Vec<u64> = plan.nics[0].queues.iter().map(load).collect();
    let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
    let largest = config.network.circuits.iter().map(|c| c.max.down.get()).max().unwrap();
    assert!(most - least <= 2 * largest, "{loads:?}");
}

#[test]
fn another_leaf_is_another_class_in_the_same_place() {
    let (mut config, facts) = village(2);
    let before = sound(&config, &facts, None);
    let id = config.network.circuits[5].id.clone();
    config.network.circuits[5].leaf.down = Some(Leaf::Fifo);
    let after = sound(&config, &facts, Some(&before));
    assert_eq!(changed(&before, &after), BTreeSet::from([Owner::Circuit(id.clone())]));
    let place =
        |plan: &Plan| plan.circuits.iter().find(|circuit| circuit.id == id).unwrap().clone();
    let (old, new) = (place(&before), place(&after));
    assert_eq!((old.slot, old.queue, old.class.up), (new.slot, new.queue, new.class.up));
    assert_ne!(old.class.down, new.class.down);
    let leaf = |plan: &Plan| {
        let mut all = classes(plan).filter(|(_, d, _)| *d == Direction::Download);
        all.find(|(_, _, c)| c.owner == Owner::Circuit(id.clone())).unwrap().2.leaf.unwrap()
    };
    assert_ne!(leaf(&before).handle, leaf(&after).handle);
}

#[test]
fn changes_are_told_in_the_operators_words() {
    let (mut config, facts) = village(4);
    let before = sound(&config, &facts, None);
    assert_eq!(changes(&before, &before), []);
    let circuits = &mut config.network.circuits;
    circuits[1].max.down = units::BitsPerSec::from_mbps(70);
    circuits[2].parent = circuits[3].parent;
    circuits[4].leaf.up = Some(Leaf::Fifo);
    circuits[5].devices[0].prefixes[0] = "100.127.0.1".parse().unwrap();
    circuits.remove(6);
    circuits.push(circuit(1_000, circuits[0].parent, [2, 25, 1, 5]));
    let after = sound(&config, &facts, Some(&before));
    let told: Vec<String> = changes(&before, &after)
        .iter()
        .filter(|change| matches!(change.who, Owner::Circuit(_)))
        .map(ToString::to_string)
        .collect();
    let queue = |plan: &Plan, id: &str| {
        let id: CircuitId = id.into();
        plan.circuits.iter().find(|circuit| circuit.id == id).unwrap().queue.down
    };
    let (old, new) = (queue(&before, "c000002"), queue(&after, "c000002"));
    assert_eq!(
        told,
        [
            "circuit c000001: limited to 72.1 Mbps instead of 51.5 Mbps down".to_owned(),
            format!(
                "circuit c000002: moves from under node AP_0_2 on queue {old}, \
                 to under node AP_1_0 on queue {new}"
            ),
            "circuit c000004: queues in fifo instead of fq_codel up".to_owned(),
            "circuit c000005: gets 100.127.0.1; loses 100.64.0.5".to_owned(),
            "circuit c000006: goes".to_owned(),
            format!(
                "circuit c001000: new, under node AP_0_0 on queue {}",
                queue(&after, "c001000")
            ),
        ]
    );
}
