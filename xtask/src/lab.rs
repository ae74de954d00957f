//! A lab to look around in.

use std::io::stdin;
use std::net::IpAddr;

use anyhow::{Context, Result};
use testkit::{Forwarding, Lab, LabSpec, Place};

/// What to build.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Addresses on the customers' side.
    #[arg(long, value_delimiter = ',', default_value = "100.64.1.10,2001:db8:1:10::1")]
    customers: Vec<IpAddr>,
    /// Queues of each NIC.
    #[arg(long, default_value_t = 2)]
    queues: u16,
    /// Leave the box without a bridge.
    #[arg(long)]
    no_bridge: bool,
}

/// Brings the lab up, says how to look around in it, and takes it away at the end.
///
/// # Errors
/// When the lab cannot be built.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let lab = Lab::new(&LabSpec {
        queues: arguments.queues,
        forwarding: if arguments.no_bridge { Forwarding::None } else { Forwarding::Bridge },
        ..LabSpec::new(arguments.customers.iter().copied())
    })?;
    for place in [Place::Customers, Place::Box, Place::Internet] {
        println!("ip netns exec {} bash", lab.namespace(place).name());
    }
    println!("servers: {} and {}", lab.server4(), lab.server6());
    println!(
        "a BPF filesystem, for `pins = \"{0}/tidegate\"` in [files]: {0}",
        lab.bpffs().display()
    );
    println!("Enter takes the lab away.");
    stdin().read_line(&mut String::new()).context("could not read the terminal")?;
    Ok(())
}
