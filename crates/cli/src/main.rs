//! `tidegate`: the command line over the daemon's bus, and offline over its files.
//!
//! Every command is one file under `commands`. A command asks (`bus`, `config`, `plan`), hands a
//! value with its text form to `output`, and returns how it ended; `exit` turns that into the
//! exit code, in one place.
//!
//! Invariants:
//! - results go to the standard output, everything else to the standard error;
//! - text from files and packets reaches a terminal inert, in JSON too;
//! - nothing is written to disk but what `import --output`, `capture --output` and `tune --state` name:
//!   whole or not at all, but for captures, which are a valid file whenever they end.
//!
//! - `arguments`, `help`: the command line;
//! - `commands`: one module a command;
//! - `reading`: a view once, or watched;
//! - `following`: views as they come, over a daemon's restarts;
//! - `paging`: which part of a long table, in which order;
//! - `output`, `screen`, `table`, `lines`, `quality`, and `figures` of `tui`: how results look;
//! - `doctor`: checks of the whole box;
//! - `files`: the configuration and the machine's facts, read from disk;
//! - `failure`, `exit`: what can go wrong, and the code that tells a script.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod doctor;
mod exit;
mod failure;
mod files;
mod following;
mod help;
mod lines;
mod output;
mod paging;
mod quality;
mod reading;
mod screen;
mod table;

use std::env;
use std::process::ExitCode;

use bus::Exit;
use tui::figures;

use failure::Failure;

fn main() -> ExitCode {
    let (outcome, json) = match help::parse() {
        Ok(arguments) => (commands::run(&arguments), arguments.json),
        Err(error) if error.use_stderr() && arguments::ask_for_json(env::args_os()) => {
            (Err(Failure::Usage(error)), true)
        }
        // help, the version, or an error as people read it
        Err(told) => told.exit(),
    };
    let exit = outcome.unwrap_or_else(|failure| {
        let exit = Exit::from(&failure);
        failure::report(&failure, exit, json);
        exit
    });
    exit.into()
}
