//! The native part of the Python package `tidegate`: what is the same for a script and for the daemon,
//! and therefore written once.
//!
//! - `wire`, `objects`: messages of the bus as bytes and as Python objects;
//! - `files`: the configuration's files by the daemon's own rules;
//! - `rates`: bit rates as text;
//! - `pcapng`: captures as files;
//! - `text`: texts that can be shown.
//!
//! Invariants:
//! - nothing here waits: sockets and files are Python's, in `python/tidegate`;
//! - whatever takes long (decoding, validating) lets other threads of Python run;
//! - the classes that replies become are made from the bus's declarations, by `tests/generated.rs`.

#![forbid(unsafe_code)]

mod files;
mod objects;
mod pcapng;
mod rates;
mod text;
mod wire;

use pyo3::prelude::*;

/// What is the same for a script and for the daemon.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::files::{read_files, settings_text};
    #[pymodule_export]
    use crate::pcapng::PcapngWriter;
    #[pymodule_export]
    use crate::rates::{format_rate, parse_rate};
    #[pymodule_export]
    use crate::text::inert;
    #[pymodule_export]
    use crate::wire::{Decoder, encode};

    /// The version of the bus's protocol.
    #[pymodule_export]
    const PROTOCOL_VERSION: u16 = bus::PROTOCOL_VERSION;

    /// The most edits of one change.
    #[pymodule_export]
    const MAX_EDITS: usize = bus::MAX_EDITS;

    /// The version of the package, which is the workspace's.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
