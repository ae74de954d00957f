//! Carries a plan into the kernel and verifies that it arrived.
//!
//! Nothing is decided here: what the kernel has is read, compared with the plan queue by queue, and
//! brought into line with the fewest operations that this crate knows:
//!
//! - a queue that is as planned is left alone, so applying the same plan twice sends nothing;
//! - a queue in which only rates or limits differ has those changed; what queues there stays;
//! - any other queue is rebuilt.
//!
//! **What traffic sees.** Packets are never without a qdisc. A queue that is rebuilt first gets a
//! plain FIFO, then an empty HTB in its place, then classes parents first, then leaves: in that
//! time, tens of milliseconds for a thousand circuits, its packets pass without limit, and what the
//! old tree held in its queues is dropped. Other queues go on shaping. A NIC with a single queue
//! has its HTB at the root; to rebuild it, the root is deleted, and the kernel puts its default one
//! there until the new HTB comes. Circuits and addresses are pointed at their classes when all
//! trees stand; a packet that names a class which is not there goes to its queue's class for
//! unclaimed traffic. Transmit queues that the plan does not use keep the kernel's default qdisc;
//! packets that the kernel spreads over all queues by itself pass there without the link's limit,
//! so the programs must choose a planned queue for unclaimed packets as well.
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

mod bring;
mod compare;
mod error;
mod observed;
mod root;
mod run;
mod translate;

pub use compare::{Difference, Mismatch};
pub use error::{ApplyError, Failure, Left, TeardownError};
pub use run::{Report, apply, requests, teardown, verify};
