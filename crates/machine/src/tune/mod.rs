//! What a shaper wants the machine to be set to, and setting it with a way back.
//!
//! - [`changes`] decides, from what was [`crate::Seen`] and what is [`Wanted`]: a pure function;
//! - [`Setting`] is one thing that can be read and set;
//! - [`apply`] sets, after it has remembered in a [`TunedFile`] what was; [`revert`] puts that back.
//!
//! Only settings of the NICs that are wanted, of CPUs in use and of the kernel are ever touched. Left alone is
//! what the daemon sets while it runs (XPS, VLAN tags stripped on reception, receiving everything).

mod carry_out;
mod changes;
mod file;
mod setting;

pub use carry_out::{Applied, Outcome, Reverted, apply, revert};
pub use changes::{Change, Wanted, changes, shell_word};
pub use file::{FileError, Remembered, TunedFile};
pub use setting::Setting;
