//! Network cards: the setting that shaping changes by a system call that is not safe. All others are in
//! the crate `machine`.

mod promiscuous;

pub use promiscuous::{PromiscuousError, PromiscuousGuard};
