//! ShapedDevices.csv: circuits with their rates, parents, devices and addresses.
//!
//! [`table`] splits text into rows, [`layout`] finds the columns, [`row`] reads what one row says,
//! [`parent`] finds its node, [`circuit`] puts rows together, [`claim`] compares addresses.

mod circuit;
mod claim;
mod layout;
mod parent;
mod row;
mod table;

pub(crate) use circuit::{Surroundings, read};
