//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use bus::Exit;
use clap::{Args, Parser, Subcommand};

use crate::commands::{
    bypass, capture, check, circuits, completions, doctor, events, flows, get, hosts, import, man,
    origins, plan, reload, remove, retransmits, rtt, schema, set, support_bundle, top, tree, tune,
    unknown,
};

/// Looks at and steers Tidegate, a traffic shaper for Internet providers.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = Exit::help(), max_term_width = 100)]
pub(crate) struct Arguments {
    /// The daemon's socket.
    #[arg(long, global = true, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,

    /// Write JSON for programs: one value, or with --watch one a line; errors too, on the standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch the box live, all of it, with keys and mouse.
    Top(top::Options),
    /// Show the daemon and the box as a whole.
    Status(Watch),
    /// Show the tree of nodes with what flows through each.
    Tree(tree::Options),
    /// Show circuits: plan, rates, share of the plan, drops, RTT.
    Circuits(circuits::Options),
    /// Show the hardware transmit queues.
    Queues(Watch),
    /// Show hosts that no device covers: their traffic is not shaped.
    Unknown(unknown::Options),
    /// Show flows: who speaks with whom, how fast, with which RTT.
    Flows(flows::Options),
    /// Show hosts on the customers' side: what their flows add up to.
    Hosts(hosts::Options),
    /// Show the networks or countries that customers speak with.
    Origins(origins::Options),
    /// Show RTTs: percentiles of the box, of nodes or of circuits.
    Rtt(rtt::Options),
    /// Show TCP segments that were sent again.
    Retransmits(retransmits::Options),
    /// Show what happened, and who brought it about.
    Events(events::Options),
    /// Capture the headers of a circuit's or a host's packets as pcapng.
    Capture(capture::Options),
    /// Check the configuration files, without the daemon.
    Check(check::Options),
    /// Look at the whole box and tell what is wrong: machine, NICs, configuration, daemon.
    Doctor(doctor::Options),
    /// Show the plan in force, or the one that the files give for a machine.
    Plan(plan::Options),
    /// Have the daemon read its configuration again and put it in force.
    Reload(reload::Options),
    /// Change the configuration's files and put that in force.
    Set(set::Options),
    /// Take circuits out of the configuration's files and put that in force.
    Remove(remove::Options),
    /// Print the configuration's files that are in force.
    Get(get::Options),
    /// Have the daemon make way for the program that lies now where it was started from, as after an
    /// upgrade. Traffic goes on.
    Handover,
    /// Pass everything unshaped, or shape again.
    Bypass(bypass::Options),
    /// Gather what whoever helps has to see into one file.
    SupportBundle(support_bundle::Options),
    /// Print what --json writes, as JSON Schema.
    Schema(schema::Options),
    /// Show how NICs, CPUs and kernel should be set for shaping, and with --apply set them.
    Tune(tune::Options),
    /// Make a tidegate.toml from another program's installation.
    Import(import::Options),
    /// Print what completes this command line in a shell.
    Completions(completions::Options),
    /// Write the manual: one page a command, and the daemon's.
    Man(man::Options),
}

/// Whether a command line that is wrong asks for JSON all the same.
pub(crate) fn ask_for_json(words: impl Iterator<Item = OsString>) -> bool {
    let mut options = words.take_while(|word| word != "--");
    options.any(|word| word == "--json")
}

/// Once, or again and again.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Show it again each second, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}

/// Where the daemon listens unless it is told.
pub(crate) const DEFAULT_SOCKET: &str = "/run/tidegate/bus.sock";

/// Where the configuration is unless it is told.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/tidegate/tidegate.toml";

/// Which configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The settings; they name the other files.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
