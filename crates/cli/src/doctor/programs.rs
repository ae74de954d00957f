//! What others have put where ours belong.

use machine::NicSeen;
use machine::tune::shell_word;
use machine::wire::{Qdisc, XdpProgram};
use units::TcHandle;
use units::ours::{FILTER_PRIORITY, MQ, ONLY_HTB};

use super::finding::{Finding, State};
use super::patient::{DAEMON, Patient};

/// Programs on the NICs.
pub(super) fn programs(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for nic in patient.nics() {
        let xdp = nic.link.get().and_then(|link| link.xdp);
        findings.extend(xdp.and_then(|program| foreign_xdp(patient, nic, program)));
        findings.extend(classifiers(patient, nic));
    }
    if patient.is_root && !findings.iter().any(|finding| finding.state == State::Error) {
        findings.push(Finding::ok(
            "xdp",
            "no XDP program of somebody else's is on the NICs".to_owned(),
        ));
    }
    findings
}

fn foreign_xdp(patient: &Patient<'_>, nic: &NicSeen, program: XdpProgram) -> Option<Finding> {
    const CHECK: &str = "xdp";
    let holder = patient.seen.holders.get(&program.id);
    if holder.is_some_and(|holder| holder.command == DAEMON) {
        return None;
    }
    let attached =
        |it: &bus::StatusView| it.nics.iter().any(|at| at.name == nic.name && at.xdp.is_some());
    if patient.daemon.status().is_some_and(attached) {
        return None;
    }
    // a daemon that is gone leaves its programs, held by pins; only root sees those, and who holds what
    if holder.is_none() && (!patient.pins.is_empty() || !patient.is_root) {
        return None;
    }
    let name = holder.and_then(|holder| holder.program.as_deref());
    let name = name.map_or(String::new(), |name| format!(" {name}"));
    let whose = holder.map_or(String::new(), |holder| {
        format!(", of process {} ({})", holder.process, holder.command)
    });
    let id = program.id;
    let what = format!("{} has somebody else's XDP program{name} (number {id}{whose})", nic.name);
    let why = "a NIC has room for one; the daemon will not start beside it";
    let command = match holder {
        // the kernel lets nobody else take it off
        Some(holder) if holder.by_link => format!("kill {}", holder.process),
        _ => {
            let kind = if program.generic { "xdpgeneric" } else { "xdpdrv" };
            format!("ip link set dev {} {kind} off", shell_word(&nic.name))
        }
    };
    Some(Finding::new(State::Error, CHECK, what, why).about(&nic.name).mend(command))
}

fn classifiers(patient: &Patient<'_>, nic: &NicSeen) -> Option<Finding> {
    let all = nic.classifiers.get()?.iter();
    let foreign: Vec<_> = all.filter(|classifier| classifier.priority != FILTER_PRIORITY).collect();
    let first = foreign.first()?;
    let held = patient.seen.holders.get(&first.id);
    let whose =
        held.map_or(String::new(), |it| format!(", of process {} ({})", it.process, it.command));
    let (way, count) = (if first.ingress { "in" } else { "out" }, foreign.len());
    let what = format!(
        "{} has {count} classifier(s) of somebody else's: {:?} on the way {way}{whose}",
        nic.name, first.name
    );
    let why = "Tidegate lives with it, but it may drop packets, or send them elsewhere";
    let hook = if first.ingress { "ingress" } else { "egress" };
    let command = format!("tc filter show dev {} {hook}", shell_word(&nic.name));
    Some(Finding::new(State::Note, "classifiers", what, why).about(&nic.name).mend(command))
}

/// Queueing disciplines at the roots.
pub(super) fn queues(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "root-qdisc";
    if !patient.shapes() {
        return Vec::new();
    }
    let foreign = |nic: &NicSeen| {
        let root = nic.qdiscs.get()?.iter().find(|qdisc| qdisc.parent == TcHandle::ROOT)?;
        if is_ours_or_nobodys(root) {
            return None;
        }
        let what =
            format!("{} has somebody else's {} ({}) at its root", nic.name, root.kind, root.handle);
        let why = "Tidegate's queues belong there; the daemon will not start";
        let command = format!("tc qdisc del dev {} root", shell_word(&nic.name));
        Some(Finding::new(State::Error, CHECK, what, why).about(&nic.name).mend(command))
    };
    let mut findings: Vec<_> = patient.nics().filter_map(foreign).collect();
    if findings.is_empty() && patient.nics().next().is_some() {
        findings
            .push(Finding::ok(CHECK, "no queues of somebody else's are on the NICs".to_owned()));
    }
    findings
}

/// Whether the kernel has put it there itself, or it is named as ours are.
fn is_ours_or_nobodys(root: &Qdisc) -> bool {
    root.handle.major() == 0
        || (root.kind == "mq" && root.handle == MQ)
        || (root.kind == "htb" && root.handle == ONLY_HTB)
}
