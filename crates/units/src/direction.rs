//! Towards the customer or towards the Internet.

use std::fmt;
use std::ops::{Index, IndexMut};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way a packet travels.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards the customer.
    Download,
    /// Towards the Internet.
    Upload,
}

impl Direction {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Download, Self::Upload];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Download => "download",
            Self::Upload => "upload",
        })
    }
}

/// One value for each direction.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[schemars(rename = "PerDirectionOf{T}")]
pub struct PerDirection<T> {
    /// The value for downloads.
    pub down: T,
    /// The value for uploads.
    pub up: T,
}

impl<T> PerDirection<T> {
    /// Makes a pair from what `value` gives for each direction.
    pub fn from_fn(mut value: impl FnMut(Direction) -> T) -> Self {
        Self { down: value(Direction::Download), up: value(Direction::Upload) }
    }

    /// The same pair with `change` applied to each side.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PerDirection<U> {
        PerDirection { down: change(self.down), up: change(self.up) }
    }

    /// A pair of references.
    pub const fn as_ref(&self) -> PerDirection<&T> {
        PerDirection { down: &self.down, up: &self.up }
    }
}

impl<T: Clone> PerDirection<T> {
    /// The same value for both.
    pub fn both(value: T) -> Self {
        Self { down: value.clone(), up: value }
    }
}

impl<T> Index<Direction> for PerDirection<T> {
    type Output = T;
    fn index(&self, direction: Direction) -> &T {
        match direction {
            Direction::Download => &self.down,
            Direction::Upload => &self.up,
        }
    }
}

impl<T> IndexMut<Direction> for PerDirection<T> {
    fn index_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Download => &mut self.down,
            Direction::Upload => &mut self.up,
        }
    }
}
