//! What somebody else has taken out of the kernel: `tc qdisc del`, or another program that owns the NIC too.

use std::collections::BTreeSet;

use collect::clock::monotonic_ns;
use plan::{NicPlan, Plan};
use state::ClassSample;
use units::IfIndex;

use super::Shaper;

/// Samples in a row that lack something. A dump that others change the machine's devices under may lack what is
/// there.
const CONFIRMED: u32 = 2;

/// How many classes and leaves a plan has on each NIC.
#[derive(Debug)]
pub(super) struct There {
    /// When what is newer was looked at, or since when it is there.
    seen_ns: u64,
    /// Samples in a row that lacked something.
    lacking: u32,
    nics: Vec<OnNic>,
}

#[derive(Debug)]
struct OnNic {
    name: String,
    ifindex: IfIndex,
    /// Majors of its HTBs.
    htbs: BTreeSet<u16>,
    classes: usize,
    leaves: usize,
}

impl There {
    /// What is there from now on.
    pub(super) fn of(plan: &Plan) -> Self {
        let nics = plan.nics.iter().map(OnNic::of).collect();
        Self { seen_ns: monotonic_ns(), lacking: 0, nics }
    }

    /// What is no longer there, in words; nothing for a sample of what was before.
    fn gone(&mut self, sample: &ClassSample) -> Option<String> {
        if sample.taken_ns <= self.seen_ns {
            return None;
        }
        self.seen_ns = sample.taken_ns;
        let gone: Vec<_> = self.nics.iter().filter_map(|nic| nic.gone(sample)).collect();
        self.lacking = if gone.is_empty() { 0 } else { self.lacking + 1 };
        (self.lacking >= CONFIRMED).then(|| gone.join("; "))
    }
}

impl OnNic {
    fn of(nic: &NicPlan) -> Self {
        let classes = || nic.queues.iter().flat_map(|queue| &queue.classes);
        Self {
            name: nic.name.clone(),
            ifindex: nic.ifindex,
            htbs: nic.queues.iter().map(|queue| queue.htb.major()).collect(),
            classes: classes().count(),
            leaves: classes().filter(|class| class.leaf.is_some()).count(),
        }
    }

    fn gone(&self, sample: &ClassSample) -> Option<String> {
        let Self { name, ifindex, htbs, classes, leaves } = self;
        let is_here = |nic: &IfIndex, major: u16| nic == ifindex && htbs.contains(&major);
        let found = (
            sample.classes.iter().filter(|it| is_here(&it.nic, it.handle.major())).count(),
            sample.leaves.leaves.iter().filter(|it| is_here(&it.nic, it.class.major())).count(),
        );
        (found != (*classes, *leaves)).then(|| {
            let (found_classes, found_leaves) = found;
            format!(
                "{name} has {found_classes} classes and {found_leaves} leaves instead of {classes} \
                 and {leaves}"
            )
        })
    }
}

impl Shaper {
    /// Compares what is there with statistics of the classes. Where something is missing that no change of
    /// ours has taken, it is told, and [`Shaper::repair`] puts it back.
    pub fn look_for_gone(&mut self, sample: &ClassSample) -> Option<String> {
        let gone = self.there.as_mut()?.gone(sample)?;
        // told once
        self.there = None;
        self.is_known = false;
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::{Leaf, Mode};
    use plan::{ClassPlan, Codel, LeafPlan, Owner, QueuePlan};
    use state::{ClassCounters, ClassReading, LeafCounters, LeafKind, LeafReading, LeafSample};
    use units::{BitsPerSec, Bytes, CpuId, Direction, QueueId, TcHandle};

    use super::*;

    const NIC: IfIndex = IfIndex::new(3);
    const UNCLAIMED: TcHandle = TcHandle::new(1, 2);

    fn plan() -> Plan {
        let class = |minor, owner, leaf| ClassPlan {
            handle: TcHandle::new(1, minor),
            parent: TcHandle::new(1, 0),
            owner,
            rate: BitsPerSec::new(1_000_000),
            ceil: BitsPerSec::new(1_000_000),
            quantum: Bytes::new(1_514),
            burst: Bytes::new(1_514),
            cburst: Bytes::new(1_514),
            leaf,
            cut: None,
        };
        let codel =
            Codel { target: Duration::from_millis(5), interval: Duration::from_millis(100) };
        let leaf = LeafPlan {
            handle: TcHandle::new(0x1000, 0),
            kind: Leaf::Fifo,
            direction: Direction::Download,
            limit: Bytes::new(10_000),
            codel,
        };
        let classes = vec![class(1, Owner::Link, None), class(2, Owner::Unclaimed, Some(leaf))];
        let queue = QueuePlan {
            queue: QueueId::new(0),
            cpu: CpuId::new(0),
            direction: Direction::Download,
            htb: TcHandle::new(1, 0),
            quantum_shift: 0,
            default_class: 2,
            classes,
        };
        let (name, mq) = ("eth1".to_owned(), TcHandle::default());
        let nics = vec![NicPlan { name, ifindex: NIC, mq, queues: vec![queue] }];
        Plan { mode: Mode::Bridge, nics, circuits: Vec::new(), addresses: Vec::new() }
    }

    fn sample(classes: &[TcHandle], leaves: &[TcHandle]) -> ClassSample {
        let class = |handle: &TcHandle| ClassReading {
            nic: NIC,
            handle: *handle,
            counters: ClassCounters::default(),
        };
        let leaf = |class: &TcHandle| LeafReading {
            nic: NIC,
            class: *class,
            handle: TcHandle::new(0x1000, 0),
            kind: LeafKind::Cake,
            counters: LeafCounters::default(),
            first_tin: 0,
            tins: 0,
        };
        ClassSample {
            taken_ns: monotonic_ns(),
            classes: classes.iter().map(class).collect(),
            leaves: LeafSample { leaves: leaves.iter().map(leaf).collect(), ..Default::default() },
        }
    }

    #[test]
    fn what_is_missing_twice_is_told_and_what_others_have_beside_is_not_looked_at() {
        let before = sample(&[], &[]);
        let mut there = There::of(&plan());
        assert_eq!(there.gone(&before), None, "a sample from before the change");
        let link = TcHandle::new(1, 1);
        let others = TcHandle::new(0x77, 1);
        let all = || sample(&[link, UNCLAIMED, others], &[UNCLAIMED, others]);
        let without_leaf = || sample(&[link, UNCLAIMED], &[]);
        for sample in [all(), without_leaf(), all(), without_leaf()] {
            assert_eq!(there.gone(&sample), None);
            assert_eq!(there.gone(&sample), None, "the same again");
        }
        let gone = there.gone(&without_leaf()).unwrap();
        assert_eq!(gone, "eth1 has 2 classes and 0 leaves instead of 2 and 1");
        assert!(there.gone(&sample(&[], &[])).is_some());
    }
}
