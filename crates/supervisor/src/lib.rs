//! Named threads that stop, restart and report when told to or when they fail.
//!
//! A [`Supervisor`] starts OS threads. An essential thread that ends by itself raises the
//! supervisor's [`Stop`] and is remembered as the [`Death`] to blame; an optional one that fails is
//! started again after a growing pause. Each shows that it is alive by its heartbeat, and
//! [`Monitor::report`] tells how all of them are. A [`Watchdog`] outside of the process is fed while nothing
//! essential hangs.
//!
//! Invariants:
//! - Raising the supervisor's stop asks for the end; [`Supervisor::shut_down`] brings it, one thread
//!   at a time, the last started first. A thread sees only its own stop, so what others stand on
//!   outlives them.
//! - Shutting down takes no longer than its deadline, whatever a thread does.
//! - A panic ends one thread's run and nothing else.
//!
//! ```
//! use std::time::Duration;
//! use supervisor::{Policy, Supervisor};
//!
//! let mut supervisor = Supervisor::new();
//! supervisor.spawn("tick", Policy::Essential, Duration::from_secs(5), |context| {
//!     while !context.sleep(Duration::from_secs(1)) {
//!         // once a second
//!     }
//!     Ok::<(), std::io::Error>(())
//! })?;
//! supervisor.stop().stop();
//! assert!(supervisor.shut_down(Duration::from_secs(1)).stuck.is_empty());
//! # Ok::<(), supervisor::SpawnError>(())
//! ```

#![forbid(unsafe_code)]

mod exit;
mod heart;
mod report;
mod stop;
mod supervisor;
mod thread;
mod watchdog;

pub use exit::{Death, Exit, with_causes};
pub use heart::Heart;
pub use report::{Monitor, ThreadReport, ThreadState};
pub use stop::{Never, Stop};
pub use supervisor::{ShutDown, SpawnError, Supervisor};
pub use thread::{Backoff, Context, Policy};
pub use watchdog::Watchdog;
