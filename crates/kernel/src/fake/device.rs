//! One NIC's qdiscs and classes and the rules that they obey.

use std::collections::BTreeMap;

use rustix::io::Errno;
use units::{IfIndex, TcHandle};

use crate::tc::{ClassState, Discipline, HtbParameters, Qdisc, QdiscState, Request, Stats};

/// A refusal: the error number and the kernel's sentence.
pub(super) type Refused = (Errno, &'static str);

/// Classes above a leaf class, at most (`TC_HTB_MAXDEPTH`).
const DEPTH_MAX: usize = 8;

/// One NIC. Without qdiscs of anybody it has the kernel's default root.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    pub(super) tx_queues: u16,
    /// By handle.
    qdiscs: BTreeMap<TcHandle, (TcHandle, Qdisc)>,
    /// By handle: parent and parameters.
    classes: BTreeMap<TcHandle, (TcHandle, HtbParameters)>,
    /// Queues of `mq` whose child was deleted: they lose their packets.
    dead: Vec<TcHandle>,
    /// The last major that was chosen for a qdisc without a handle.
    chosen: u16,
    /// Packets that wait, by class.
    waiting: BTreeMap<TcHandle, u32>,
    /// Those that waited where they no longer could.
    lost: u32,
}

impl Device {
    pub(super) fn new(tx_queues: u16) -> Self {
        Self { tx_queues, chosen: 0x8000, ..Self::default() }
    }

    pub(super) fn carry_out(&mut self, request: &Request) -> Result<(), Refused> {
        match request {
            Request::AddQdisc { parent, handle, qdisc } => {
                if self.child(*parent).is_some() {
                    return Err((Errno::EXIST, "Exclusivity flag on, cannot modify"));
                }
                self.graft(*parent, *handle, *qdisc)
            }
            Request::ReplaceQdisc { parent, handle, qdisc } => {
                self.replace(*parent, *handle, *qdisc)
            }
            Request::DeleteQdisc { parent } => self.delete_qdisc(*parent),
            Request::AddClass { handle, parent, class } => {
                self.add_class(*handle, *parent, class.into())
            }
            Request::ChangeClass { handle, parent, class } => {
                let is_inner = self.classes.values().any(|(parent, _)| parent == handle);
                let found = self.classes.get_mut(handle).ok_or((Errno::NOENT, "no such class"))?;
                if found.0 != *parent {
                    return Err((Errno::INVAL, "parent of a class cannot be changed"));
                }
                let quantum = found.1.quantum;
                found.1 = class.into();
                if is_inner {
                    found.1.quantum = quantum;
                }
                Ok(())
            }
            Request::DeleteClass { handle } => self.delete_class(*handle),
        }
    }

    pub(super) fn qdiscs(&self, nic: IfIndex) -> Vec<QdiscState> {
        let state = |handle, parent, discipline| QdiscState {
            nic,
            handle,
            parent,
            discipline,
            stats: Stats::default(),
        };
        let default = || Discipline::Known(Qdisc::Pfifo);
        let mut all: Vec<_> = self
            .qdiscs
            .iter()
            .map(|(handle, (parent, qdisc))| state(*handle, *parent, Discipline::Known(*qdisc)))
            .collect();
        match self.child(TcHandle::ROOT) {
            None => all.push(state(TcHandle::default(), TcHandle::ROOT, default())),
            Some((root, Qdisc::Mq)) => all.extend(
                (1..=self.tx_queues)
                    .map(|minor| TcHandle::new(root.major(), minor))
                    .filter(|class| self.child(*class).is_none() && !self.dead.contains(class))
                    .map(|class| state(TcHandle::default(), class, default())),
            ),
            Some(_) => {}
        }
        all
    }

    pub(super) fn classes(&self) -> Vec<ClassState> {
        self.classes.keys().filter_map(|handle| self.class(*handle)).collect()
    }

    fn class(&self, handle: TcHandle) -> Option<ClassState> {
        let (parent, parameters) = self.classes.get(&handle)?;
        let backlog_packets = self.waiting.get(&handle).copied().unwrap_or_default();
        Some(ClassState {
            handle,
            parent: if parent.minor() == 0 { TcHandle::ROOT } else { *parent },
            leaf: self.child(handle).map(|(leaf, _)| leaf).unwrap_or_default(),
            parameters: *parameters,
            stats: Stats { backlog_packets, ..Stats::default() },
        })
    }

    /// A class, from which one waiting packet goes then.
    pub(super) fn look_at(&mut self, handle: TcHandle) -> Option<ClassState> {
        let found = self.class(handle);
        if let Some(waiting) = self.waiting.get_mut(&handle) {
            *waiting = waiting.saturating_sub(1);
        }
        found
    }

    pub(super) fn queue(&mut self, class: TcHandle, packets: u32) {
        *self.waiting.entry(class).or_default() += packets;
    }

    pub(super) const fn lost(&self) -> u32 {
        self.lost
    }

    fn lose(&mut self, class: TcHandle) {
        self.lost += self.waiting.remove(&class).unwrap_or_default();
    }

    /// Whether a queue loses its packets.
    pub(super) fn has_dead_queue(&self) -> bool {
        !self.dead.is_empty()
    }

    fn child(&self, parent: TcHandle) -> Option<(TcHandle, Qdisc)> {
        self.qdiscs.iter().find(|(_, (at, _))| *at == parent).map(|(h, (_, qdisc))| (*h, *qdisc))
    }

    fn replace(
        &mut self,
        parent: TcHandle,
        handle: Option<TcHandle>,
        qdisc: Qdisc,
    ) -> Result<(), Refused> {
        if let Some((old, kind)) = self.child(parent) {
            if kind.can_become(&qdisc) && handle == Some(old) {
                self.qdiscs.insert(old, (parent, qdisc));
                return Ok(());
            }
            if kind.kind() == qdisc.kind() && handle.is_none_or(|handle| handle == old) {
                return Err((Errno::INVAL, "Change operation not supported by specified qdisc"));
            }
            if handle.is_some_and(|handle| handle != old && self.qdiscs.contains_key(&handle)) {
                return Err((Errno::EXIST, "handle is in use elsewhere"));
            }
            self.forget(old);
        }
        let handle = handle.unwrap_or_else(|| {
            self.chosen += 1;
            TcHandle::new(self.chosen, 0)
        });
        self.graft(parent, handle, qdisc)
    }

    fn graft(&mut self, parent: TcHandle, handle: TcHandle, qdisc: Qdisc) -> Result<(), Refused> {
        if handle.minor() != 0 {
            return Err((Errno::INVAL, "Invalid minor handle"));
        }
        if self.qdiscs.contains_key(&handle) {
            return Err((Errno::EXIST, "Exclusivity flag on, cannot override"));
        }
        if parent != TcHandle::ROOT && !self.is_place(parent) {
            return Err((Errno::NOENT, "Failed to find specified qdisc"));
        }
        if qdisc == Qdisc::Mq && (self.tx_queues < 2 || parent != TcHandle::ROOT) {
            return Err((Errno::OPNOTSUPP, "not a multi-queue device"));
        }
        self.dead.retain(|class| *class != parent);
        self.qdiscs.insert(handle, (parent, qdisc));
        Ok(())
    }

    /// Whether a qdisc can go under `class`.
    fn is_place(&self, class: TcHandle) -> bool {
        let owner = TcHandle::new(class.major(), 0);
        match self.qdiscs.get(&owner) {
            Some((_, Qdisc::Mq)) => (1..=self.tx_queues).contains(&class.minor()),
            Some((_, Qdisc::Htb { .. })) => {
                self.classes.contains_key(&class) && !self.has_children(class)
            }
            _ => false,
        }
    }

    fn has_children(&self, class: TcHandle) -> bool {
        self.classes.values().any(|(parent, _)| *parent == class)
    }

    fn delete_qdisc(&mut self, parent: TcHandle) -> Result<(), Refused> {
        let (handle, _) =
            self.child(parent).ok_or((Errno::NOENT, "Cannot find specified qdisc"))?;
        self.forget(handle);
        let owner = TcHandle::new(parent.major(), 0);
        if matches!(self.qdiscs.get(&owner), Some((_, Qdisc::Mq))) {
            self.dead.push(parent);
        }
        if parent == TcHandle::ROOT {
            self.dead.clear();
        }
        Ok(())
    }

    /// Forgets a qdisc and all below it, with what waits there.
    fn forget(&mut self, handle: TcHandle) {
        if let Some((parent, _)) = self.qdiscs.remove(&handle) {
            self.lose(parent);
        }
        let classes: Vec<_> = self.classes.keys().copied().collect();
        for class in classes.into_iter().filter(|class| class.major() == handle.major()) {
            self.lose(class);
            self.classes.remove(&class);
        }
        let below: Vec<_> = self
            .qdiscs
            .iter()
            .filter(|(_, (parent, _))| parent.major() == handle.major())
            .map(|(child, _)| *child)
            .collect();
        for child in below {
            self.forget(child);
        }
    }

    fn add_class(
        &mut self,
        handle: TcHandle,
        parent: TcHandle,
        parameters: HtbParameters,
    ) -> Result<(), Refused> {
        let htb = TcHandle::new(handle.major(), 0);
        if !matches!(self.qdiscs.get(&htb), Some((_, Qdisc::Htb { .. }))) {
            return Err((Errno::NOENT, "Failed to find specified qdisc"));
        }
        if handle.minor() == 0 || parent.major() != handle.major() {
            return Err((Errno::INVAL, "Class id invalid"));
        }
        if self.classes.contains_key(&handle) {
            return Err((Errno::EXIST, "Class exists"));
        }
        if parent != htb && !self.classes.contains_key(&parent) {
            return Err((Errno::NOENT, "Failed to find parent class"));
        }
        if self.depth(parent) >= DEPTH_MAX {
            return Err((Errno::INVAL, "tree is too deep"));
        }
        if parameters.rate == 0 || parameters.ceil == 0 {
            return Err((Errno::INVAL, "rate is zero"));
        }
        // An inner class has no leaf.
        if let Some((leaf, _)) = self.child(parent)
            && parent != htb
        {
            self.forget(leaf);
        }
        self.classes.insert(handle, (parent, parameters));
        Ok(())
    }

    fn depth(&self, class: TcHandle) -> usize {
        let above = |class: &TcHandle| self.classes.get(class).map(|(parent, _)| *parent);
        std::iter::successors(Some(class), above).count() - 1
    }

    fn delete_class(&mut self, handle: TcHandle) -> Result<(), Refused> {
        if !self.classes.contains_key(&handle) {
            return Err((Errno::NOENT, "no such class"));
        }
        if self.has_children(handle) {
            return Err((Errno::BUSY, "HTB class in use"));
        }
        if let Some((leaf, _)) = self.child(handle) {
            self.forget(leaf);
        }
        self.lose(handle);
        self.classes.remove(&handle);
        Ok(())
    }
}
