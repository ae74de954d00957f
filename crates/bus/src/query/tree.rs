//! Which part of the tree.

use serde::{Deserialize, Serialize};

/// Which part of the tree of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TreeQuery {
    /// Only the node with this id or name, and what is below it. None: all.
    pub node: Option<String>,
    /// How many levels below the topmost nodes shown; none: all.
    pub levels: Option<u16>,
}
