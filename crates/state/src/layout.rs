//! Whose the counters are: what plan and configuration say, in the order in which it is shown.

use std::sync::Arc;

use units::{
    BitsPerSec, CircuitId, CircuitSlot, CpuId, Direction, IfIndex, NodeId, PerDirection, QueueId,
    TcHandle,
};

/// No circuit has the row.
const NOBODY: u32 = u32::MAX;

/// Whose the counters are. Made once for each configuration and shared by all its snapshots.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The configuration's number.
    pub generation: u64,
    /// The circuits, ascending by id where that order matters to nobody else.
    pub circuits: Vec<CircuitLayout>,
    /// Parents come before their children.
    pub nodes: Vec<NodeLayout>,
    /// By NIC, then queue.
    pub queues: Vec<QueueLayout>,
    trees: Vec<Tree>,
    searched: Vec<Box<str>>,
    depths: Vec<u16>,
    /// The circuit of each row of the kernel's arrays; [`NOBODY`] for rows that none has.
    by_slot: Vec<u32>,
}

/// One circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitLayout {
    /// Stable identity.
    pub id: CircuitId,
    /// Free text.
    pub name: Arc<str>,
    /// Index of its parent in [`Layout::nodes`].
    pub node: Option<usize>,
    /// Its row in the kernel's arrays.
    pub slot: CircuitSlot,
    /// The plan's min rate.
    pub min: PerDirection<BitsPerSec>,
    /// The plan's max rate.
    pub max: PerDirection<BitsPerSec>,
    /// Its class; none when not shaping.
    pub class: PerDirection<Option<ClassRef>>,
    /// Hardware transmit queue, each on its direction's NIC.
    pub queue: PerDirection<QueueId>,
    /// The CPU that forwards its packets.
    pub cpu: CpuId,
    /// Its devices' address blocks.
    pub addresses: Arc<[Arc<str>]>,
}

/// A class and the NIC that it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassRef {
    /// The NIC.
    pub nic: IfIndex,
    /// The class.
    pub handle: TcHandle,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLayout {
    /// Stable identity.
    pub id: NodeId,
    /// Unique in the tree.
    pub name: Arc<str>,
    /// Free text: site, ap ...
    pub kind: Option<Arc<str>>,
    /// Shown, but without a class of its own.
    pub is_virtual: bool,
    /// Index of its parent, smaller than its own; a larger one counts as none.
    pub parent: Option<usize>,
    /// The rate that it is held to.
    pub limit: PerDirection<BitsPerSec>,
}

/// One hardware transmit queue with its tree of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLayout {
    /// The NIC's name.
    pub nic_name: Arc<str>,
    /// The NIC's index.
    pub nic: IfIndex,
    /// The queue.
    pub queue: QueueId,
    /// The CPU that serves it.
    pub cpu: CpuId,
    /// Which way its traffic travels.
    pub direction: Direction,
    /// Handle of its HTB: its classes share the major.
    pub htb: TcHandle,
    /// The class for what no circuit claims.
    pub unclaimed: TcHandle,
    /// The rate of its topmost class.
    pub link: BitsPerSec,
    /// How many classes it has.
    pub classes: u32,
    /// How many of these have no children.
    pub leaves: u32,
}

/// Whose a class is, as indices into the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassOwner {
    Circuit(usize, Direction),
    Unclaimed(usize),
}

/// One HTB's classes by minor: a look-up is two array reads.
#[derive(Clone, Debug)]
struct Tree {
    nic: IfIndex,
    major: u16,
    queue: usize,
    owners: Vec<Option<ClassOwner>>,
}

impl Layout {
    /// Indexes what plan and configuration say.
    pub fn new(
        generation: u64,
        circuits: Vec<CircuitLayout>,
        nodes: Vec<NodeLayout>,
        queues: Vec<QueueLayout>,
    ) -> Self {
        let searched = circuits.iter().map(searched_text).collect();
        let trees = trees_of(&circuits, &queues);
        let mut depths: Vec<u16> = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let above = node.parent.and_then(|parent| depths.get(parent));
            depths.push(above.map_or(0, |depth| depth.saturating_add(1)));
        }
        let by_slot = by_slot(&circuits);
        Self { generation, circuits, nodes, queues, trees, searched, depths, by_slot }
    }

    /// How many ancestors the node at `index` has; 0 when there is no such node.
    pub fn depth(&self, index: usize) -> u16 {
        self.depths.get(index).copied().unwrap_or(0)
    }

    /// Index of the node with this id, or else with this name.
    pub fn node_named(&self, text: &str) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.id.as_str() == text)
            .or_else(|| self.nodes.iter().position(|node| &*node.name == text))
    }

    /// Index of the circuit that has this row in the kernel's arrays.
    pub fn circuit_at(&self, slot: CircuitSlot) -> Option<usize> {
        let circuit = *self.by_slot.get(slot.index())?;
        (circuit != NOBODY).then_some(circuit as usize)
    }

    /// Index of the circuit with this id.
    pub fn circuit_named(&self, id: &str) -> Option<usize> {
        self.circuits.iter().position(|circuit| circuit.id.as_str() == id)
    }

    /// The parent of the node at `index`, when it comes before it as it must.
    pub(crate) fn parent(&self, index: usize) -> Option<usize> {
        self.nodes[index].parent.filter(|parent| *parent < index)
    }

    /// For each node, whether it is `node` or below it; all are without one.
    pub fn at_or_below(&self, node: Option<usize>) -> Vec<bool> {
        // parents come before their children
        let mut below: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for index in 0..self.nodes.len() {
            let is = node.is_none_or(|node| node == index);
            below.push(is || self.parent(index).is_some_and(|parent| below[parent]));
        }
        below
    }

    /// Whether the circuit's id, name or an address contains the text, which is in lower case.
    pub fn circuit_contains(&self, circuit: usize, text: &str) -> bool {
        text.is_empty() || self.searched[circuit].contains(text)
    }

    /// What a filter is looked for in: lower case, one line for each text.
    pub(crate) fn searched(&self, circuit: usize) -> &str {
        &self.searched[circuit]
    }

    /// Whose class it is.
    pub(crate) fn owner(&self, nic: IfIndex, handle: TcHandle) -> Option<ClassOwner> {
        *self.tree(nic, handle)?.owners.get(usize::from(handle.minor()))?
    }

    /// The queue that the class is in.
    pub(crate) fn queue_of(&self, class: ClassRef) -> Option<usize> {
        Some(self.tree(class.nic, class.handle)?.queue)
    }

    fn tree(&self, nic: IfIndex, handle: TcHandle) -> Option<&Tree> {
        self.trees.iter().find(|tree| tree.nic == nic && tree.major == handle.major())
    }
}

fn by_slot(circuits: &[CircuitLayout]) -> Vec<u32> {
    let rows = circuits.iter().map(|circuit| circuit.slot.index() + 1).max().unwrap_or(0);
    let mut by_slot = vec![NOBODY; rows];
    for (index, circuit) in circuits.iter().enumerate() {
        by_slot[circuit.slot.index()] = index as u32;
    }
    by_slot
}

fn searched_text(circuit: &CircuitLayout) -> Box<str> {
    let mut text = circuit.id.as_str().to_lowercase();
    for part in std::iter::once(&circuit.name).chain(circuit.addresses.iter()) {
        text.push('\n');
        text.push_str(&part.to_lowercase());
    }
    text.into()
}

fn trees_of(circuits: &[CircuitLayout], queues: &[QueueLayout]) -> Vec<Tree> {
    let mut trees: Vec<Tree> = Vec::with_capacity(queues.len());
    for (index, queue) in queues.iter().enumerate() {
        let (nic, major) = (queue.nic, queue.htb.major());
        let mut tree = Tree { nic, major, queue: index, owners: Vec::new() };
        tree.claim(queue.unclaimed, ClassOwner::Unclaimed(index));
        trees.push(tree);
    }
    for (index, circuit) in circuits.iter().enumerate() {
        for direction in Direction::ALL {
            let Some(class) = circuit.class[direction] else { continue };
            let major = class.handle.major();
            let tree = trees.iter_mut().find(|tree| tree.nic == class.nic && tree.major == major);
            if let Some(tree) = tree {
                tree.claim(class.handle, ClassOwner::Circuit(index, direction));
            }
        }
    }
    trees
}

impl Tree {
    fn claim(&mut self, handle: TcHandle, owner: ClassOwner) {
        let minor = usize::from(handle.minor());
        if self.owners.len() <= minor {
            self.owners.resize(minor + 1, None);
        }
        self.owners[minor] = Some(owner);
    }
}
