//! From an address of the Internet to its autonomous system, country and the network's name.
//!
//! The knowledge comes from files that the operator provides: tab-separated ranges or MMDB, plain or
//! gzip, told apart by content. Each file becomes a [`Table`] of sorted spans; [`Origins`] asks the
//! tables in turn, and the first that knows an address's AS, or its country, counts. [`Reloading`]
//! notices changed files and swaps the whole.
//!
//! Invariants:
//! - a look-up does no IO, takes no lock and allocates nothing;
//! - no file makes a reader panic, or take more memory than [`BYTES_MAX`] and [`RANGES_MAX`] allow;
//! - where ranges of one file overlap, the narrower counts, and of equally wide ones the later;
//! - a file that cannot be read any more leaves its last good table in place.
//!
//! A span takes 8 bytes (IPv4) or 20 bytes (IPv6), and each distinct origin about 80 bytes with its
//! name. Names are data from files, bounded in length and otherwise as they were: whoever shows one
//! makes it inert.
//!
//! ```
//! use origin::Origins;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("asn.tsv");
//! std::fs::write(&path, "192.0.2.0\t192.0.2.255\t64500\tNL\tEXAMPLE-AS\n")?;
//! let loaded = Origins::load(&[path])?;
//! assert_eq!(loaded.origins.lookup("192.0.2.7".parse()?).asn, Some(64500));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - `origins`: all tables together;
//! - `reloading`: noticing changes;
//! - `table`: one file's knowledge; `spans`: its ranges without overlap;
//! - `answer`: what is known of an address, each distinct answer once;
//! - `tsv`, `mmdb`: the two formats; `file`: bytes and their bounds;
//! - `problem`: what is wrong with a file.

#![forbid(unsafe_code)]

mod answer;
mod file;
mod mmdb;
mod origins;
mod problem;
mod reloading;
mod spans;
mod table;
mod tsv;

pub use answer::{CountryCode, NAME_MAX, Origin};
pub use file::BYTES_MAX;
pub use origins::{Known, Loaded, Origins};
pub use problem::{LineTrouble, Problem, Problems, Trouble};
pub use reloading::{Event, Reloading};
pub use table::{RANGES_MAX, Table};
