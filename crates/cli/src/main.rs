//! `tidegate`: the command line over the daemon's bus, and offline over its files.
//!
//! Every command is one file under `commands`. A command asks (`bus`, `config`, `plan`), hands a
//! value with its text form to `output`, and returns how it ended; `exit` turns that into the
//! exit code, in one place.
//!
//! Invariants:
//! - results go to the standard output, everything else to the standard error;
//! - text from files and packets reaches a terminal inert, in JSON too;
//! - nothing is written to disk but what `import --output` and `capture --output` name: the first
//!   whole or not at all, the second as packets come, a valid file whenever it ends.
//!
//! - `arguments`: the command line;
//! - `commands`: one module a command;
//! - `reading`: a view once, or watched;
//! - `paging`: which part of a long table, in which order;
//! - `output`, `screen`, `table`, `figures`, `quality`: how results look;
//! - `files`: the configuration and the machine's facts, read from disk;
//! - `failure`, `exit`: what can go wrong, and the code that tells a script.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod exit;
mod failure;
mod figures;
mod files;
mod output;
mod paging;
mod quality;
mod reading;
mod screen;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use exit::Exit;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let exit = commands::run(&arguments).unwrap_or_else(|failure| {
        failure::report(&failure);
        Exit::of(&failure)
    });
    exit.into()
}
