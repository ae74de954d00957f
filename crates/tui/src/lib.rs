//! The terminal viewer behind `tidegate top`, and how figures and texts are written on every
//! screen of Tidegate.
//!
//! Three parts that meet in one direction: [`app`] is what is shown, a machine that is fed with
//! events and says what it wishes for; [`draw`] makes a picture of it; [`shell`] has the terminal,
//! the connection to the daemon and the clock.
//!
//! Invariants:
//! - `app` and `draw` do no IO and read no clock: time comes in with each event.
//! - Only what the open pane shows is subscribed to, and of long tables only the rows in sight and as
//!   many around them. The daemon filters and sorts.
//! - The picture is drawn again when something in it has changed, and at no other time.
//! - Text from files and packets is made inert and measured in columns before it is drawn.
//! - The terminal is given back as it was however the program ends, short of SIGKILL.

#![forbid(unsafe_code)]

pub mod app;
pub mod draw;
pub mod figures;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod shell;
pub mod text;
pub mod theme;
