//! From loaded programs to programs that see packets.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use aya::programs::links::LinkError;
use aya::programs::tc::{NlOptions, TcAttachOptions};
use aya::programs::xdp::{XdpLink, XdpMode};
use aya::programs::{
    LinkOrder, ProgramError, SchedClassifier, TcAttachType, Xdp, XdpAttachType, loaded_programs, tc,
};
use rustix::fs::statfs;
use tracing::warn;
use units::IfIndex;

use super::{DatapathError, Loaded};
use super::pins::Pins;
use super::promiscuous::Promiscuous;

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
    _xdp: Vec<XdpLink>,
    _tc: Vec<tc::SchedClassifierLink>,
    _clsact: Vec<Clsact>,
    _promiscuous: Vec<Promiscuous>,
    loaded: Loaded,
}

/// A clsact queueing discipline that we added. Dropping it removes it.
#[derive(Debug)]
struct Clsact {
    nic: String,
    ifindex: IfIndex,
}

impl Drop for Clsact {
    fn drop(&mut self) {
        if let Err(error) = crate::tc::remove_clsact(self.ifindex) {
            warn!(%error, nic = self.nic, "could not remove the clsact queueing discipline");
        }
    }
}

impl Loaded {
    /// Attaches to the NICs: `(name, side)` for each, one on a stick. `pins` is a folder on a BPF
    /// filesystem, used on the way and left empty.
    ///
    /// # Errors
    /// When a NIC has somebody else's program, or takes ours neither natively nor generically.
    /// What was attached by then is detached.
    pub fn attach(self, nics: &[(String, Side)], pins: &Path) -> Result<Attached, DatapathError> {
        let pins = Pins::new(pins)?;
        let mut attached = Attached {
            attachments: Vec::new(),
            _xdp: Vec::new(),
            _tc: Vec::new(),
            _clsact: Vec::new(),
            _promiscuous: Vec::new(),
            loaded: self,
        };
        // Egress first: by the time that packets are steered their classes are chosen.
        for (nic, side) in nics {
            let tc = attached.attach_tc(nic, &pins)?;
            let ifindex = attached.ifindex(*side);
            attached.attachments.push(Attachment {
                nic: nic.clone(),
                ifindex,
                side: *side,
                xdp: XdpHook::Native,
                tc,
            });
        }
        for index in 0..attached.attachments.len() {
            attached.attachments[index].xdp = attached.attach_xdp(index, &pins)?;
        }
        Ok(attached)
    }
}

impl Attached {
    /// How the programs sit on each NIC.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    const fn ifindex(&self, side: Side) -> IfIndex {
        match side {
            Side::Internet | Side::Both => self.loaded.options.internet,
            Side::Customers => self.loaded.options.customers,
        }
    }

    fn forwards(&self) -> bool {
        matches!(self.loaded.options.mode, abi::Mode::XdpBridge | abi::Mode::Stick)
    }

    fn attach_tc(&mut self, nic: &str, pins: &Pins) -> Result<TcHook, DatapathError> {
        if self.loaded.options.mode == abi::Mode::Observe {
            return Ok(TcHook::None);
        }
        let mut hook = self.attach_classifier("tc_egress", nic, TcAttachType::Egress, pins)?;
        if self.forwards() {
            hook = self.attach_classifier("tc_ingress", nic, TcAttachType::Ingress, pins)?;
            self._promiscuous.push(Promiscuous::new(ifindex).map_err(|source| {
                attach_error("tc_ingress", nic, source)
            })?);
        }
        Ok(hook)
    }

    fn attach_classifier(
        &mut self,
        program: &'static str,
        nic: &str,
        hook: TcAttachType,
        pins: &Pins,
    ) -> Result<TcHook, DatapathError> {
        let failed = |source: ProgramError| attach_error(program, nic, source);
        let pin = pins.program(&self.loaded, program)?;
        let mut classifier = SchedClassifier::from_pin(&pin.0).map_err(failed)?;
        let order = TcAttachOptions::TcxOrder(LinkOrder::default());
        let (link, used) = match classifier.attach_with_options(nic, hook, order) {
            Ok(link) => (link, TcHook::Tcx),
            Err(error) if lacks_tcx(&error) => {
                self.add_clsact(nic)?;
                let options = TcAttachOptions::Netlink(NlOptions::default());
                let link = classifier.attach_with_options(nic, hook, options).map_err(failed)?;
                (link, TcHook::Clsact)
            }
            Err(error) => return Err(failed(error)),
        };
        self._tc.push(classifier.take_link(link).map_err(failed)?);
        Ok(used)
    }

    /// Adds clsact where there is none yet, ours or another's.
    fn add_clsact(&mut self, nic: &str) -> Result<(), DatapathError> {
        if self._clsact.iter().any(|clsact| clsact.nic == nic) {
            return Ok(());
        }
        match crate::tc::add_clsact(nic) {
            Ok(Some(ifindex)) => {
                self._clsact.push(Clsact { nic: nic.to_owned(), ifindex });
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(source) => Err(attach_error("clsact", nic, source)),
        }
    }

    fn attach_xdp(&mut self, index: usize, pins: &Pins) -> Result<XdpHook, DatapathError> {
        const PROGRAM: &str = "xdp_ingress";
        let Attachment { nic, ifindex, .. } = self.attachments[index].clone();
        let failed = |source: ProgramError| attach_error(PROGRAM, &nic, source);
        if let Some(occupied) = occupant(&nic, ifindex) {
            return Err(occupied);
        }
        let pin = pins.program(&self.loaded, PROGRAM)?;
        let mut xdp = Xdp::from_pin(&pin.0, XdpAttachType::Interface).map_err(failed)?;
        let (link, used) = match xdp.attach_to_if_index(ifindex.get(), XdpMode::Driver) {
            Ok(link) => (link, XdpHook::Native),
            Err(error) => {
                warn!(error = %chain(&error), nic, "no native XDP, falling back to generic");
                let link = xdp.attach_to_if_index(ifindex.get(), XdpMode::Skb).map_err(failed)?;
                (link, XdpHook::Generic)
            }
        };
        self._xdp.push(xdp.take_link(link).map_err(failed)?);
        Ok(used)
    }
}

fn attach_error(
    program: &'static str,
    nic: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> DatapathError {
    DatapathError::Attach { program, nic: nic.to_owned(), source: Box::new(source) }
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
        .query_id(ifindex.get() as i32, libbpf_rs::XdpFlags::NONE)
        .ok()
        .filter(|id| *id != 0)?;
    let name = loaded_programs()
        .flatten()
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default();
    Some(DatapathError::Occupied { nic: nic.to_owned(), id, name })
}

/// An error with its causes, for a log line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
