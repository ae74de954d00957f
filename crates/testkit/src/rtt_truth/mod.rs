//! Passive RTTs against the truth: simulated connections, played in real time to whatever measures.
//!
//! The packets of all cases go past an [`Observer`] on one time line. When each really passed is
//! recorded, and truth is computed from that: where the machine is late, truth is late with it.
//!
//! The truth of a sample is the time between the packet on which it was taken and the nearest of the
//! packets that made its sender send it, as the simulation knows them. Such a time is known to within
//! the two calls to the observer; the error is how far the sample lies outside of it.

mod cases;
mod player;
mod score;

pub use cases::{Case, Expected, cases};
pub use player::{Bins, Observer, Played, Reading, Sample, play};
pub use score::{Score, SideScore};
