//! The complete desired state of the shaper, decided without IO.

#![forbid(unsafe_code)]

mod facts;
mod model;

pub use config::{Diffserv, Leaf, Mode};
pub use facts::{Facts, NicFacts};
pub use model::{
    AddressPlan, CircuitPlan, ClassPlan, LeafPlan, NicPlan, Owner, Plan, QueuePlan, Target,
};
