//! The complete desired state of the shaper, decided without IO.
#![forbid(unsafe_code)]

mod addresses;
mod ceilings;
mod check;
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

pub use check::{Rule, Violation, check};
pub use explain::{Explanation, Path, ShardReason, Step, StepClass, explain};
pub use facts::{Facts, FactsError, NicFacts};
pub use model::{
    AddressPlan, CircuitPlan, ClassPlan, LeafPlan, NicPlan, Owner, Plan, QueuePlan, Target,
};
pub use planner::{Planned, plan};
pub use problem::{Problem, Problems};
