//! The route netlink socket: messages, batches, dumps.
//!
//! The encoder is our own: writing a class request takes tens of nanoseconds, the kernel's work for
//! it tens of microseconds, so a library would buy nothing but types to convert from and to.
//!
//! Many messages travel in one send. Only the last of a send asks for an acknowledgement: the
//! kernel works a send off in order, answers every failure whether asked to or not, and goes on to
//! the next message after a failure. So the answer to the last one says that all have been
//! looked at, and a send costs two system calls however many messages it holds.

mod attributes;
mod messages;
mod socket;

pub(crate) use attributes::{attributes, text, u32_at, u64_at};
pub use messages::{Message, Messages};
pub use socket::{NetlinkError, Refusal, Socket};
