//! Tidegate's configuration.

#![forbid(unsafe_code)]

mod model;

pub use model::{
    Bus, Circuit, Config, Device, Diffserv, FastLeaf, Files, Interfaces, Leaf, Limits, Log, Mode,
    Network, Node, Queues, Ranges,
};
