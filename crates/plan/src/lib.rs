//! The complete desired state of the shaper, decided without IO.
//!
//! [`plan()`] takes what the operator wants (`config::Config`) and what the machine offers
//! ([`Facts`]), and decides everything: which queue and CPU serve whom, every HTB class with its
//! handle and rates, every leaf, what each address leads to. Carrying a [`Plan`] out takes no
//! further decision; whatever cannot work is a [`Problem`] before the kernel is touched.
//!
//! Invariants, which [`check()`] verifies on its own terms:
//! - The same input gives the same plan. With a previous plan, what that placed stays where it is,
//!   with its class, leaf and row, unless it must move; what is new gets no number that was in use.
//! - A limit holds whatever is asked for: the rates guaranteed below a class never add up to more
//!   than its own, and no ceiling exceeds its parent's.
//! - A node with all that is below it is on one *shard*: a download queue and an upload queue that
//!   one CPU serves.
//! - This crate does no IO, reads no clock, and uses no randomness.
//!
//! ```
//! use config::Leaf;
//! use plan::synthetic::{Size, provider};
//!
//! let size = Size { circuits: 100, sites: 2, access_points: 5, queues: 4 };
//! let (config, facts) = provider(size, Leaf::FqCodel);
//! let planned = plan::plan(&config, &facts, None)?;
//! assert_eq!(plan::check(&planned.plan, &config, &facts), []);
//! println!("{}", planned.plan);
//! # Ok::<(), plan::Problems>(())
//! ```
//!
//! From input to plan: `tree` drops virtual nodes, `ceilings` cuts limits to their parents',
//! `shards` divides the machine, `placement` packs, `guarantees` shares what is guaranteed,
//! `leaves` and `numbers` choose leaves, minors and handles, `addresses` maps addresses, and
//! `planner` runs them and writes the result down in the types of `model`. `htb` holds what
//! the kernel takes, `previous` and `pool` keep things where they are, `check`, `explain` and
//! `changes` look at the result, `contradictions` at the input, [`synthetic`] makes input for benchmarks and tests.

#![forbid(unsafe_code)]

mod addresses;
mod asleep;
mod ceilings;
mod changes;
mod check;
mod contradictions;
mod display;
mod explain;
mod facts;
mod guarantees;
mod htb;
mod leaves;
mod model;
mod numbers;
mod placement;
mod planner;
mod pool;
mod previous;
mod problem;
mod shards;
pub mod synthetic;
mod tree;

pub use config::{Diffserv, Leaf, Mode};

pub use changes::{Change, Place, Shift, What, changes};
pub use check::{Rule, Violation, check};
pub use contradictions::contradictions;
pub use explain::{Explanation, Path, ShardReason, Step, StepClass, explain};
pub use facts::{Facts, FactsError, NicFacts};
pub use model::{
    AddressPlan, CircuitPlan, ClassPlan, Codel, LeafPlan, NicPlan, Owner, Plan, QueuePlan, Target,
};
pub use planner::{Planned, plan};
pub use problem::{Problem, Problems};
