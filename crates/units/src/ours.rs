//! What Tidegate calls what it puts into the kernel. By these names a daemon recognises what the one before
//! has left, and whoever looks at a NIC tells it from what others have put there.

use crate::TcHandle;

/// The priority of classifiers that are filters: unlikely to be another's, and before those whose place the
/// kernel chooses, which it does from 49152 down.
pub const FILTER_PRIORITY: u16 = 29_799;
/// The `mq` that every plan has at the root of a NIC with several queues. Handles of HTBs are `queue + 1` and lie
/// below.
pub const MQ: TcHandle = TcHandle::new(0x0fff, 0);
/// The HTB at the root of a NIC with one queue. Others call theirs so as well.
pub const ONLY_HTB: TcHandle = TcHandle::new(1, 0);
/// Minor of an HTB's topmost class, which has the link's rate: everything in a queue hangs from it.
pub const LINK_MINOR: u16 = 1;
/// Minor of the class for what no circuit claims, which may use the whole link.
pub const DEFAULT_MINOR: u16 = 2;
/// The least major of a leaf; majors of leaves are unique in a NIC.
pub const FIRST_LEAF: u16 = 0x1000;
