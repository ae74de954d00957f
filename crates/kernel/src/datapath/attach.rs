//! From loaded programs to programs that see packets.

use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use aya::programs::tc::{NlOptions, TcAttachOptions};
use aya::programs::{LinkOrder, ProgramError, SchedClassifier, TcAttachType, loaded_programs, tc};
use libbpf_rs::libbpf_sys::{
    self, BPF_XDP, XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE, bpf_attach_type,
};
use libbpf_rs::{Object, ProgramMut, XdpFlags};
use tracing::warn;
use units::{IfIndex, TcHandle};

use super::pins::Pins;
use super::promiscuous::Promiscuous;
use super::{DatapathError, Loaded};
use crate::tc::{Controller, Qdisc, QdiscState, Request, TrafficControl};

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

/// Programs that see packets. Dropping it detaches them all.
#[derive(Debug)]
pub struct Attached {
    attachments: Vec<Attachment>,
    // Fields drop in this order: first nothing comes in by our programs, then nothing goes out.
    xdp: Vec<OwnedFd>,
    tc: Vec<tc::SchedClassifierLink>,
    clsact: Vec<Clsact>,
    promiscuous: Vec<Promiscuous>,
    loaded: Loaded,
}

/// `TC_H_CLSACT`, where clsact sits beside the root.
const CLSACT: TcHandle = TcHandle::from_raw(0xffff_fff1);

/// A clsact queueing discipline that we added. Dropping it removes it.
#[derive(Debug)]
struct Clsact {
    nic: IfIndex,
}

impl Clsact {
    /// None where there is one already: not ours to remove.
    fn add(nic: IfIndex) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        let mut controller = Controller::open()?;
        let present = |qdisc: &QdiscState| qdisc.nic == nic && qdisc.parent == CLSACT;
        if controller.qdiscs(&[nic])?.iter().any(present) {
            return Ok(None);
        }
        let handle = TcHandle::new(0xffff, 0);
        controller
            .tc(nic, &[Request::AddQdisc { parent: CLSACT, handle, qdisc: Qdisc::Clsact }])?;
        Ok(Some(Self { nic }))
    }
}

impl Drop for Clsact {
    fn drop(&mut self) {
        let request = Request::DeleteQdisc { parent: CLSACT };
        let removed = Controller::open()
            .map_err(Box::<dyn Error>::from)
            .and_then(|mut controller| Ok(controller.tc(self.nic, &[request])?));
        if let Err(error) = removed {
            warn!(%error, ifindex = %self.nic, "could not remove the clsact queueing discipline");
        }
    }
}

impl Loaded {
    /// Tells whether the NICs can be attached to, and changes nothing.
    ///
    /// # Errors
    /// When a NIC has somebody else's XDP program, or `pins` can hold none.
    pub fn preflight(&self, nics: &[(String, Side)], pins: &Path) -> Result<(), DatapathError> {
        Pins::new(pins)?;
        for (nic, side) in nics {
            if let Some(occupied) = occupant(nic, self.ifindex(*side)) {
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

    /// Attaches to the NICs: `(name, side)` for each, one on a stick. `pins` is a folder on a BPF
    /// filesystem, used on the way and left empty.
    ///
    /// # Errors
    /// When a NIC has somebody else's program, or takes ours neither natively nor generically.
    /// What was attached by then is detached.
    pub fn attach(self, nics: &[(String, Side)], pins: &Path) -> Result<Attached, DatapathError> {
        self.preflight(nics, pins)?;
        let pins = Pins::new(pins)?;
        let mut attached = Attached {
            attachments: Vec::new(),
            xdp: Vec::new(),
            tc: Vec::new(),
            clsact: Vec::new(),
            promiscuous: Vec::new(),
            loaded: self,
        };
        // Egress first: by the time that packets are steered their classes are chosen.
        for (nic, side) in nics {
            let ifindex = attached.loaded.ifindex(*side);
            let tc = attached.attach_tc(nic, ifindex, &pins)?;
            attached.attachments.push(Attachment {
                nic: nic.clone(),
                ifindex,
                side: *side,
                xdp: XdpHook::Native,
                tc,
            });
        }
        for index in 0..attached.attachments.len() {
            attached.attachments[index].xdp = attached.attach_xdp(index)?;
        }
        Ok(attached)
    }
}

impl Attached {
    /// How the programs sit on each NIC.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
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

    fn attach_tc(
        &mut self,
        nic: &str,
        ifindex: IfIndex,
        pins: &Pins,
    ) -> Result<TcHook, DatapathError> {
        if self.loaded.options.mode == abi::Mode::Observe {
            return Ok(TcHook::None);
        }
        let mut hook =
            self.attach_classifier("tc_egress", (nic, ifindex), TcAttachType::Egress, pins)?;
        if self.forwards() {
            hook =
                self.attach_classifier("tc_ingress", (nic, ifindex), TcAttachType::Ingress, pins)?;
            self.promiscuous.push(
                Promiscuous::new(ifindex)
                    .map_err(|source| attach_error("tc_ingress", nic, source))?,
            );
        }
        Ok(hook)
    }

    fn attach_classifier(
        &mut self,
        program: &'static str,
        (nic, ifindex): (&str, IfIndex),
        hook: TcAttachType,
        pins: &Pins,
    ) -> Result<TcHook, DatapathError> {
        let failed = |source: ProgramError| attach_error(program, nic, source);
        let pin = pins.pin(&self.program(program)?, program)?;
        let mut classifier = SchedClassifier::from_pin(pin.path()).map_err(failed)?;
        let order = TcAttachOptions::TcxOrder(LinkOrder::default());
        let by_tcx = match self.loaded.options.tcx {
            true => classifier.attach_with_options(nic, hook, order).map(Some),
            false => Ok(None),
        };
        let (link, used) = match by_tcx {
            Ok(Some(link)) => (link, TcHook::Tcx),
            Err(error) if !lacks_tcx(&error) => return Err(failed(error)),
            Ok(None) | Err(_) => {
                self.add_clsact(nic, ifindex)?;
                // what a killed daemon left; there is none where there is no such filter
                let _ = tc::qdisc_detach_program(nic, hook, program);
                let options = TcAttachOptions::Netlink(NlOptions::default());
                let link = classifier.attach_with_options(nic, hook, options).map_err(failed)?;
                (link, TcHook::Clsact)
            }
        };
        self.tc.push(classifier.take_link(link).map_err(failed)?);
        Ok(used)
    }

    /// Adds clsact where there is none yet, ours or another's.
    fn add_clsact(&mut self, nic: &str, ifindex: IfIndex) -> Result<(), DatapathError> {
        let added = Clsact::add(ifindex).map_err(|source| DatapathError::Attach {
            program: "clsact",
            nic: nic.to_owned(),
            source,
        })?;
        self.clsact.extend(added);
        Ok(())
    }

    fn attach_xdp(&mut self, index: usize) -> Result<XdpHook, DatapathError> {
        const PROGRAM: &str = "xdp_ingress";
        let Attachment { nic, ifindex, .. } = self.attachments[index].clone();
        let program = self.program(PROGRAM)?;
        let (link, hook) = match create_link(program.as_fd(), ifindex, BPF_XDP, XDP_FLAGS_DRV_MODE)
        {
            Ok(link) => (link, XdpHook::Native),
            Err(error) => {
                warn!(%error, nic, "the driver did not take the program; falling back to generic XDP");
                let link = create_link(program.as_fd(), ifindex, BPF_XDP, XDP_FLAGS_SKB_MODE)
                    .map_err(|source| attach_error(PROGRAM, &nic, source))?;
                (link, XdpHook::Generic)
            }
        };
        self.xdp.push(link);
        Ok(hook)
    }
}

/// Attaches a program by a link (`bpf_link_create` of `include/uapi/linux/bpf.h`), which ends with
/// the descriptor, even when we are killed.
pub(super) fn create_link(
    program: BorrowedFd<'_>,
    nic: IfIndex,
    hook: bpf_attach_type,
    flags: u32,
) -> io::Result<OwnedFd> {
    let options = libbpf_sys::bpf_link_create_opts {
        sz: size_of::<libbpf_sys::bpf_link_create_opts>() as libbpf_sys::size_t,
        flags,
        ..Default::default()
    };
    // SAFETY: the descriptor is open through the call, which reads `options` by the size in it.
    let link = unsafe {
        libbpf_sys::bpf_link_create(program.as_raw_fd(), nic.get() as i32, hook, &raw const options)
    };
    if link < 0 {
        return Err(io::Error::from_raw_os_error(-link));
    }
    // SAFETY: the call has just opened the descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(link) })
}

pub(super) fn attach_error(
    program: &'static str,
    nic: &str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> DatapathError {
    DatapathError::Attach { program, nic: nic.to_owned(), source: source.into() }
}

/// Whether the kernel is too old for TCX: it does not know the attach type.
fn lacks_tcx(error: &ProgramError) -> bool {
    matches!(
        error,
        ProgramError::SyscallError(error)
            if matches!(error.io_error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
    )
}

/// The XDP program that is on the NIC already.
fn occupant(nic: &str, ifindex: IfIndex) -> Option<DatapathError> {
    // Any descriptor will do: the query names the interface only.
    let nowhere = File::open("/dev/null").ok()?;
    let id = libbpf_rs::Xdp::new(nowhere.as_fd())
        .query_id(ifindex.get() as i32, XdpFlags::NONE)
        .ok()
        .filter(|id| *id != 0)?;
    let name = loaded_programs()
        .flatten()
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default();
    Some(DatapathError::Occupied { nic: nic.to_owned(), id, name })
}
