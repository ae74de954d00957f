//! The kernel and what it offers.

use config::Leaf;
use machine::Known;

use super::finding::{Finding, State};
use super::patient::Patient;

/// The kernel's release and what comes with it.
pub(super) fn kernel(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "kernel";
    let Some(release) = patient.seen.release.get() else { return Vec::new() };
    if !release.is_at_least(5, 18) {
        let what = format!("Linux {release} is older than 5.18");
        let why = "the programs need what later kernels have, and the daemon will not start; Debian 12 has 6.1";
        return vec![Finding::new(State::Error, CHECK, what, why)];
    }
    let btf = if patient.seen.btf { "BTF" } else { "no BTF (which nothing here needs)" };
    if release.is_at_least(6, 6) {
        return vec![Finding::ok(CHECK, format!("Linux {release}: TCX, {btf}"))];
    }
    let what = format!("Linux {release} has no TCX, which came with 6.6; {btf}");
    let why = "classifiers hang from clsact instead, which works as well";
    vec![Finding::new(State::Note, CHECK, what, why)]
}

/// The queueing disciplines that are needed.
pub(super) fn qdiscs(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "qdiscs";
    if !patient.shapes() {
        return Vec::new();
    }
    let seen = |kind: &str| patient.seen.qdiscs.get(kind).and_then(Known::get).copied();
    let mut needed = vec![("htb", false)];
    if let Some(queues) = patient.queues {
        let leaves = [Some(queues.leaf), queues.fast_leaf.map(|fast| fast.leaf)];
        let has = |leaf: Leaf| module(leaf).is_none_or(|kind| seen(kind) != Some(false));
        let is_replaced = queues.leaf_fallback.is_some_and(has);
        needed.extend(
            leaves.into_iter().flatten().filter_map(module).map(|kind| (kind, is_replaced)),
        );
        needed.dedup();
    }
    let missing = needed.iter().filter(|(kind, _)| seen(kind) == Some(false));
    let missing = missing.map(|(kind, is_replaced)| missing_qdisc(patient, kind, *is_replaced));
    // a daemon that runs has found a way for the files that it has loaded
    let is_told =
        |finding: &Finding| finding.state == State::Error && patient.daemon.status().is_some();
    let missing: Vec<_> = missing.filter(|finding| !is_told(finding)).collect();
    if !missing.is_empty() || needed.iter().any(|(kind, _)| seen(kind) != Some(true)) {
        return missing;
    }
    let kinds: Vec<_> = needed.iter().map(|(kind, _)| *kind).collect();
    vec![Finding::ok(CHECK, format!("the kernel has {}", kinds.join(", ")))]
}

/// A queueing discipline that the kernel has not. It may have come as a module since this kernel was looked at.
fn missing_qdisc(patient: &Patient<'_>, kind: &str, is_replaced: bool) -> Finding {
    let release = patient.seen.release.get().map_or(String::new(), |it| format!(", Linux {it},"));
    let what = format!("the kernel{release} has no {kind}: the module sch_{kind} is missing");
    let has_fallback = patient.queues.is_some_and(|queues| queues.leaf_fallback.is_some());
    let (state, why) = if is_replaced {
        let why = "circuits get `leaf_fallback` instead; the newest kernel of the distribution has it after a \
                   restart, or name another `leaf` under [queues]";
        (State::Warning, why)
    } else if kind == "htb" {
        (State::Error, "every class is one of HTB's, so the daemon will not start")
    } else if has_fallback {
        let why = "nor has it what `leaf_fallback` names, so the daemon will not start; name a leaf under \
                   [queues] that it has, \"fifo\" say, or restart the machine with a kernel that has it";
        (State::Error, why)
    } else {
        let why = "traffic is to be queued by it, so the daemon will not start; name another `leaf` or a \
                   `leaf_fallback` under [queues], or restart the machine with a kernel that has it";
        (State::Error, why)
    };
    let command =
        format!("modprobe sch_{kind} || apt install linux-image-$(dpkg --print-architecture)");
    Finding::new(state, "qdiscs", what, why).about(kind).mend(command)
}

fn module(leaf: Leaf) -> Option<&'static str> {
    match leaf {
        Leaf::Cake(_) => Some("cake"),
        Leaf::FqCodel => Some("fq_codel"),
        Leaf::Fifo | Leaf::None => None,
    }
}

/// What the clock is read from.
pub(super) fn clock(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "clock";
    const SLOW: [&str; 4] = ["hpet", "acpi_pm", "pit", "jiffies"];
    let Some(source) = patient.seen.clock_source.get() else { return Vec::new() };
    if !SLOW.contains(&source.as_str()) {
        return vec![Finding::ok(CHECK, format!("the clock is read from {source}"))];
    }
    let what = format!("the clock is read from {source}");
    let why = "each reading asks a slow device, and queues read it for every packet; `clocksource=tsc` on the kernel's command line keeps it from the machine's start on";
    let finding = Finding::new(State::Warning, CHECK, what, why);
    let others = patient.seen.clock_sources.get();
    let tsc = others.is_some_and(|others| others.split(' ').any(|other| other == "tsc"));
    let at = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    vec![if tsc {
        finding.mend(format!("echo tsc > {at}"))
    } else {
        finding.mend("dmesg | grep -i tsc")
    }]
}

/// The BPF filesystem that pins lie on.
pub(super) fn bpffs(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "bpffs";
    let (Some(folder), Some(mounts)) = (patient.pins_folder, patient.seen.bpffs.get()) else {
        return Vec::new();
    };
    if mounts.iter().any(|at| folder.starts_with(at)) {
        let what = format!("{} lies on a BPF filesystem", folder.display());
        return vec![Finding::ok(CHECK, what)];
    }
    let what = format!("{} lies on no BPF filesystem", folder.display());
    let why = "programs are pinned there, so that traffic stays shaped without the daemon; it will not start";
    let at = folder.parent().unwrap_or(folder).to_string_lossy();
    let at = machine::tune::shell_word(&at);
    vec![
        Finding::new(State::Error, CHECK, what, why)
            .mend(format!("mkdir -p {at} && mount -t bpf bpf {at}")),
    ]
}

/// How much memory may be locked.
pub(super) fn memlock(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "memlock";
    let (Some(release), Some(limit)) = (patient.seen.release.get(), patient.seen.memlock.get())
    else {
        return Vec::new();
    };
    match limit {
        Some(bytes) if !release.is_at_least(5, 11) => {
            let what = format!("{} MiB may be locked", bytes >> 20);
            let why = "before Linux 5.11 that is the limit of all maps";
            vec![Finding::new(State::Warning, CHECK, what, why).mend("ulimit -l unlimited")]
        }
        _ => vec![Finding::ok(CHECK, "no limit on locked memory is in the maps' way".to_owned())],
    }
}
