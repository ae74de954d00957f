//! `tidegated`: the composition root. It puts the parts together and has no logic of its own.
//!
//! - [`boot`]: from the command line to a running daemon, and its orderly end;
//! - [`shaper`]: the control street: configuration, plan, kernel, and back;
//! - [`error`]: why the kernel is not as the configuration wants it;
//! - [`in_force`]: what a configuration that is in force means to those who look;
//! - [`metrics`]: figures over HTTP;
//! - [`notice`]: what is worth an event in what is measured;
//! - [`prepare`]: from the configuration to what is to be in force;
//! - [`remains`]: taking out what a daemon has left;
//! - [`put_up`]: putting programs and classes in place, and taking them out;
//! - [`fixed`]: what of the configuration does not change while the daemon runs;
//! - [`guards`]: what is changed on the NICs meanwhile;
//! - [`files`]: the configuration's files on disk;
//! - [`reload`]: one change at a time, and what clients are told of it;
//! - [`edits`]: changes that clients ask for;
//! - [`events`]: what happened, for those who look;
//! - [`audit`]: every change, written down;
//! - [`memory`]: both, from one daemon to the next;
//! - [`facts`]: what the machine offers, as the plan takes it;
//! - [`kept`]: what a daemon that is killed leaves to the one after it;
//! - [`lazy`]: circuits that have their classes only while they have traffic;
//! - [`look`]: what others change under the daemon, once a second;
//! - [`handover`]: making way for another build of the daemon;
//! - [`captures`]: captures on behalf of clients;
//! - [`threads`]: the measuring street: samples in, snapshots out;
//! - [`shared`]: what both streets show to clients;
//! - [`layout`]: whose the counters are, from configuration and plan;
//! - [`serve`]: the bus's server side;
//! - [`service`]: what the service manager is told;
//! - [`signals`]: what signals ask for;
//! - [`watch`]: noticing that files have changed;
//! - [`lock`]: one daemon at a time;
//! - [`log`]: where it writes what happens;
//! - [`exit`]: why it ended, as an exit code;
//! - [`manual`]: its page in the manual.

#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "a binary exports nothing")]

mod audit;
mod boot;
mod captures;
mod edits;
mod error;
mod events;
mod exit;
mod facts;
mod files;
mod fixed;
mod guards;
mod handover;
mod in_force;
mod kept;
mod layout;
mod lazy;
mod lock;
mod log;
mod look;
mod manual;
mod memory;
mod metrics;
mod notice;
mod prepare;
mod put_up;
mod reload;
mod remains;
mod serve;
mod service;
mod shaper;
mod shared;
mod signals;
mod threads;
mod watch;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use bus::Exit;
use clap::Parser;

/// Shapes the traffic of an Internet provider: the daemon.
#[derive(Debug, Parser)]
#[command(name = "tidegated", version, after_help = help())]
pub struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "PATH", default_value = "/etc/tidegate/tidegate.toml")]
    config: PathBuf,
    /// Check configuration and plan, change nothing, and end.
    #[arg(long, conflicts_with_all = ["facts", "take_down"])]
    check: bool,
    /// Print what this machine offers, for `tidegate plan --facts`, and end. The network need not be valid.
    #[arg(long, conflicts_with = "take_down")]
    facts: bool,
    /// Take out what a daemon that has ended left at work: programs, queues, settings of the NICs. Then
    /// nothing is shaped.
    #[arg(long)]
    take_down: bool,
    /// Print the page of the manual.
    #[arg(long, hide = true, exclusive = true)]
    man: bool,
}

fn help() -> String {
    format!("{}\n\n{}", signals::HELP, Exit::help())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.man {
        let written = manual::page().and_then(|page| io::stdout().write_all(&page));
        return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match boot::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
