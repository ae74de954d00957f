//! How packets get from one NIC to the other.

use config::Mode;
use machine::tune::shell_word;
use machine::{BridgePort, NicSeen};

use super::finding::{Finding, State};
use super::patient::Patient;

const CHECK: &str = "bridge";
/// What nobody's bridge is called before there is one.
const NEW_BRIDGE: &str = "br0";
/// A port that forwards.
const FORWARDING: u64 = 3;

/// Whether the NICs are in the bridge that the mode needs, or in none.
pub(super) fn bridge(patient: &Patient<'_>) -> Vec<Finding> {
    let known = |nic: &NicSeen| Some((nic.name.clone(), nic.port.get()?.clone()));
    let ports: Vec<(String, Option<BridgePort>)> = patient.nics().filter_map(known).collect();
    match patient.mode() {
        Some(Mode::Bridge | Mode::Observe) if ports.len() == 2 => bridged(&ports),
        Some(Mode::XdpBridge | Mode::Stick { .. }) => unbridged(&ports),
        _ => Vec::new(),
    }
}

fn bridged(ports: &[(String, Option<BridgePort>)]) -> Vec<Finding> {
    let bridges: Vec<_> = ports.iter().filter_map(|(_, port)| port.as_ref()).collect();
    let nothing = "nothing is forwarded between the NICs";
    let Some(first) = bridges.first() else {
        let (one, other) = (shell_word(&ports[0].0), shell_word(&ports[1].0));
        let what = format!("{} and {} are in no bridge", ports[0].0, ports[1].0);
        let command = format!(
            "ip link add {NEW_BRIDGE} type bridge && ip link set dev {one} master {NEW_BRIDGE} && \
             ip link set dev {other} master {NEW_BRIDGE} && ip link set dev {NEW_BRIDGE} up"
        );
        return vec![Finding::new(State::Error, CHECK, what, nothing).mend(command)];
    };
    let mut findings = Vec::new();
    for (name, port) in ports {
        let wrong = match port {
            None => format!("{name} is in no bridge"),
            Some(port) if port.bridge != first.bridge => {
                format!("{name} is in {}, another bridge than {}", port.bridge, first.bridge)
            }
            Some(port) => {
                findings.extend(port_state(name, port));
                continue;
            }
        };
        let command =
            format!("ip link set dev {} master {}", shell_word(name), shell_word(&first.bridge));
        findings.push(Finding::new(State::Error, CHECK, wrong, nothing).about(name).mend(command));
    }
    if !first.bridge_up {
        let what = format!("the bridge {} is down", first.bridge);
        let command = format!("ip link set dev {} up", shell_word(&first.bridge));
        findings.push(Finding::new(State::Error, CHECK, what, nothing).mend(command));
    } else if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("{} forwards between both NICs", first.bridge)));
    }
    findings
}

fn port_state(name: &str, port: &BridgePort) -> Option<Finding> {
    if port.state == FORWARDING || !port.bridge_up {
        return None;
    }
    let state = match port.state {
        0 => "disabled",
        1 => "listening",
        2 => "learning",
        _ => "blocking",
    };
    let what = format!("{} is {state} in {}", name, port.bridge);
    let finding = if port.stp {
        let why = "its spanning tree protocol keeps packets from passing; between two NICs there is no loop to avoid";
        let command =
            format!("ip link set dev {} type bridge stp_state 0", shell_word(&port.bridge));
        Finding::new(State::Error, CHECK, what, why).mend(command)
    } else {
        let why = "no packet passes; a port without carrier is disabled, one that was just added soon forwards";
        Finding::new(State::Warning, CHECK, what, why).mend("bridge link")
    };
    Some(finding.about(name))
}

fn unbridged(ports: &[(String, Option<BridgePort>)]) -> Vec<Finding> {
    let ports_in = ports.iter().filter_map(|(name, port)| Some((name, port.as_ref()?)));
    let found = ports_in.map(|(name, port)| {
        let what = format!("{name} is in the bridge {}", port.bridge);
        let why = "which sees none of its packets: in this mode Tidegate forwards them itself";
        let command = format!("ip link set dev {} nomaster", shell_word(name));
        Finding::new(State::Warning, CHECK, what, why).about(name).mend(command)
    });
    let mut findings: Vec<_> = found.collect();
    if findings.is_empty() && !ports.is_empty() {
        findings.push(Finding::ok(CHECK, "no bridge is in the way".to_owned()));
    }
    findings
}

/// Whether bridged packets go through the firewall.
pub(super) fn netfilter(patient: &Patient<'_>) -> Vec<Finding> {
    if !matches!(patient.mode(), Some(Mode::Bridge | Mode::Observe)) {
        return Vec::new();
    }
    let sysctls = patient.seen.sysctls.iter();
    let on =
        sysctls.filter(|(name, value)| name.contains("bridge-nf-call") && value.get() == Some(&1));
    let on: Vec<_> = on.map(|(name, _)| name.as_str()).collect();
    if on.is_empty() {
        return vec![Finding::ok("netfilter", "bridged packets pass by the firewall".to_owned())];
    }
    let what = format!("bridged packets go through the firewall ({})", on.join(", "));
    let why = "its rules and connection tracking take CPU for each packet, and may drop some";
    let set: Vec<_> = on.iter().map(|name| format!("{name}=0")).collect();
    vec![
        Finding::new(State::Warning, "netfilter", what, why)
            .mend(format!("sysctl -w {}", set.join(" "))),
    ]
}
