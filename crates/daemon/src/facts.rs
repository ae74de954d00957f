//! What the machine offers, as the plan takes it.

use config::{Interfaces, Mode};
use kernel::tc::{ProbeError, probe_qdiscs};
use machine::nic::{self, NicError, NicInfo};
use plan::{Facts, NicFacts};

/// What the machine offers, and what about it deserves a warning.
#[derive(Debug)]
pub struct Machine {
    /// For the plan.
    pub facts: Facts,
    /// For the operator.
    pub warnings: Vec<String>,
}

/// Why the machine's facts are not known.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A NIC is missing or unreadable.
    #[error(transparent)]
    Nic(#[from] NicError),
    /// Both NICs are missing.
    #[error(
        "there are no network interfaces {customers:?} and {internet:?}; there are {}",
        .existing.join(", ")
    )]
    NoNics {
        /// The one towards the customers.
        customers: String,
        /// The one towards the Internet.
        internet: String,
        /// Those that exist.
        existing: Vec<String>,
    },
    /// The kernel did not say which queueing disciplines it has.
    #[error("could not find out which queueing disciplines the kernel has")]
    Probe(#[from] ProbeError),
}

/// Reads the machine's facts.
///
/// # Errors
/// When a NIC is missing, or the kernel refuses to tell.
pub fn read(interfaces: &Interfaces) -> Result<Machine, FactsError> {
    let Nics { customers, internet, warnings } = nics(interfaces)?;
    let (cpus, qdiscs) = (nic::online_cpus()?, probe_qdiscs()?);
    Ok(Machine { facts: Facts { customers, internet, cpus, qdiscs }, warnings })
}

/// What the NICs are.
#[derive(Debug)]
pub struct Nics {
    /// Towards the customers.
    pub customers: NicFacts,
    /// Towards the Internet.
    pub internet: NicFacts,
    /// For the operator.
    pub warnings: Vec<String>,
}

/// Reads what the NICs are.
///
/// # Errors
/// When one is missing, or the kernel refuses to tell.
pub fn nics(interfaces: &Interfaces) -> Result<Nics, FactsError> {
    let (customers, internet) =
        match (nic::nic(&interfaces.customers), nic::nic(&interfaces.internet)) {
            (
                Err(NicError::Missing { name: customers, existing }),
                Err(NicError::Missing { name: internet, .. }),
            ) if customers != internet => {
                return Err(FactsError::NoNics { customers, internet, existing });
            }
            (customers, internet) => (customers?, internet?),
        };
    let warnings = warnings(interfaces.mode, &customers, &internet);
    Ok(Nics { customers: nic_facts(customers), internet: nic_facts(internet), warnings })
}

fn nic_facts(nic: NicInfo) -> NicFacts {
    NicFacts {
        name: nic.name,
        ifindex: nic.ifindex,
        tx_queues: nic.tx_queues,
        rx_queues: nic.rx_queues,
        mtu: nic.mtu,
    }
}

fn warnings(mode: Mode, customers: &NicInfo, internet: &NicInfo) -> Vec<String> {
    let mut warnings = Vec::new();
    let bridged = customers.master.is_some() && customers.master == internet.master;
    match mode {
        Mode::Bridge | Mode::Observe if !bridged => {
            let port = |nic: &NicInfo| (nic.name.clone(), nic::master_name(&nic.name));
            warnings.push(unbridged(port(customers), port(internet)));
        }
        Mode::XdpBridge | Mode::Stick { .. } => {
            for nic in [customers, internet] {
                if nic.master.is_some() {
                    warnings.push(format!(
                        "{} is a port of a bridge, which will see none of its packets: Tidegate \
                         forwards them itself",
                        nic.name
                    ));
                }
            }
            warnings.dedup();
        }
        _ => {}
    }
    if customers.mtu != internet.mtu {
        warnings.push(format!(
            "{} takes packets of {} bytes and {} of {}: larger ones are lost between them; give \
             both the same MTU (`ip link set dev NAME mtu BYTES`)",
            customers.name, customers.mtu, internet.name, internet.mtu
        ));
    }
    for nic in [customers, internet] {
        if !nic.up {
            warnings.push(format!("{0} is down: `ip link set dev {0} up`", nic.name));
        } else if !nic.carrier {
            warnings.push(format!("{} has no carrier: check its cable", nic.name));
        }
        if nic::large_receive_offload(&nic.name).unwrap_or(false) {
            warnings.push(format!(
                "{} merges packets in hardware, which breaks forwarding; turn it off with \
                 `ethtool -K {} lro off`",
                nic.name, nic.name
            ));
        }
    }
    warnings
}

/// What is said of two NICs, each with what it is a port of, that are not in one bridge.
fn unbridged(customers: (String, Option<String>), internet: (String, Option<String>)) -> String {
    let (outside, inside, bridge) = match (customers, internet) {
        ((inside, Some(bridge)), (outside, _)) | ((outside, None), (inside, Some(bridge))) => {
            (outside, inside, bridge)
        }
        ((customers, None), (internet, None)) => {
            return format!(
                "{customers} and {internet} are in no bridge, so nothing is forwarded between them; \
                 make both ports of one (`ip link set dev NAME master BRIDGE`), or use mode = \
                 \"xdp-bridge\""
            );
        }
    };
    format!(
        "{outside} is no port of {bridge}, as {inside} is, so nothing is forwarded between them; add it \
         (`ip link set dev {outside} master {bridge}`), or use mode = \"xdp-bridge\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nic_that_is_in_no_bridge_is_named_with_the_bridge_that_there_is() {
        let told = |customers: Option<&str>, internet: Option<&str>| {
            let port =
                |name: &str, bridge: Option<&str>| (name.to_owned(), bridge.map(str::to_owned));
            unbridged(port("customers0", customers), port("internet0", internet))
        };
        let command = "`ip link set dev internet0 master br-lan`";
        assert!(told(Some("br-lan"), None).contains(command));
        assert!(told(Some("br-lan"), Some("br1")).contains(command));
        let other = told(None, Some("br-lan"));
        assert!(other.contains("`ip link set dev customers0 master br-lan`"), "{other}");
        assert!(told(None, None).starts_with("customers0 and internet0 are in no bridge"));
    }
}
