//! A kernel in memory, with the kernel's own rules, for tests without privileges.

mod device;
mod kernel;
mod tables;

pub use kernel::{FakeKernel, Operation};
pub use tables::FakeTables;
