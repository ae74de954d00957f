//! Totals that only grow.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! count {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The total of `n`.
            pub const fn new(n: u64) -> Self {
                Self(n)
            }

            /// The bare number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// What was added since `earlier`; nothing when the counter was reset in between.
            pub const fn since(self, earlier: Self) -> Self {
                Self(self.0.saturating_sub(earlier.0))
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
                counts.fold(Self::default(), Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

count! {
    /// A number of bytes.
    Bytes
}
count! {
    /// A number of packets.
    Packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_counter_yields_nothing_rather_than_nonsense() {
        assert_eq!(Bytes::new(5).since(Bytes::new(9)), Bytes::new(0));
        assert_eq!(Packets::new(9).since(Packets::new(5)), Packets::new(4));
    }
}
