//! The commands, one module each.

pub(crate) mod bypass;
pub(crate) mod capture;
pub(crate) mod check;
mod circuit;
pub(crate) mod circuits;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod flows;
pub(crate) mod get;
pub(crate) mod handover;
pub(crate) mod hosts;
pub(crate) mod import;
pub(crate) mod man;
pub(crate) mod origins;
pub(crate) mod plan;
mod queues;
pub(crate) mod reload;
pub(crate) mod remove;
pub(crate) mod retransmits;
pub(crate) mod rtt;
pub(crate) mod schema;
pub(crate) mod set;
mod status;
pub(crate) mod support_bundle;
pub(crate) mod top;
pub(crate) mod tree;
pub(crate) mod tune;
pub(crate) mod unknown;

use bus::Exit;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::Output;

/// Carries out the command line.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (socket, output) = (arguments.socket.as_path(), Output { json: arguments.json });
    match &arguments.command {
        Command::Top(options) => top::run(socket, options, output),
        Command::Status(watch) => status::run(socket, watch, output),
        Command::Tree(options) => tree::run(socket, options, output),
        Command::Circuits(options) => circuits::run(socket, options, output),
        Command::Queues(watch) => queues::run(socket, watch, output),
        Command::Unknown(options) => unknown::run(socket, options, output),
        Command::Flows(options) => flows::run(socket, options, output),
        Command::Hosts(options) => hosts::run(socket, options, output),
        Command::Origins(options) => origins::run(socket, options, output),
        Command::Rtt(options) => rtt::run(socket, options, output),
        Command::Retransmits(options) => retransmits::run(socket, options, output),
        Command::Events(options) => events::run(socket, options, output),
        Command::Capture(options) => capture::run(socket, options, output),
        Command::Check(options) => return check::run(options, output),
        Command::Doctor(options) => return doctor::run(socket, options, output),
        Command::Plan(options) => plan::run(socket, options, output),
        Command::Reload(options) => reload::run(socket, options, output),
        Command::Set(options) => set::run(socket, options, output),
        Command::Remove(options) => remove::run(socket, options, output),
        Command::Get(options) => get::run(socket, options, output),
        Command::Handover => handover::run(socket, output),
        Command::Bypass(options) => bypass::run(socket, options, output),
        Command::SupportBundle(options) => support_bundle::run(socket, options, output),
        Command::Schema(options) => schema::run(options),
        Command::Tune(options) => return tune::run(options, output),
        Command::Import(options) => import::run(options, output),
        Command::Completions(options) => completions::run(options, output),
        Command::Man(options) => man::run(options, output),
    }?;
    Ok(Exit::Done)
}
