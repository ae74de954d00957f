//! What can be asked of a NIC's traffic control.

use std::fmt;
use std::time::Duration;

use units::{BitsPerSec, Bytes, TcHandle};

/// One operation on one NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Makes a qdisc where none but a default one is.
    AddQdisc {
        /// The class that it goes under, or [`TcHandle::ROOT`].
        parent: TcHandle,
        /// Its handle.
        handle: TcHandle,
        /// Which one.
        qdisc: Qdisc,
    },
    /// Makes a qdisc in place of another of a different kind, without a moment in which there is
    /// neither. What the other held in its queues is dropped. Where one with this handle is already
    /// there and [`Qdisc::can_become`] the new one, its settings change and its packets stay.
    ReplaceQdisc {
        /// The class that it goes under, or [`TcHandle::ROOT`].
        parent: TcHandle,
        /// Its handle; none lets the kernel choose.
        handle: Option<TcHandle>,
        /// Which one.
        qdisc: Qdisc,
    },
    /// Removes a qdisc and all below it. At the root the kernel puts back its default. Under a
    /// class of `mq` it puts back nothing: packets of that queue are lost until a qdisc is added.
    DeleteQdisc {
        /// The class that it is under, or [`TcHandle::ROOT`].
        parent: TcHandle,
    },
    /// Makes an HTB class.
    AddClass {
        /// Its handle.
        handle: TcHandle,
        /// The class that it goes under, or the HTB itself.
        parent: TcHandle,
        /// Its rates.
        class: HtbClass,
    },
    /// Gives an HTB class other rates. Its leaf and what queues there stay.
    ChangeClass {
        /// Its handle.
        handle: TcHandle,
        /// The parent that it has; the kernel cannot move a class.
        parent: TcHandle,
        /// Its new rates.
        class: HtbClass,
    },
    /// Removes an HTB class without children, with its leaf and what queues there.
    DeleteClass {
        /// Its handle.
        handle: TcHandle,
    },
}

/// A queueing discipline with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qdisc {
    /// One child per hardware transmit queue; children's classes are 1, 2, ...
    Mq,
    /// The hierarchical token bucket.
    Htb {
        /// Minor of the class for packets that name no class.
        default_minor: u16,
    },
    /// CAKE, unlimited: the class above it shapes.
    Cake {
        /// Its priority tins.
        diffserv: Diffserv,
        /// Which hosts get even shares.
        hosts: Hosts,
        /// When it drops.
        codel: Codel,
    },
    /// FQ-CoDel, with the kernel's defaults but for when it drops.
    FqCodel(Codel),
    /// A FIFO limited in bytes.
    Bfifo {
        /// How much it holds.
        limit: Bytes,
    },
    /// A FIFO limited to as many packets as the NIC's transmit queue length.
    Pfifo,
    /// The hook for programs on NICs without TCX.
    Clsact,
}

impl Qdisc {
    /// Its name, as `tc` and the kernel call it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mq => "mq",
            Self::Htb { .. } => "htb",
            Self::Cake { .. } => "cake",
            Self::FqCodel(_) => "fq_codel",
            Self::Bfifo { .. } => "bfifo",
            Self::Pfifo => "pfifo",
            Self::Clsact => "clsact",
        }
    }

    /// Whether the kernel makes it the other one where it is, with all that waits in it. CAKE's tins are not
    /// among that: packets stay in the tin that they were sorted into.
    pub fn can_become(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bfifo { .. }, Self::Bfifo { .. }) | (Self::FqCodel(_), Self::FqCodel(_)) => true,
            (Self::Cake { diffserv, .. }, Self::Cake { diffserv: wanted, .. }) => {
                diffserv == wanted
            }
            _ => false,
        }
    }
}

/// The hosts among which CAKE divides first, before it divides among a host's flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Those that packets come from (`dual-srchost`).
    Sources,
    /// Those that packets go to (`dual-dsthost`).
    Destinations,
}

/// What `CoDel` drops for (RFC 8289, section 3). The kernel keeps FQ-CoDel's in units of 1,024 ns, so
/// only whole milliseconds are read back as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codel {
    /// How long packets may wait, in whole milliseconds.
    pub target: Duration,
    /// How long they may wait for longer than that, in whole milliseconds.
    pub interval: Duration,
}

impl Codel {
    /// What the kernel takes by itself: 5 and 100 ms.
    pub const DEFAULT: Self =
        Self { target: Duration::from_millis(5), interval: Duration::from_millis(100) };
}

/// CAKE's priority tins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diffserv {
    /// One tin.
    Besteffort,
    /// Three tins.
    Diffserv3,
    /// Four tins.
    Diffserv4,
    /// Eight tins.
    Diffserv8,
}

/// An HTB class's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtbClass {
    /// Guaranteed rate; the kernel keeps whole bytes per second.
    pub rate: BitsPerSec,
    /// Ceiling.
    pub ceil: BitsPerSec,
    /// Bytes that may go out at once at `rate`.
    pub burst: Bytes,
    /// Bytes that may go out at once at `ceil`.
    pub cburst: Bytes,
    /// Bytes sent in a turn when borrowing.
    pub quantum: Bytes,
    /// Which classes borrow first: 0 before 7.
    pub priority: u8,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddQdisc { parent, handle, qdisc } => {
                write!(f, "add qdisc {} {handle} at {parent}", qdisc.kind())
            }
            Self::ReplaceQdisc { parent, handle: Some(handle), qdisc } => {
                write!(f, "put qdisc {} {handle} at {parent}", qdisc.kind())
            }
            Self::ReplaceQdisc { parent, handle: None, qdisc } => {
                write!(f, "put qdisc {} at {parent}", qdisc.kind())
            }
            Self::DeleteQdisc { parent } => write!(f, "delete the qdisc at {parent}"),
            Self::AddClass { handle, parent, class } => {
                write!(f, "add class {handle} under {parent} with {} to {}", class.rate, class.ceil)
            }
            Self::ChangeClass { handle, class, .. } => {
                write!(f, "change class {handle} to {} to {}", class.rate, class.ceil)
            }
            Self::DeleteClass { handle } => write!(f, "delete class {handle}"),
        }
    }
}
