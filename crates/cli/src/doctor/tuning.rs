//! What `tidegate tune` would set, told as findings: one decision for both.

use machine::Seen;
use machine::tune::{Change, Setting, changes};

use super::finding::{Finding, State};
use super::patient::{Patient, wanted};

/// What belongs together, and how bad it is.
struct Topic {
    check: &'static str,
    state: State,
    /// What it says when nothing is to change.
    ok: &'static str,
    /// Whether anything of it could be read.
    known: fn(&Seen) -> bool,
    /// Whether a change belongs to it.
    holds: fn(&Setting) -> bool,
}

const TOPICS: [Topic; 8] = [
    Topic {
        check: "lro",
        state: State::Error,
        ok: "no NIC joins packets into ones that cannot be forwarded",
        known: |seen| seen.nics.iter().any(|nic| nic.offloads.get().is_some()),
        holds: |it| matches!(it, Setting::Offload { offload, .. } if offload == "rx-lro"),
    },
    Topic {
        check: "offloads",
        state: State::Warning,
        ok: "the other offloads suit a shaper",
        known: |seen| seen.nics.iter().any(|nic| nic.offloads.get().is_some()),
        holds: |it| matches!(it, Setting::Offload { offload, .. } if offload != "rx-lro"),
    },
    Topic {
        check: "channels",
        state: State::Warning,
        ok: "NICs have as many queues as CPUs are in use",
        known: |seen| seen.nics.iter().any(|nic| nic.channels.get().is_some()),
        holds: |it| matches!(it, Setting::Channels { .. }),
    },
    Topic {
        check: "interrupts",
        state: State::Warning,
        ok: "queues are served by the CPUs that the plan binds them to, by their interrupts",
        known: |seen| seen.nics.iter().any(|nic| nic.interrupts.get().is_some()),
        holds: |it| matches!(it, Setting::Interrupt { .. }),
    },
    Topic {
        check: "rps",
        state: State::Warning,
        ok: "nothing moves packets that arrived to other CPUs",
        known: |seen| seen.nics.iter().any(|nic| nic.rps.get().is_some()),
        holds: |it| matches!(it, Setting::Rps { .. }),
    },
    Topic {
        check: "rings",
        state: State::Note,
        ok: "rings are as large as they are of use",
        known: |seen| seen.nics.iter().any(|nic| nic.rings.get().is_some()),
        holds: |it| matches!(it, Setting::Ring { .. }),
    },
    Topic {
        check: "governor",
        state: State::Note,
        ok: "no CPU in use has to speed up first",
        known: |seen| !seen.governors.is_empty(),
        holds: |it| matches!(it, Setting::Governor { .. }),
    },
    Topic {
        check: "sysctls",
        state: State::Note,
        ok: "CPUs may take enough packets in one turn",
        known: |seen| {
            seen.sysctls
                .iter()
                .any(|(name, value)| name.contains("netdev") && value.get().is_some())
        },
        holds: |it| matches!(it, Setting::Sysctl { .. }),
    },
];

/// What is not tuned, and who would undo it.
pub(super) fn all(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(interfaces) = patient.interfaces else { return Vec::new() };
    if patient.nics().next().is_none() {
        return Vec::new();
    }
    let count = patient.queues.and_then(|queues| queues.count);
    let changes = changes(patient.seen, &wanted(interfaces, count));
    let mut findings: Vec<_> =
        TOPICS.iter().flat_map(|topic| topic_findings(topic, &changes, patient)).collect();
    findings.extend(irqbalance(patient));
    findings.extend(backlog(patient));
    findings
}

fn topic_findings(topic: &Topic, changes: &[Change], patient: &Patient<'_>) -> Vec<Finding> {
    let own: Vec<_> = changes.iter().filter(|change| (topic.holds)(&change.setting)).collect();
    if own.is_empty() {
        let known = (topic.known)(patient.seen);
        return known.then(|| Finding::ok(topic.check, topic.ok.to_owned())).into_iter().collect();
    }
    let tune = patient.tidegate("tune", " --apply");
    // those of one NIC with one reason, in their order
    let mut groups: Vec<(Option<&str>, Vec<&Change>)> = Vec::new();
    for change in own {
        let nic = change.setting.nic();
        match groups.last_mut() {
            Some((of, group)) if *of == nic && group[0].why == change.why => group.push(change),
            _ => groups.push((nic, vec![change])),
        }
    }
    let finding = |(nic, group): (Option<&str>, Vec<&Change>)| {
        let first = group[0];
        let mut what = format!("{}: {} instead of {}", first.setting, first.now, first.wanted);
        if group.len() > 1 {
            what.push_str(&format!("; {} settings like it", group.len()));
        }
        let finding = Finding::new(topic.state, topic.check, what, first.why).mend(tune.clone());
        match nic {
            Some(nic) => finding.about(nic),
            None => finding,
        }
    };
    groups.into_iter().map(finding).collect()
}

/// Who moves interrupts about.
fn irqbalance(patient: &Patient<'_>) -> Option<Finding> {
    const CHECK: &str = "irqbalance";
    let has_interrupts =
        |nic: &machine::NicSeen| nic.interrupts.get().is_some_and(|all| !all.is_empty());
    let Some(process) = patient.seen.irqbalance else {
        return Some(Finding::ok(CHECK, "irqbalance does not run".to_owned()));
    };
    let state = if patient.nics().any(has_interrupts) { State::Warning } else { State::Note };
    let what = format!("irqbalance runs (process {process})");
    let why = "it moves the queues' interrupts away from the CPUs that the plan binds them to";
    Some(Finding::new(state, CHECK, what, why).mend("systemctl disable --now irqbalance"))
}

/// Packets that CPUs had no room for.
fn backlog(patient: &Patient<'_>) -> Option<Finding> {
    const CHECK: &str = "backlog";
    let (dropped, squeezed) = *patient.seen.softnet.get()?;
    if dropped == 0 {
        let what = format!("no CPU has dropped packets; {squeezed} turns ended with packets left");
        return Some(Finding::ok(CHECK, what));
    }
    let what = format!("CPUs have dropped {dropped} packets since the machine started");
    let why =
        "their backlog was full; if the number grows, net.core.netdev_max_backlog is too small";
    Some(Finding::new(State::Note, CHECK, what, why).mend("cat /proc/net/softnet_stat"))
}
