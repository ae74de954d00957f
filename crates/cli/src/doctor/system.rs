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
        let why = "the programs need what later kernels have; the daemon will not start";
        return vec![Finding::new(State::Error, CHECK, what, why).mend("apt full-upgrade")];
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
    let mut needed = vec![("htb", false)];
    if let Some(queues) = patient.queues {
        let leaves = [Some(queues.leaf), queues.fast_leaf.map(|fast| fast.leaf)];
        let kinds = leaves.into_iter().flatten().filter_map(module);
        needed.extend(kinds.map(|kind| (kind, queues.leaf_fallback.is_some())));
        needed.dedup();
    }
    // a daemon that runs has found a way, and tells which
    let is_told = patient.daemon.status().is_some();
    let missing = |(kind, replaced): &(&str, bool)| {
        (patient.seen.qdiscs.get(*kind) == Some(&Known::Is(false))).then(|| {
            let what = format!("the kernel has no {kind} (module sch_{kind})");
            let (state, why) = if *replaced {
                (State::Warning, "circuits get `leaf_fallback` instead")
            } else {
                let why = "traffic is to be queued by it, so the daemon will not start; kernels of \
                           distributions have it, so does linux-image-amd64 of Debian";
                (State::Error, why)
            };
            Finding::new(state, CHECK, what, why).about(kind)
        })
    };
    let missing: Vec<_> = needed.iter().filter(|_| !is_told).filter_map(missing).collect();
    let unknown = needed
        .iter()
        .any(|(kind, _)| patient.seen.qdiscs.get(*kind).is_none_or(|has| has.get().is_none()));
    if !missing.is_empty() || unknown || is_told {
        return missing;
    }
    let kinds: Vec<_> = needed.iter().map(|(kind, _)| *kind).collect();
    vec![Finding::ok(CHECK, format!("the kernel has {}", kinds.join(", ")))]
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
    let why = "each reading asks a slow device, and queues read it for every packet";
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
