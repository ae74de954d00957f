//! Carries a plan into the kernel and verifies that it arrived.
//!
//! Nothing is decided here: what the kernel has is read and compared with the plan, and the difference
//! is a list of [`Operation`]s, in an order in which no packet is without a class (make before break):
//!
//! 1. new classes and leaves are made, and rates, limits and leaves changed in place;
//! 2. circuits and addresses are pointed at their classes;
//! 3. classes at which nothing is pointed any more send what waits in them, for five seconds at most;
//! 4. they are removed.
//!
//! What is as planned is not in the list: the same plan again is an empty one, and a changed rate
//! is one class on each NIC.
//!
//! **What traffic sees.** As long as the NIC's queues are planned as they are, nothing is lost and
//! nothing passes unshaped. A circuit that moves has both classes for a moment: what waits in the old
//! one goes out at its old rate beside the new. Some changes cannot be made so, and are made otherwise:
//! - A number that is wanted belongs to something that the plan does not know (somebody changed the
//!   classes by hand, or all numbers were in use): that goes first. Its packets pass as unclaimed, below
//!   the link's limit, until they have their class.
//! - The leaf for unclaimed traffic is to be of another kind: what waits in it is lost.
//! - A queue's HTB is missing or not as planned: it is built anew. It gets a plain FIFO first, then an
//!   empty HTB in its place, then classes and leaves. To hang anything below `mq` the kernel stops the whole
//!   NIC for a moment and empties all its queues (`mq_graft` in `net/sched/sch_mq.c`).
//! - A NIC with a single queue has its HTB at the root; to build it anew, the root is deleted, and the
//!   kernel puts its default one there until the new HTB comes.
//!
//! A packet that names a class which is not there goes to its queue's class for unclaimed traffic.
//! Transmit queues that the plan does not use keep the kernel's default qdisc; packets that the kernel
//! spreads over all queues by itself pass there without the link's limit, so the programs must choose a
//! planned queue for unclaimed packets as well.
//!
//! **What failure leaves.** The previous plan where there was one, otherwise the NIC with the
//! kernel's default root; never half a tree. A root qdisc of somebody else is named, not removed; a
//! tree that a killed daemon left is known by its handle and shape, and adopted or removed.
//!
//! **Verification.** Afterwards every qdisc and class is read back and compared: handle, parent,
//! rate, ceiling, bursts, quantum, leaf, limit; then circuits and addresses.
//!
//! ```no_run
//! # fn example(kernel: &mut impl kernel::Kernel, plan: &plan::Plan) -> Result<(), apply::ApplyError> {
//! let report = apply::apply(kernel, None, plan)?;
//! println!("{} operations", report.operations);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod compare;
mod diff;
mod error;
mod narrow;
mod observed;
mod queues;
mod root;
mod run;
mod translate;

pub use compare::{Difference, Mismatch};
pub use diff::Operation;
pub use error::{ApplyError, Failure, Left, TeardownError};
pub use run::{Report, apply, change, point, remove_trees, requests, steps, teardown, verify};
