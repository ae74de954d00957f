//! Where in the kernel a thing lives.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! place {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name($number);

        impl $name {
            /// The place with this number.
            pub const fn new(n: $number) -> Self {
                Self(n)
            }

            /// The bare number.
            pub const fn get(self) -> $number {
                self.0
            }

            /// The number as an index into what is kept per place.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

place! {
    /// A processor, counted from 0 as the kernel does.
    CpuId(u16)
}
place! {
    /// A network interface's index in its namespace.
    IfIndex(u32)
}
place! {
    /// A hardware transmit queue of one NIC, counted from 0.
    QueueId(u16)
}
place! {
    /// A circuit's row in the kernel's arrays.
    CircuitSlot(u32)
}
