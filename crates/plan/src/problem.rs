//! What keeps a network from being planned, and what an operator should know about a plan.

use std::fmt;

use serde::{Serialize, Serializer};
use units::{BitsPerSec, CpuId, Direction};

use config::Leaf;

use crate::display::{inert, leaf_name};

/// One thing that keeps a network from being planned, or that its operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A NIC has fewer transmit queues than are asked for.
    TooFewQueues {
        /// The NIC's name.
        nic: String,
        /// Transmit queues that it has.
        has: u16,
        /// Transmit queues that it would need.
        needs: u32,
        /// Whether both directions share the NIC.
        stick: bool,
    },
    /// The configuration asks for no queues at all.
    NoQueues,
    /// The machine's facts name no CPU.
    NoCpus,
    /// Both sides are the same NIC in a mode that needs two.
    SameNic {
        /// The NIC's name.
        nic: String,
    },
    /// The kernel has no HTB.
    NoHtb,
    /// The kernel lacks a leaf that is asked for, and no fall-back helps.
    LeafMissing {
        /// The leaf.
        leaf: Leaf,
        /// Circuits that ask for it in at least one direction.
        circuits: usize,
        /// The configured fall-back, which the kernel lacks as well.
        fallback: Option<Leaf>,
    },
    /// More levels of nodes than HTB takes.
    TooDeep {
        /// Names of the nodes that need a class, from the top down.
        path: Vec<String>,
        /// Levels that HTB leaves for nodes.
        most: usize,
    },
    /// Further paths are too deep.
    MoreTooDeep {
        /// How many.
        count: usize,
    },
    /// A part of the network that cannot be divided has more classes than one queue takes.
    NodeTooLarge {
        /// The top-level node's name.
        node: String,
        /// Classes that it and what is below it need.
        classes: usize,
        /// Classes that one queue takes.
        most: usize,
    },
    /// All queues together take fewer classes than are needed.
    TooManyClasses {
        /// Classes that found no place.
        unplaced: usize,
        /// Classes that are needed.
        classes: usize,
        /// Queues in use.
        queues: usize,
        /// Classes that one queue takes.
        most: usize,
    },
    /// More leaves on one NIC than there are handles.
    TooManyLeaves {
        /// The NIC's name.
        nic: String,
        /// Leaves that are asked for.
        asked: usize,
        /// Leaf handles of one NIC.
        most: usize,
    },
    /// More of something than the kernel maps were sized for.
    MapTooSmall {
        /// The key in `[limits]`.
        key: &'static str,
        /// How many there are.
        needs: usize,
        /// How many the configuration allows.
        most: u32,
    },
    /// A limit is too small to give a share to everything below it.
    LimitTooSmall {
        /// The node, circuit or link.
        subject: String,
        /// Which way.
        direction: Direction,
        /// What it may carry.
        limit: BitsPerSec,
        /// What the smallest shares below it add up to.
        needs: BitsPerSec,
    },
    /// Guaranteed rates, with the allowance for frame headers, add up to more than what they share.
    CannotBeMet {
        /// The node or link.
        subject: String,
        /// Which way.
        direction: Direction,
        /// Sum of the rates guaranteed below.
        sum: BitsPerSec,
        /// What there is to share.
        limit: BitsPerSec,
    },
    /// Guaranteed rates on all queues together add up to more than the link.
    LinkOversold {
        /// Which way.
        direction: Direction,
        /// Sum of the rates guaranteed to circuits.
        sum: BitsPerSec,
        /// The link's rate.
        link: BitsPerSec,
    },
    /// Some nodes or circuits ask for more than their parents carry.
    Squashed {
        /// `node` or `circuit`.
        what: &'static str,
        /// The first of them.
        first: String,
        /// What the first asks for.
        asked: BitsPerSec,
        /// What the first gets.
        given: BitsPerSec,
        /// Which way, for the first.
        direction: Direction,
        /// How many there are, counting each direction.
        count: usize,
    },
    /// A leaf that the kernel lacks was replaced by the configured fall-back.
    LeafFellBack {
        /// The wanted leaf.
        leaf: Leaf,
        /// What is used.
        used: Leaf,
        /// Circuits that ask for it in at least one direction.
        circuits: usize,
    },
    /// One part of the network that cannot be divided is heavier than a queue's fair share.
    Unbalanced {
        /// The top-level node's name.
        node: String,
        /// Its expected load, both directions together.
        load: BitsPerSec,
        /// What each queue would carry if all carried the same.
        fair: BitsPerSec,
        /// The CPU that has to serve it.
        cpu: CpuId,
    },
}

/// The kernel module that makes a leaf.
fn module(leaf: Leaf) -> &'static str {
    match leaf {
        Leaf::Cake(_) => "sch_cake",
        Leaf::FqCodel => "sch_fq_codel",
        Leaf::Fifo | Leaf::None => "sch_fifo",
    }
}

impl Problem {
    /// What it is about: a NIC, a node, a circuit, a part of the configuration.
    pub fn subject(&self) -> String {
        match self {
            Self::TooFewQueues { nic, .. }
            | Self::SameNic { nic }
            | Self::TooManyLeaves { nic, .. } => format!("NIC {nic}"),
            Self::NoQueues => "queues.count".to_owned(),
            Self::NoCpus => "facts".to_owned(),
            Self::NoHtb | Self::LeafMissing { .. } => "kernel".to_owned(),
            Self::LeafFellBack { leaf, .. } => format!("leaf {}", leaf_name(*leaf)),
            Self::TooDeep { path, .. } => {
                format!("node {:?}", path.last().map_or("", String::as_str))
            }
            Self::MoreTooDeep { .. } | Self::TooManyClasses { .. } => "network".to_owned(),
            Self::LinkOversold { .. } => "link".to_owned(),
            Self::NodeTooLarge { node, .. } | Self::Unbalanced { node, .. } => {
                format!("node {node:?}")
            }
            Self::MapTooSmall { key, .. } => format!("limits.{key}"),
            Self::LimitTooSmall { subject, .. } | Self::CannotBeMet { subject, .. } => {
                subject.clone()
            }
            Self::Squashed { what, first, .. } => format!("{what} {first:?}"),
        }
    }

    /// What is the matter.
    pub fn why(&self) -> String {
        match self {
            Self::TooFewQueues { has, needs, stick, .. } => {
                let shared = if *stick { " for both directions" } else { "" };
                format!("has {}, {needs} are needed{shared}", transmit_queues(*has))
            }
            Self::NoQueues => "0 queues can carry nothing".to_owned(),
            Self::NoCpus => "name no CPU to serve the queues".to_owned(),
            Self::SameNic { .. } => "is given for both sides".to_owned(),
            Self::NoHtb => "has no queueing discipline \"htb\" (module sch_htb)".to_owned(),
            Self::LeafMissing { leaf, circuits, fallback } => {
                let lacks = lacks(*leaf, *circuits);
                match fallback {
                    None => lacks,
                    Some(other) => format!("{lacks}, nor its fall-back {:?}", leaf_name(*other)),
                }
            }
            Self::TooDeep { path, most } => format!(
                "is on level {}, HTB takes {most} levels of nodes: {}",
                path.len(),
                path.iter().map(|name| inert(name)).collect::<Vec<_>>().join(" > ")
            ),
            Self::MoreTooDeep { count } => format!("{count} more nodes are too deep"),
            Self::NodeTooLarge { classes, most, .. } => format!(
                "needs {classes} classes with all that is below it; class ids have 16 bits, \
                 one queue has {most} classes"
            ),
            Self::TooManyClasses { unplaced, classes, queues, most } => format!(
                "{unplaced} of {classes} classes found no place on {}; class ids have 16 bits, \
                 one queue has {most} classes",
                plural(*queues, "queue")
            ),
            Self::TooManyLeaves { asked, most, .. } => {
                format!("{asked} leaves are asked for; a NIC has {most} handles for leaves")
            }
            Self::MapTooSmall { needs, most, .. } => format!("{needs} are needed, {most} are set"),
            Self::LimitTooSmall { direction, limit, needs, .. } => format!(
                "{direction} limit of {limit} is too small: each class takes at least 1 kbps, \
                 all of them here {needs}"
            ),
            Self::CannotBeMet { direction, sum, limit, .. } => format!(
                "min rates below sum to {sum} of {direction} with frame headers, over {limit}: they cannot \
                 be met, each is scaled down in proportion"
            ),
            Self::LinkOversold { direction, sum, link } => format!(
                "min rates of all circuits sum to {sum} of {direction} with frame headers, over {link}: they \
                 cannot all be met at once, as queues know nothing of each other"
            ),
            Self::Squashed { asked, given, direction, count, .. } => {
                let more = match count {
                    1 => String::new(),
                    n => format!(" (and {} more)", n - 1),
                };
                format!("{direction} rate {asked} exceeds what its parents carry, {given}{more}")
            }
            Self::LeafFellBack { leaf, used, circuits } => {
                format!("the kernel {}; using {:?}", lacks(*leaf, *circuits), leaf_name(*used))
            }
            Self::Unbalanced { load, fair, cpu, .. } => format!(
                "may carry {load}, a queue's fair share is {fair}: CPU {cpu} alone must serve it"
            ),
        }
    }

    /// What to do about it.
    pub fn way_out(&self) -> String {
        match self {
            Self::TooFewQueues { nic, needs, stick, .. } => {
                let least = if *stick { 2 } else { 1 };
                let lower = if *needs > least { ", or lower queues.count" } else { "" };
                format!(
                    "add some with `ethtool -L {nic} combined {needs}` (a virtual NIC is made \
                     with them){lower}"
                )
            }
            Self::NoQueues => "remove it, or set it to 1 or more".to_owned(),
            Self::NoCpus => "list the online CPUs under \"cpus\"".to_owned(),
            Self::SameNic { .. } => "name two NICs, or set mode = \"stick\"".to_owned(),
            Self::NoHtb => "load it with `modprobe sch_htb`".to_owned(),
            Self::LeafMissing { leaf, .. } => format!(
                "load it with `modprobe {}`, or set queues.leaf_fallback to a leaf that the kernel has",
                module(*leaf)
            ),
            Self::TooDeep { .. } | Self::MoreTooDeep { .. } => {
                "set \"virtual\": true on levels that need no limit of their own".to_owned()
            }
            Self::NodeTooLarge { .. } => {
                "set \"virtual\": true on it so that its children are spread over the queues"
                    .to_owned()
            }
            Self::TooManyClasses { .. } => {
                "use more queues (queues.count, `ethtool -L`)".to_owned()
            }
            Self::TooManyLeaves { .. } => "set leaf = \"none\" for some circuits, or a fast_leaf \
                 of \"none\", or move some circuits to another box or NIC"
                .to_owned(),
            Self::MapTooSmall { key, needs, .. } => format!("set limits.{key} to {needs} or more"),
            Self::LimitTooSmall { .. } => "raise it, or move circuits elsewhere".to_owned(),
            Self::CannotBeMet { .. } | Self::LinkOversold { .. } => {
                "raise the limit or lower min rates".to_owned()
            }
            Self::Squashed { .. } => "raise the parents' rates or lower this one".to_owned(),
            Self::LeafFellBack { leaf, .. } => {
                format!("`modprobe {}` would give the wanted one", module(*leaf))
            }
            Self::Unbalanced { .. } => {
                "set \"virtual\": true on it if its own limit need not be kept: its children are \
                 then spread over the queues"
                    .to_owned()
            }
        }
    }
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}

fn transmit_queues(n: u16) -> String {
    plural(n.into(), "transmit queue")
}

fn lacks(leaf: Leaf, circuits: usize) -> String {
    let who = match circuits {
        0 => "unclaimed traffic".to_owned(),
        n => plural(n, "circuit"),
    };
    format!("lacks {:?} (module {}), wanted for {who}", leaf_name(leaf), module(leaf))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.subject(), self.why(), self.way_out())
    }
}

impl std::error::Error for Problem {}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Everything that keeps a network from being planned; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
