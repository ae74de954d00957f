//! From loaded programs to programs that see packets.

use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use aya::programs::{TcAttachType, loaded_programs};
use libbpf_rs::libbpf_sys::{
    BPF_TCX_EGRESS, BPF_TCX_INGRESS, BPF_XDP, XDP_ATTACHED_SKB, XDP_FLAGS_DRV_MODE,
    XDP_FLAGS_SKB_MODE, bpf_attach_type,
};
use libbpf_rs::{Object, ProgramMut, Xdp, XdpFlags};
use tracing::warn;
use units::IfIndex;

use super::filter::{self, Clsact, Filter};
use super::link::Link;
use super::pins::Pins;
use super::{DatapathError, Loaded};

/// Which side of the box a NIC is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Towards the Internet.
    Internet,
    /// Towards the customers.
    Customers,
    /// Both, on a stick.
    Both,
}

/// How `xdp_ingress` gets its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpHook {
    /// From the driver.
    Native,
    /// From the network stack, because the driver has no support: slower.
    Generic,
}

/// How the tc programs get theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcHook {
    /// TCX, from Linux 6.6 on.
    Tcx,
    /// The clsact queueing discipline.
    Clsact,
    /// Not at all: observing.
    None,
}

/// How the programs sit on one NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The NIC.
    pub nic: String,
    /// Its index.
    pub ifindex: IfIndex,
    /// Where it is.
    pub side: Side,
    /// Packets in.
    pub xdp: XdpHook,
    /// Packets out, and in where we forward.
    pub tc: TcHook,
}

/// Programs that see packets. Dropping it detaches them all; when the daemon is killed they stay.
#[derive(Debug)]
pub struct Attached {
    attachments: Vec<Attachment>,
    /// In the order in which they were attached.
    links: Vec<Held>,
    filters: Vec<Filter>,
    clsact: Vec<Clsact>,
    /// Whether a daemon before has left something.
    inherits: bool,
    pins: Pins,
    loaded: Loaded,
}

/// A program that is attached by a link.
#[derive(Debug)]
struct Held {
    hook: Hook,
    /// The name of its pin.
    pin: String,
    link: Link,
}

/// Which program, where and how.
#[derive(Clone, Copy, Debug)]
struct Hook {
    program: &'static str,
    nic: IfIndex,
    side: Side,
    kind: bpf_attach_type,
    flags: u32,
}

impl Side {
    /// How pins call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Customers => "customers",
            Self::Both => "both",
        }
    }
}

impl Loaded {
    /// Tells whether the NICs can be attached to, and changes nothing.
    ///
    /// # Errors
    /// When a NIC has somebody else's XDP program.
    pub fn preflight(&self, nics: &[(String, Side)], pins: &Pins) -> Result<(), DatapathError> {
        let links = pins.links()?;
        let states = links.iter().filter_map(|(_, link)| link.state().ok());
        let ours: Vec<_> = states.map(|link| link.program).collect();
        for (nic, side) in nics {
            if let Some(occupied) = occupant(nic, self.ifindex(*side), &ours) {
                return Err(occupied);
            }
        }
        Ok(())
    }

    const fn ifindex(&self, side: Side) -> IfIndex {
        match side {
            Side::Internet | Side::Both => self.options.internet,
            Side::Customers => self.options.customers,
        }
    }

    /// Attaches to the NICs: `(name, side)` for each, one on a stick. Where a daemon before has left its
    /// programs attached by the same pins, ours take their places, with no packet in between.
    ///
    /// # Errors
    /// When a NIC has somebody else's program, or takes ours neither natively nor generically.
    /// What was attached by then is detached, but where a daemon before has left something: then all
    /// that is attached stays.
    pub fn attach(self, nics: &[(String, Side)], pins: Pins) -> Result<Attached, DatapathError> {
        self.preflight(nics, &pins)?;
        let inherits = pins.has_attachments()?;
        let mut attached = Attached {
            attachments: Vec::new(),
            links: Vec::new(),
            filters: Vec::new(),
            clsact: Vec::new(),
            inherits,
            pins,
            loaded: self,
        };
        match attached.attach_all(nics) {
            Ok(()) => Ok(attached),
            Err(error) => {
                if inherits {
                    attached.leave();
                }
                Err(error)
            }
        }
    }
}

impl Attached {
    /// How the programs sit on each NIC.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Attaches again what somebody else has detached, and tells which programs.
    ///
    /// # Errors
    /// When one cannot be attached again.
    pub fn reattach(&mut self) -> Result<Vec<&'static str>, DatapathError> {
        let mut again = Vec::new();
        for index in 0..self.links.len() {
            let Held { hook, link, .. } = &self.links[index];
            let hook = *hook;
            if link.state().is_ok_and(|state| state.nic == hook.nic) {
                continue;
            }
            let nic = self.name_of(hook.nic);
            let held = self.attach_link(hook).map_err(|error| error.of(hook.program, &nic))?;
            self.links[index] = held;
            again.push(hook.program);
        }
        again.extend(self.reattach_filters()?);
        Ok(again)
    }

    fn name_of(&self, nic: IfIndex) -> String {
        let at = self.attachments.iter().find(|at| at.ifindex == nic);
        at.map(|at| at.nic.clone()).unwrap_or_default()
    }

    /// The same for what is attached by filters: when one of a NIC's is missing, all are made anew.
    fn reattach_filters(&mut self) -> Result<Vec<&'static str>, DatapathError> {
        let mut again = Vec::new();
        let by_filters = self.attachments.iter().filter(|at| at.tc == TcHook::Clsact);
        for at in by_filters.cloned().collect::<Vec<_>>() {
            let missing = filter::missing(at.ifindex, self.forwards());
            if missing.map_err(|source| attach_error("tc_egress", &at.nic, source))? {
                let (gone, others) = self.filters.drain(..).partition(|it| it.is_on(at.ifindex));
                self.filters = others;
                drop::<Vec<_>>(gone);
                let (gone, others) = self.clsact.drain(..).partition(|it| it.is_on(at.ifindex));
                self.clsact = others;
                Vec::into_iter(gone).for_each(Clsact::leave);
                self.attach_tc(&at)?;
                again.push("tc_egress");
            }
        }
        Ok(again)
    }

    pub(super) const fn object(&self) -> &Object {
        &self.loaded.object
    }

    fn forwards(&self) -> bool {
        matches!(self.loaded.options.mode, abi::Mode::XdpBridge | abi::Mode::Stick)
    }

    fn program(&mut self, name: &'static str) -> Result<ProgramMut<'_>, DatapathError> {
        self.loaded
            .object
            .progs_mut()
            .find(|program| program.name() == OsStr::new(name))
            .ok_or(DatapathError::Missing(name))
    }

    fn attach_all(&mut self, nics: &[(String, Side)]) -> Result<(), DatapathError> {
        // Egress first: by the time that packets are steered their classes are chosen.
        for (nic, side) in nics {
            let ifindex = self.loaded.ifindex(*side);
            let mut attachment = Attachment {
                nic: nic.clone(),
                ifindex,
                side: *side,
                xdp: XdpHook::Native,
                tc: TcHook::None,
            };
            attachment.tc = self.attach_tc(&attachment)?;
            self.attachments.push(attachment);
        }
        for index in 0..self.attachments.len() {
            self.attachments[index].xdp = self.attach_xdp(index)?;
        }
        self.loaded.steer(self.attachments.iter().all(|at| at.xdp == XdpHook::Native))?;
        self.remove_stale()
    }

    fn attach_tc(&mut self, at: &Attachment) -> Result<TcHook, DatapathError> {
        if self.loaded.options.mode == abi::Mode::Observe {
            return Ok(TcHook::None);
        }
        let hook = |program, kind| Hook { program, nic: at.ifindex, side: at.side, kind, flags: 0 };
        let egress = hook("tc_egress", BPF_TCX_EGRESS);
        let mut used = self.attach_classifier(&at.nic, egress, TcAttachType::Egress)?;
        if self.forwards() {
            let ingress = hook("tc_ingress", BPF_TCX_INGRESS);
            used = self.attach_classifier(&at.nic, ingress, TcAttachType::Ingress)?;
        }
        Ok(used)
    }

    fn attach_classifier(
        &mut self,
        nic: &str,
        hook: Hook,
        filter_hook: TcAttachType,
    ) -> Result<TcHook, DatapathError> {
        let name = hook.program;
        if self.loaded.options.tcx {
            match self.attach_link(hook) {
                Ok(held) => {
                    self.links.push(held);
                    return Ok(TcHook::Tcx);
                }
                Err(AttachFailed::Refused(error)) if lacks_tcx(&error) => {}
                Err(error) => return Err(error.of(name, nic)),
            }
        }
        self.add_clsact(nic, hook.nic)?;
        let Self { loaded, pins, inherits, .. } = self;
        let mut programs = loaded.object.progs_mut();
        let program = programs
            .find(|program| program.name() == OsStr::new(name))
            .ok_or(DatapathError::Missing(name))?;
        let pin = pins.pin(&program, name)?;
        let filter = Filter::attach(&pin, name, (nic, hook.nic), filter_hook, *inherits)
            .map_err(|source| attach_error(name, nic, source))?;
        self.filters.push(filter);
        Ok(TcHook::Clsact)
    }

    /// Puts a program in the place of the one that is pinned, or attaches and pins it.
    fn attach_link(&mut self, hook: Hook) -> Result<Held, AttachFailed> {
        let pin = format!("{}-{}", hook.program, hook.side.name());
        let inherited = self.pins.link(&pin)?;
        let program = self.program(hook.program)?.as_fd().try_clone_to_owned();
        let program = program.map_err(AttachFailed::Refused)?;
        if let Some(link) = inherited {
            // the NIC may have gone and come back with another index
            if link.state().is_ok_and(|state| state.nic == hook.nic) {
                link.update(program.as_fd()).map_err(AttachFailed::Refused)?;
                return Ok(Held { hook, pin, link });
            }
            self.pins.remove(&pin)?;
        }
        let link = Link::create(program.as_fd(), hook.nic, hook.kind, hook.flags)
            .map_err(AttachFailed::Refused)?;
        self.pins.keep(&pin, &link)?;
        Ok(Held { hook, pin, link })
    }

    /// Adds clsact where there is none yet, ours or another's; takes over one of a daemon before.
    fn add_clsact(&mut self, nic: &str, ifindex: IfIndex) -> Result<(), DatapathError> {
        if self.clsact.iter().any(|clsact| clsact.is_on(ifindex)) {
            return Ok(());
        }
        let added = Clsact::add(ifindex, &self.pins).map_err(|source| DatapathError::Attach {
            program: "clsact",
            nic: nic.to_owned(),
            source,
        })?;
        self.clsact.extend(added);
        Ok(())
    }

    fn attach_xdp(&mut self, index: usize) -> Result<XdpHook, DatapathError> {
        const PROGRAM: &str = "xdp_ingress";
        let at = self.attachments[index].clone();
        let hook =
            |flags| Hook { program: PROGRAM, nic: at.ifindex, side: at.side, kind: BPF_XDP, flags };
        let held = match self.attach_link(hook(XDP_FLAGS_DRV_MODE)) {
            Ok(held) => held,
            Err(error) => {
                let nic = &at.nic;
                warn!(
                    %error,
                    nic,
                    "the driver did not take the program; falling back to generic XDP, where packets \
                     stay on the CPU on which they arrive"
                );
                // behind a cpumap, Linux 6.18 takes the Ethernet header of a packet from generic XDP for
                // its payload
                self.loaded.steer(false)?;
                self.attach_link(hook(XDP_FLAGS_SKB_MODE))
                    .map_err(|error| error.of(PROGRAM, nic))?
            }
        };
        self.links.push(held);
        Ok(if is_generic(at.ifindex) { XdpHook::Generic } else { XdpHook::Native })
    }

    /// Removes what a daemon before has left where we have none.
    fn remove_stale(&self) -> Result<(), DatapathError> {
        let ours: Vec<_> = self.links.iter().map(|held| &held.pin).collect();
        for (name, _) in self.pins.links()? {
            if !ours.contains(&&name) {
                self.pins.remove(&name)?;
            }
        }
        if self.inherits {
            for at in &self.attachments {
                let has_filters = at.tc == TcHook::Clsact;
                if !has_filters {
                    filter::detach(&at.nic, TcAttachType::Egress, "tc_egress");
                }
                if !has_filters || !self.forwards() {
                    filter::detach(&at.nic, TcAttachType::Ingress, "tc_ingress");
                }
            }
        }
        for clsact in Clsact::stale(&self.clsact, &self.pins)? {
            clsact.remove(&self.pins);
        }
        Ok(())
    }

    /// Leaves the programs where they are, for another daemon to take over.
    pub fn leave(mut self) {
        self.links.clear();
        self.filters.drain(..).for_each(std::mem::forget);
        self.clsact.drain(..).for_each(Clsact::leave);
    }
}

impl Drop for Attached {
    /// First nothing comes in by our programs, then nothing goes out.
    fn drop(&mut self) {
        for Held { pin, link, .. } in self.links.drain(..).rev() {
            if let Err(error) = self.pins.remove(&pin) {
                warn!(%error, "a program stays attached");
            }
            drop(link);
        }
        self.filters.clear();
        for clsact in self.clsact.drain(..) {
            clsact.remove(&self.pins);
        }
    }
}

/// Why a program is not attached.
#[derive(Debug, thiserror::Error)]
enum AttachFailed {
    /// The kernel said no.
    #[error(transparent)]
    Refused(io::Error),
    /// Something before or behind that went wrong.
    #[error(transparent)]
    Other(#[from] DatapathError),
}

impl AttachFailed {
    fn of(self, program: &'static str, nic: &str) -> DatapathError {
        match self {
            Self::Refused(source) => attach_error(program, nic, source),
            Self::Other(error) => error,
        }
    }
}

/// Whether the NIC's XDP program gets its packets from the network stack.
fn is_generic(nic: IfIndex) -> bool {
    let Ok(nowhere) = File::open("/dev/null") else { return false };
    Xdp::new(nowhere.as_fd())
        .query(nic.get() as i32, XdpFlags::NONE)
        .is_ok_and(|found| u32::from(found.attach_mode) == XDP_ATTACHED_SKB)
}

pub(super) fn attach_error(
    program: &'static str,
    nic: &str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> DatapathError {
    DatapathError::Attach { program, nic: nic.to_owned(), source: source.into() }
}

/// Whether the kernel is too old for TCX: it does not know the attach type.
fn lacks_tcx(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

/// The XDP program that is on the NIC already, if it is not one of `ours`.
fn occupant(nic: &str, ifindex: IfIndex, ours: &[u32]) -> Option<DatapathError> {
    // Any descriptor will do: the query names the interface only.
    let nowhere = File::open("/dev/null").ok()?;
    let id = Xdp::new(nowhere.as_fd())
        .query_id(ifindex.get() as i32, XdpFlags::NONE)
        .ok()
        .filter(|id| *id != 0 && !ours.contains(id))?;
    let name = loaded_programs()
        .flatten()
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default();
    Some(DatapathError::Occupied { nic: nic.to_owned(), id, name })
}
