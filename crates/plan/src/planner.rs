//! From what is wanted and what there is to a complete plan.

use config::{Config, Leaf, Mode};
use serde::Serialize;
use units::ours::{DEFAULT_MINOR, LINK_MINOR, MQ};
use units::{BitsPerSec, Bytes, CircuitSlot, CpuId, Direction, PerDirection, QueueId, TcHandle};

use crate::addresses;
use crate::ceilings::{Ceilings, Squashed};
use crate::facts::Facts;
use crate::guarantees::{self, Guarantees, asked_rate};
use crate::htb::{Quanta, burst, codel, frame, leaf_limit};
use crate::leaves::Leaves;
use crate::model::{CircuitPlan, ClassPlan, LeafPlan, NicPlan, Owner, Plan, QueuePlan};
use crate::numbers::{self, Numbers};
use crate::placement::{Loads, Placement};
use crate::pool::Pool;
use crate::previous::Previous;
use crate::problem::{Problem, Problems};
use crate::shards::{Shards, nics};
use crate::tree::Tree;

/// A plan with what its operator should know about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What works, but perhaps not as hoped.
    pub warnings: Vec<Problem>,
}

/// Decides everything. The same input gives the same plan; with a `previous` one, whatever that
/// placed stays where it is, with its class, leaf and slot, unless it must move.
///
/// Each shard's link class has the link's whole rate: HTBs of different queues know nothing of
/// each other, so a link that is to be kept on several shards must be kept by what is behind it.
///
/// # Errors
/// With every reason why the network cannot be carried by this machine.
pub fn plan(config: &Config, facts: &Facts, previous: Option<&Plan>) -> Result<Planned, Problems> {
    let previous = Previous::new(previous);
    let slots = slots(config, &previous);
    let addresses = addresses::map(config, &slots);
    let mut problems = addresses::overflows(config, &addresses);
    let mut warnings = Vec::new();
    let (nics, mut circuits) = if config.interfaces.mode == Mode::Observe {
        (observed_nics(facts), observed_circuits(config, &slots))
    } else {
        let tree = Tree::new(&config.network);
        problems.extend(tree.too_deep());
        match shape(&tree, config, facts, &previous, &slots, &mut problems, &mut warnings) {
            Some(shaped) => shaped,
            None => return Err(Problems(problems)),
        }
    };
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    circuits.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let plan = Plan { mode: config.interfaces.mode, nics, circuits, addresses };
    Ok(Planned { plan, warnings })
}

/// The row of each circuit. Whoever finds none is one too many for the maps, which is reported.
fn slots(config: &Config, previous: &Previous<'_>) -> Vec<CircuitSlot> {
    let last = config.limits.circuits.saturating_sub(1);
    let mut pool = Pool::new(0, last, previous.slots().map(CircuitSlot::get));
    let circuits = &config.network.circuits;
    let kept: Vec<Option<CircuitSlot>> = circuits
        .iter()
        .map(|circuit| previous.slot(&circuit.id).filter(|slot| pool.keep(slot.get())))
        .collect();
    let mut fresh = || CircuitSlot::new(pool.take().unwrap_or(u32::MAX));
    kept.into_iter().map(|slot| slot.unwrap_or_else(&mut fresh)).collect()
}

fn observed_nics(facts: &Facts) -> Vec<NicPlan> {
    let observed = nics(Mode::Observe, facts);
    let trees = observed.into_iter().map(|nic| NicPlan {
        name: nic.name.clone(),
        ifindex: nic.ifindex,
        mq: TcHandle::default(),
        queues: Vec::new(),
    });
    trees.collect()
}

fn observed_circuits(config: &Config, slots: &[CircuitSlot]) -> Vec<CircuitPlan> {
    let each = config.network.circuits.iter().zip(slots);
    each.map(|(circuit, slot)| CircuitPlan {
        id: circuit.id.clone(),
        slot: *slot,
        cpu: CpuId::default(),
        queue: PerDirection::both(QueueId::default()),
        class: PerDirection::both(TcHandle::default()),
    })
    .collect()
}

/// Everything that was decided about shaping, ready to be written down.
struct Shaped<'a> {
    config: &'a Config,
    tree: &'a Tree<'a>,
    shards: &'a Shards<'a>,
    placement: Placement,
    leaves: Leaves,
    ceilings: PerDirection<Ceilings>,
    guarantees: PerDirection<Guarantees>,
    numbers: PerDirection<Numbers>,
    /// The scale of the quanta that was in use.
    quantum_shift: PerDirection<Option<u32>>,
}

/// Decides the trees. Nothing where the machine cannot be divided at all; otherwise the result
/// is of use only if no problem was found.
fn shape(
    tree: &Tree<'_>,
    config: &Config,
    facts: &Facts,
    previous: &Previous<'_>,
    slots: &[CircuitSlot],
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) -> Option<(Vec<NicPlan>, Vec<CircuitPlan>)> {
    if !facts.qdiscs.contains("htb") {
        problems.push(Problem::NoHtb);
    }
    let leaves = Leaves::choose(config, facts, problems, warnings);
    let mut squashed = Squashed::default();
    let ceilings = PerDirection::from_fn(|d| Ceilings::squash(tree, config, d, &mut squashed));
    warnings.extend(squashed.warnings());
    let shards = match Shards::divide(config, facts) {
        Ok(shards) => shards,
        Err(reasons) => {
            problems.extend(reasons);
            return None;
        }
    };
    let loads = Loads::expect(tree, &ceilings);
    let placement = Placement::pack(tree, &loads, &shards, previous, problems, warnings);
    let guarantees = PerDirection::from_fn(|direction| {
        let (shards, placement) = (&shards, &placement);
        let sharing = guarantees::Sharing { tree, config, shards, placement, previous };
        sharing.share(&ceilings[direction], direction, problems, warnings)
    });
    let numbers = numbers::number(tree, &shards, &placement, &leaves, previous, problems);
    let shaped = Shaped {
        config,
        tree,
        shards: &shards,
        placement,
        leaves,
        ceilings,
        guarantees,
        numbers,
        quantum_shift: PerDirection::from_fn(|direction| previous.quantum_shift(direction)),
    };
    Some((shaped.nics(), shaped.circuits(slots)))
}

impl Shaped<'_> {
    fn nics(&self) -> Vec<NicPlan> {
        let mut nics: Vec<NicPlan> = self
            .shards
            .nics
            .iter()
            .map(|nic| NicPlan {
                name: nic.name.clone(),
                ifindex: nic.ifindex,
                mq: if nic.tx_queues > 1 { MQ } else { TcHandle::default() },
                queues: Vec::new(),
            })
            .collect();
        for direction in Direction::ALL {
            let queues = self.queues(direction);
            nics[self.shards.nic_index(direction)].queues.extend(queues);
        }
        nics
    }

    /// The HTBs of one direction, with all their classes.
    fn queues(&self, direction: Direction) -> Vec<QueuePlan> {
        let writer = Writer::new(self, direction);
        let mut queues: Vec<QueuePlan> = self
            .shards
            .list
            .iter()
            .enumerate()
            .map(|(i, shard)| QueuePlan {
                queue: shard.queue[direction],
                cpu: shard.cpu,
                direction,
                htb: htb(shard.queue[direction]),
                quantum_shift: writer.quanta.shift(),
                default_class: DEFAULT_MINOR,
                classes: writer.fixed_classes(i),
            })
            .collect();
        for i in self.tree.real_nodes() {
            let shard = self.placement.node[i];
            queues[shard].classes.extend(writer.node(i, shard));
        }
        for (i, _) in self.tree.circuits() {
            let shard = self.placement.circuit[i];
            queues[shard].classes.extend(writer.circuit(i, shard));
        }
        queues
    }

    fn circuits(&self, slots: &[CircuitSlot]) -> Vec<CircuitPlan> {
        let place = |(i, circuit): (usize, &config::Circuit)| {
            let shard = self.shards.list[self.placement.circuit[i]];
            CircuitPlan {
                id: circuit.id.clone(),
                slot: slots[i],
                cpu: shard.cpu,
                queue: shard.queue,
                class: PerDirection::from_fn(|d| {
                    let minor = self.numbers[d].circuit[i].unwrap_or(0);
                    TcHandle::new(htb(shard.queue[d]).major(), minor)
                }),
            }
        };
        self.tree.circuits().map(place).collect()
    }
}

/// The handle of a queue's HTB.
fn htb(queue: QueueId) -> TcHandle {
    TcHandle::new(queue.get() + 1, 0)
}

/// Writes down the classes of one direction.
struct Writer<'a> {
    shaped: &'a Shaped<'a>,
    direction: Direction,
    numbers: &'a Numbers,
    ceilings: &'a Ceilings,
    guarantees: &'a Guarantees,
    frame: Bytes,
    quanta: Quanta,
}

impl<'a> Writer<'a> {
    fn new(shaped: &'a Shaped<'a>, direction: Direction) -> Self {
        let frame = frame(shaped.shards.nic(direction));
        let ceilings = &shaped.ceilings[direction];
        let asked = shaped.tree.circuits().map(|(i, circuit)| {
            asked_rate(circuit.min[direction], ceilings.circuit[i], shaped.config)
        });
        Self {
            shaped,
            direction,
            numbers: &shaped.numbers[direction],
            ceilings,
            guarantees: &shaped.guarantees[direction],
            frame,
            quanta: Quanta::fitting(asked, frame, shaped.quantum_shift[direction]),
        }
    }

    fn link(&self) -> BitsPerSec {
        self.shaped.config.queues.link[self.direction]
    }

    /// A class of a shard; no parent means the HTB itself.
    fn class(
        &self,
        shard: usize,
        minor: u16,
        parent: Option<u16>,
        owner: Owner,
        (rate, ceil): (BitsPerSec, BitsPerSec),
    ) -> ClassPlan {
        let htb = htb(self.shaped.shards.list[shard].queue[self.direction]);
        ClassPlan {
            handle: TcHandle::new(htb.major(), minor),
            parent: TcHandle::new(htb.major(), parent.unwrap_or(0)),
            owner,
            rate,
            ceil,
            quantum: self.quanta.idle(),
            burst: burst(rate, self.frame),
            cburst: burst(ceil, self.frame),
            leaf: None,
            cut: None,
        }
    }

    /// The link's class and the one for what no circuit claims.
    fn fixed_classes(&self, shard: usize) -> Vec<ClassPlan> {
        let link = self.link();
        let default = self.guarantees.default;
        let number = self.numbers.default_leaf[shard];
        let kind = self.shaped.leaves.default[self.direction];
        vec![
            ClassPlan {
                cut: self.guarantees.link_cut[shard],
                ..self.class(shard, LINK_MINOR, None, Owner::Link, (link, link))
            },
            ClassPlan {
                quantum: self.quanta.of(default),
                leaf: number.map(|major| self.leaf(major, kind, link)),
                ..self.class(
                    shard,
                    DEFAULT_MINOR,
                    Some(LINK_MINOR),
                    Owner::Unclaimed,
                    (default, link),
                )
            },
        ]
    }

    fn node(&self, i: usize, shard: usize) -> Option<ClassPlan> {
        let owner = Owner::Node(self.shaped.tree.network.nodes[i].id.clone());
        let parent = self.parent(self.shaped.tree.parent[i])?;
        let rates = (self.guarantees.node[i], self.ceilings.node[i]);
        let class = self.class(shard, self.numbers.node[i]?, Some(parent), owner, rates);
        Some(ClassPlan { cut: self.guarantees.node_cut[i], ..class })
    }

    fn circuit(&self, i: usize, shard: usize) -> Option<ClassPlan> {
        let circuit = &self.shaped.tree.network.circuits[i];
        let owner = Owner::Circuit(circuit.id.clone());
        let parent = self.parent(self.shaped.tree.circuit_parent[i])?;
        let ceil = self.ceilings.circuit[i];
        let kind = self.shaped.leaves.circuit[i][self.direction];
        let rates = (self.guarantees.circuit[i], ceil);
        let asked = asked_rate(circuit.min[self.direction], ceil, self.shaped.config);
        let quantum = self.quanta.of(asked);
        let class = self.class(shard, self.numbers.circuit[i]?, Some(parent), owner, rates);
        Some(ClassPlan {
            quantum,
            // A class that meets its ceiling in the middle of a turn loses the rest of it, and with
            // it its share of what siblings divide.
            cburst: class.cburst.max(quantum),
            leaf: self.numbers.circuit_leaf[i].map(|major| self.leaf(major, kind, ceil)),
            ..class
        })
    }

    /// The minor of the class that hangs from this node, or from the link.
    fn parent(&self, node: Option<usize>) -> Option<u16> {
        node.map_or(Some(LINK_MINOR), |i| self.numbers.node[i])
    }

    fn leaf(&self, major: u16, kind: Leaf, ceil: BitsPerSec) -> LeafPlan {
        let handle = TcHandle::new(major, 0);
        LeafPlan {
            handle,
            kind,
            direction: self.direction,
            limit: leaf_limit(kind, ceil, self.frame),
            codel: codel(ceil, self.frame),
        }
    }
}
