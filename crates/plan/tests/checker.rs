//! A sound plan, spoilt in one way at a time: the checker has to object to each.

use std::time::Duration;

use config::{Config, FastLeaf, Leaf, Mode};
use plan::synthetic::{Size, circuit, facts, node, provider};
use plan::{ClassPlan, Codel, Facts, LeafPlan, Owner, Plan, QueuePlan, Rule, Target, check, plan};
use units::{BitsPerSec, Bytes, CircuitSlot, CpuId, Direction, IfIndex, QueueId, TcHandle};

fn sound() -> (Plan, Config, Facts) {
    let size = Size { circuits: 24, sites: 3, access_points: 2, queues: 2 };
    let (mut config, facts) = provider(size, Leaf::FqCodel);
    config.network.circuits[0].parent = None;
    config.network.circuits[1].leaf.down = Some(Leaf::Fifo);
    config.ranges.ignored = vec!["192.0.2.0/24".parse().unwrap()];
    let plan = plan(&config, &facts, None).unwrap().plan;
    assert_eq!(check(&plan, &config, &facts), []);
    (plan, config, facts)
}

/// Spoils a sound plan and expects this rule among the objections.
#[track_caller]
fn objects(rule: Rule, spoil: impl FnOnce(&mut Plan)) {
    let (good, config, facts) = sound();
    let mut bad = good.clone();
    spoil(&mut bad);
    assert_ne!(good, bad, "nothing was spoilt");
    let found = check(&bad, &config, &facts);
    assert!(found.iter().any(|violation| violation.rule == rule), "{rule:?} not in {found:?}");
}

/// The first download queue.
fn queue(plan: &mut Plan) -> &mut QueuePlan {
    &mut plan.nics[0].queues[0]
}

/// The first class there that belongs to such an owner.
fn class(plan: &mut Plan, is: impl Fn(&Owner) -> bool) -> &mut ClassPlan {
    queue(plan).classes.iter_mut().find(|class| is(&class.owner)).unwrap()
}

fn circuit_class(plan: &mut Plan) -> &mut ClassPlan {
    class(plan, |owner| matches!(owner, Owner::Circuit(_)))
}

fn node_class(plan: &mut Plan) -> &mut ClassPlan {
    class(plan, |owner| matches!(owner, Owner::Node(_)))
}

fn link_class(plan: &mut Plan) -> &mut ClassPlan {
    class(plan, |owner| *owner == Owner::Link)
}

fn double(rate: &mut BitsPerSec) {
    *rate = BitsPerSec::new(rate.get() * 2);
}

#[test]
fn nics() {
    objects(Rule::Nics, |plan| plan.nics.reverse());
    objects(Rule::Nics, |plan| plan.nics[0].name = "eth7".to_owned());
    objects(Rule::Nics, |plan| plan.nics[1].ifindex = IfIndex::new(7));
    objects(Rule::Nics, |plan| drop(plan.nics.pop()));
    objects(Rule::Nics, |plan| plan.mode = Mode::XdpBridge);
}

#[test]
fn queues() {
    objects(Rule::Queues, |plan| queue(plan).queue = QueueId::new(2));
    objects(Rule::Queues, |plan| plan.nics[0].queues.swap(0, 1));
    objects(Rule::Queues, |plan| queue(plan).direction = Direction::Upload);
    objects(Rule::Queues, |plan| queue(plan).cpu = CpuId::new(1));
    objects(Rule::Queues, |plan| {
        for nic in &mut plan.nics {
            nic.queues[0].cpu = CpuId::new(9);
        }
    });
    objects(Rule::Queues, |plan| drop(plan.nics[1].queues.pop()));
    objects(Rule::Queues, |plan| plan.nics.iter_mut().for_each(|nic| nic.queues.clear()));
    let (plan, mut config, facts) = sound();
    config.queues.count = Some(1);
    let found = check(&plan, &config, &facts);
    assert!(found.iter().any(|violation| violation.rule == Rule::Queues), "{found:?}");
}

#[test]
fn handles() {
    objects(Rule::Handles, |plan| plan.nics[0].mq = TcHandle::new(1, 0));
    objects(Rule::Handles, |plan| queue(plan).htb = TcHandle::new(2, 0));
    objects(Rule::Handles, |plan| circuit_class(plan).handle = TcHandle::new(9, 9));
    objects(Rule::Handles, |plan| circuit_class(plan).handle = TcHandle::new(1, 0));
    objects(Rule::Handles, |plan| {
        let node = node_class(plan).handle;
        circuit_class(plan).handle = node;
    });
    objects(Rule::Handles, |plan| {
        let other = class(plan, |owner| *owner == Owner::Unclaimed).leaf;
        circuit_class(plan).leaf = other;
    });
    for handle in [TcHandle::new(0x0fff, 0), TcHandle::new(0xffff, 0), TcHandle::new(0x2000, 1)] {
        objects(Rule::Handles, |plan| {
            circuit_class(plan).leaf.as_mut().unwrap().handle = handle;
        });
    }
}

#[test]
fn trees() {
    objects(Rule::Tree, |plan| queue(plan).classes.reverse());
    objects(Rule::Tree, |plan| circuit_class(plan).parent = TcHandle::new(1, 0));
    objects(Rule::Tree, |plan| circuit_class(plan).parent = TcHandle::new(1, 0xabcd));
    objects(Rule::Tree, |plan| link_class(plan).parent = TcHandle::new(1, 2));
    objects(Rule::Tree, |plan| drop(queue(plan).classes.remove(0)));
    objects(Rule::Tree, |plan| queue(plan).default_class = 3);
    objects(Rule::Tree, |plan| drop(queue(plan).classes.remove(1)));
    objects(Rule::Tree, |plan| {
        let above = circuit_class(plan).handle;
        queue(plan).classes.last_mut().unwrap().parent = above;
    });
}

#[test]
fn depth() {
    let (mut config, facts) =
        provider(Size { circuits: 0, sites: 0, access_points: 0, queues: 1 }, Leaf::None);
    config.network.nodes =
        (0..6).map(|i: usize| node(&format!("n{i}"), i.checked_sub(1), None)).collect();
    config.network.circuits = vec![circuit(0, Some(5), [1, 10, 1, 10])];
    let deepest = plan(&config, &facts, None).unwrap().plan;
    assert_eq!(check(&deepest, &config, &facts), []);
    let mut deeper = deepest;
    let queue = &mut deeper.nics[0].queues[0];
    let at = queue.classes.len() - 1;
    let mut between = queue.classes[at - 1].clone();
    between.parent = between.handle;
    between.handle = TcHandle::new(1, 0x99);
    between.owner = Owner::Node("n6".into());
    queue.classes[at].parent = between.handle;
    queue.classes.insert(at, between);
    let found = check(&deeper, &config, &facts);
    let too_deep = found.iter().filter(|violation| violation.why.contains("is on level"));
    assert_eq!(too_deep.map(|violation| violation.rule).collect::<Vec<_>>(), [Rule::Tree; 2]);
}

#[test]
fn owners() {
    objects(Rule::Owners, |plan| drop(queue(plan).classes.pop()));
    objects(Rule::Owners, |plan| {
        let mut again = circuit_class(plan).clone();
        again.handle = TcHandle::new(1, 0x7777);
        queue(plan).classes.push(again);
    });
    objects(Rule::Owners, |plan| {
        let moved = queue(plan).classes.pop().unwrap();
        plan.nics[0].queues[1].classes.push(moved);
    });
    objects(Rule::Owners, |plan| {
        let link = link_class(plan).handle;
        queue(plan).classes.last_mut().unwrap().parent = link;
    });
    objects(Rule::Owners, |plan| node_class(plan).owner = Owner::Node("nobody".into()));
    objects(Rule::Owners, |plan| {
        let index = queue(plan).classes.iter().rposition(|c| matches!(c.owner, Owner::Node(_)));
        let link = link_class(plan).handle;
        queue(plan).classes[index.unwrap()].parent = link;
    });
}

#[test]
fn ceilings() {
    objects(Rule::Ceilings, |plan| double(&mut circuit_class(plan).ceil));
    objects(Rule::Ceilings, |plan| double(&mut node_class(plan).ceil));
    objects(Rule::Ceilings, |plan| double(&mut link_class(plan).ceil));
    objects(Rule::Ceilings, |plan| {
        let class = circuit_class(plan);
        class.ceil = class.rate;
    });
    objects(Rule::Ceilings, |plan| {
        let class = class(plan, |owner| *owner == Owner::Unclaimed);
        class.ceil = class.rate;
    });
}

#[test]
fn guarantees() {
    objects(Rule::Guarantees, |plan| double(&mut circuit_class(plan).rate));
    objects(Rule::Guarantees, |plan| circuit_class(plan).rate = BitsPerSec::ZERO);
    objects(Rule::Guarantees, |plan| {
        let class = circuit_class(plan);
        class.rate = BitsPerSec::new(class.rate.get() / 2);
    });
    // What a naive plan does: a node guaranteed its own limit.
    objects(Rule::Guarantees, |plan| {
        let class = node_class(plan);
        class.rate = class.ceil;
    });
    objects(Rule::Guarantees, |plan| {
        let class = node_class(plan);
        class.rate = BitsPerSec::new(class.rate.get() - 1_000_000);
    });
    objects(Rule::Guarantees, |plan| link_class(plan).rate = BitsPerSec::from_mbps(99_000));
    objects(Rule::Guarantees, |plan| {
        let class = class(plan, |owner| *owner == Owner::Unclaimed);
        class.rate = class.ceil;
    });
}

#[test]
fn quanta() {
    for quantum in [0, 999, 1_521, 200_001] {
        objects(Rule::Quanta, |plan| circuit_class(plan).quantum = Bytes::new(quantum));
    }
    // Under one access point, the largest min rate with the smallest quantum.
    objects(Rule::Quanta, |plan| {
        let parent = queue(plan).classes.last().unwrap().parent;
        let siblings = queue(plan).classes.iter_mut().filter(|class| class.parent == parent);
        siblings.max_by_key(|class| class.rate).unwrap().quantum = Bytes::new(1_522);
    });
}

#[test]
fn bursts() {
    for burst in [0, 1_000_000_000] {
        objects(Rule::Bursts, |plan| circuit_class(plan).burst = Bytes::new(burst));
        objects(Rule::Bursts, |plan| link_class(plan).cburst = Bytes::new(burst));
    }
}

#[test]
fn leaves() {
    let leaf = LeafPlan {
        handle: TcHandle::new(0x7777, 0),
        kind: Leaf::FqCodel,
        direction: Direction::Download,
        limit: Bytes::new(0),
        codel: Codel { target: Duration::from_millis(5), interval: Duration::from_millis(100) },
    };
    objects(Rule::Leaves, |plan| node_class(plan).leaf = Some(leaf));
    objects(Rule::Leaves, |plan| link_class(plan).leaf = Some(leaf));
    objects(Rule::Leaves, |plan| circuit_class(plan).leaf = None);
    objects(Rule::Leaves, |plan| circuit_class(plan).leaf.as_mut().unwrap().kind = Leaf::None);
    objects(Rule::Leaves, |plan| {
        let leaf = class(plan, |owner| *owner == Owner::Unclaimed).leaf.as_mut().unwrap();
        leaf.kind = Leaf::Fifo;
    });
    objects(Rule::Leaves, |plan| {
        let classes = plan.nics[0].queues.iter_mut().flat_map(|queue| &mut queue.classes);
        let mut leaves = classes.filter_map(|class| class.leaf.as_mut());
        leaves.find(|leaf| leaf.kind == Leaf::Fifo).unwrap().limit = Bytes::new(0);
    });
    objects(Rule::Leaves, |plan| {
        circuit_class(plan).leaf.as_mut().unwrap().direction = Direction::Upload;
    });
    for (target, interval) in [(4, 100), (7, 102), (5, 99), (5, 106)] {
        objects(Rule::Leaves, |plan| {
            circuit_class(plan).leaf.as_mut().unwrap().codel = Codel {
                target: Duration::from_millis(target),
                interval: Duration::from_millis(interval),
            };
        });
    }
    // The kernel or the configuration is another than the plan was made for.
    let (plan, mut config, mut facts) = sound();
    config.queues.fast_leaf = Some(FastLeaf { from: BitsPerSec::from_mbps(250), leaf: Leaf::Fifo });
    assert!(check(&plan, &config, &facts).iter().any(|v| v.rule == Rule::Leaves));
    config.queues.fast_leaf = None;
    facts.qdiscs.remove("fq_codel");
    assert!(check(&plan, &config, &facts).iter().any(|v| v.rule == Rule::Leaves));
}

#[test]
fn circuits() {
    objects(Rule::Circuits, |plan| plan.circuits.swap(0, 1));
    objects(Rule::Circuits, |plan| drop(plan.circuits.pop()));
    objects(Rule::Circuits, |plan| plan.circuits[0].slot = CircuitSlot::new(5));
    objects(Rule::Circuits, |plan| plan.circuits[0].slot = CircuitSlot::new(u32::MAX));
    objects(Rule::Circuits, |plan| plan.circuits[0].cpu = CpuId::new(9));
    objects(Rule::Circuits, |plan| plan.circuits[0].queue.up = QueueId::new(9));
    objects(Rule::Circuits, |plan| plan.circuits[0].class.down = TcHandle::new(1, 2));
    // Consistent, but its two directions are served by different CPUs.
    objects(Rule::Circuits, |plan| {
        let from = &mut plan.nics[0].queues[0];
        let index = from
            .classes
            .iter()
            .position(|c| matches!(c.owner, Owner::Circuit(_)) && c.parent.minor() == 1);
        let (from, mut class) = match index {
            Some(index) => (0, from.classes.remove(index)),
            None => {
                let from = &mut plan.nics[0].queues[1];
                let parentless =
                    |c: &ClassPlan| matches!(c.owner, Owner::Circuit(_)) && c.parent.minor() == 1;
                let index = from.classes.iter().position(parentless).unwrap();
                (1, from.classes.remove(index))
            }
        };
        let to = &mut plan.nics[0].queues[1 - from];
        class.handle = TcHandle::new(to.htb.major(), 0x7777);
        class.parent = TcHandle::new(to.htb.major(), 1);
        let Owner::Circuit(id) = &class.owner else { unreachable!() };
        let place = plan.circuits.iter_mut().find(|circuit| circuit.id == *id).unwrap();
        place.queue.down = to.queue;
        place.class.down = class.handle;
        to.classes.push(class);
    });
}

#[test]
fn addresses() {
    objects(Rule::Addresses, |plan| plan.addresses.reverse());
    objects(Rule::Addresses, |plan| {
        plan.addresses.remove(3);
    });
    objects(Rule::Addresses, |plan| plan.addresses[2].target = Target::Ignored);
    objects(Rule::Addresses, |plan| {
        let again = plan.addresses[0];
        plan.addresses.insert(0, again);
    });
    objects(Rule::Addresses, |plan| {
        plan.addresses[0].prefix = "0.0.0.0/1".parse().unwrap();
    });
    // Two circuits with the same address, and a map that is too small.
    let (plan, mut config, facts) = sound();
    config.limits.hosts = 23;
    assert!(check(&plan, &config, &facts).iter().any(|v| v.rule == Rule::Addresses));
    let (plan, mut config, facts) = sound();
    config.network.circuits[1].devices = config.network.circuits[0].devices.clone();
    assert!(check(&plan, &config, &facts).iter().any(|v| v.why.contains("another circuit")));
}

#[test]
fn observing() {
    let (_, mut config, facts) = sound();
    config.interfaces.mode = Mode::Observe;
    let observed = plan(&config, &facts, None).unwrap().plan;
    assert_eq!(check(&observed, &config, &facts), []);
    let mut shaped = observed.clone();
    shaped.nics[0].queues = sound().0.nics.remove(0).queues;
    assert!(check(&shaped, &config, &facts).iter().any(|v| v.rule == Rule::Nics));
    let mut classed = observed;
    classed.circuits[0].class.down = TcHandle::new(1, 3);
    assert!(check(&classed, &config, &facts).iter().any(|v| v.rule == Rule::Circuits));
}

#[test]
fn a_stick_has_both_directions_on_its_nic() {
    let (_, mut config, _) = sound();
    config.interfaces.mode = Mode::Stick { internet_vlan: 1, customers_vlan: 2 };
    let mut facts = facts(4, 2);
    facts.internet = facts.customers.clone();
    let mut stick = plan(&config, &facts, None).unwrap().plan;
    assert_eq!(check(&stick, &config, &facts), []);
    let upload = &mut stick.nics[0].queues[3];
    let leaf = upload.classes.iter_mut().find_map(|class| class.leaf.as_mut()).unwrap();
    leaf.handle = TcHandle::new(0x1000, 0);
    assert!(check(&stick, &config, &facts).iter().any(|v| v.rule == Rule::Handles));
}
