//! The two ends of a path that the box divides.

use std::fmt;
use std::ops::{Index, IndexMut};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of the path that has an RTT of its own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// From the box to the customer and back.
    Customer,
    /// From the box into the Internet and back.
    Internet,
}

impl Segment {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Internet];
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Customer => "customer",
            Self::Internet => "internet",
        })
    }
}

/// One value for each segment.
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
#[schemars(rename = "PerSegmentOf{T}")]
pub struct PerSegment<T> {
    /// The value for the customer's side.
    pub customer: T,
    /// The value for the Internet's side.
    pub internet: T,
}

impl<T> PerSegment<T> {
    /// Makes a pair from what `value` gives for each segment.
    pub fn from_fn(mut value: impl FnMut(Segment) -> T) -> Self {
        Self { customer: value(Segment::Customer), internet: value(Segment::Internet) }
    }

    /// The same pair with `change` applied to each side.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PerSegment<U> {
        PerSegment { customer: change(self.customer), internet: change(self.internet) }
    }

    /// A pair of references.
    pub const fn as_ref(&self) -> PerSegment<&T> {
        PerSegment { customer: &self.customer, internet: &self.internet }
    }
}

impl<T> Index<Segment> for PerSegment<T> {
    type Output = T;
    fn index(&self, segment: Segment) -> &T {
        match segment {
            Segment::Customer => &self.customer,
            Segment::Internet => &self.internet,
        }
    }
}

impl<T> IndexMut<Segment> for PerSegment<T> {
    fn index_mut(&mut self, segment: Segment) -> &mut T {
        match segment {
            Segment::Customer => &mut self.customer,
            Segment::Internet => &mut self.internet,
        }
    }
}
