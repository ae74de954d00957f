//! ShapedDevices.csv: circuits with their rates, parents, devices and addresses.
//!
//! [`table`] splits text into rows, [`layout`] finds the columns, [`row`] reads what one row says,
//! [`parent`] finds its node, [`circuit`] puts rows together, [`claim`] compares addresses; [`edit`] changes
//! rows in the text.

mod circuit;
mod claim;
mod edit;
mod layout;
mod parent;
mod row;
mod table;

pub(crate) use circuit::{Surroundings, read};
pub use edit::{CircuitEdit, EditError};
pub(crate) use edit::{Editor, rows_of};
