//! What the kernel has on a NIC, ready to be compared.

use std::collections::{BTreeMap, HashMap};

use kernel::tc::{ClassState, Failed, QdiscState, TrafficControl};
use units::{IfIndex, TcHandle};

/// One NIC's qdiscs and classes.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Those with a handle, by it.
    pub(crate) qdiscs: HashMap<TcHandle, QdiscState>,
    /// Classes by handle, so that those of one HTB are side by side.
    pub(crate) classes: BTreeMap<TcHandle, ClassState>,
}

impl Observed {
    /// Reads the NICs, each as the answer at its position in `nics`.
    pub(crate) fn read(
        kernel: &mut impl TrafficControl,
        nics: &[IfIndex],
    ) -> Result<Vec<Self>, Failed> {
        let mut all: Vec<Self> = nics.iter().map(|_| Self::default()).collect();
        for qdisc in kernel.qdiscs(nics)? {
            let at = nics.iter().position(|nic| *nic == qdisc.nic);
            if let Some(at) = at.filter(|_| qdisc.handle != TcHandle::default()) {
                all[at].qdiscs.insert(qdisc.handle, qdisc);
            }
        }
        for (nic, observed) in nics.iter().zip(&mut all) {
            // A NIC with its default root has no classes of interest.
            if observed.root().is_some() {
                let classes = kernel.classes(*nic)?;
                observed.classes = classes.into_iter().map(|class| (class.handle, class)).collect();
            }
        }
        Ok(all)
    }

    /// The root, unless it is the kernel's default.
    pub(crate) fn root(&self) -> Option<&QdiscState> {
        self.child(TcHandle::ROOT)
    }

    /// The qdisc under `parent`, unless it is the kernel's default. Looks at all.
    pub(crate) fn child(&self, parent: TcHandle) -> Option<&QdiscState> {
        self.qdiscs.values().find(|qdisc| qdisc.parent == parent)
    }

    /// The classes of one HTB, ascending by handle.
    pub(crate) fn classes_of(&self, htb: TcHandle) -> impl Iterator<Item = &ClassState> {
        let last = TcHandle::new(htb.major(), u16::MAX);
        self.classes.range(htb..=last).map(|(_, class)| class)
    }

    /// The classes above one, nearest first.
    pub(crate) fn above(&self, class: &ClassState) -> impl Iterator<Item = &ClassState> {
        std::iter::successors(self.classes.get(&class.parent), |class| {
            self.classes.get(&class.parent)
        })
    }
}
