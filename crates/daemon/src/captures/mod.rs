//! Captures on behalf of clients: sessions start and end them, the thread `capture` feeds them.

mod desk;
mod running;
mod thread;

pub use desk::CaptureDesk;
pub use running::{Running, Step};
pub use thread::deliver;
