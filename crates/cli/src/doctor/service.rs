//! The configuration and the daemon.

use bus::ThreadState;
use config::Severity;

use super::finding::{Finding, State};
use super::patient::{DAEMON, Daemon, Patient};

/// Share of a map, in percent, from which on it is too full.
const FULL_PERCENT: u64 = 80;

/// What could not be looked at for want of rights, or as it is not this namespace's.
pub(super) fn rights(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "rights";
    let mut hidden = Vec::new();
    if !patient.is_root {
        hidden.push("who holds programs, and pins".to_owned());
    }
    let seen = patient.seen;
    let of_nics = seen.nics.iter().flat_map(|nic| {
        [
            nic.port.why_not(),
            nic.interrupts.why_not(),
            nic.offloads.why_not(),
            nic.qdiscs.why_not(),
            nic.rps.why_not(),
        ]
    });
    let of_system = [seen.release.why_not(), seen.cpus.why_not(), seen.bpffs.why_not()];
    for why in of_nics.chain(of_system).flatten() {
        let matters = ["ermission", "not permitted", "another network namespace"];
        if matters.iter().any(|it| why.contains(it)) && !hidden.iter().any(|known| known == why) {
            hidden.push(why.to_owned());
        }
    }
    if hidden.is_empty() {
        return Vec::new();
    }
    let what = format!("not looked at: {}", hidden.join("; "));
    vec![
        Finding::new(State::Note, CHECK, what, "only root sees all of it")
            .mend(format!("sudo {}", patient.again(patient.socket))),
    ]
}

/// Whether the configuration is valid.
pub(super) fn configuration(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let mut first = patient.problems.into_iter();
    let errors = patient.problems.errors();
    let is_error = |problem: &&config::Problem| problem.severity == Severity::Error;
    let command = patient.tidegate("check", "");
    if errors > 0 {
        let first = first.find(is_error).map(summary).unwrap_or_default();
        let what = format!("the configuration has {errors} error(s); the first: {first}");
        let why = "the daemon will not start with it, and does not put it in force while it runs";
        return vec![Finding::new(State::Error, CHECK, what, why).mend(command)];
    }
    if let Some(problem) = first.next() {
        let what = format!("the configuration deserves attention: {}", summary(problem));
        let why = "it is valid, but may not mean what it should";
        return vec![Finding::new(State::Note, CHECK, what, why).mend(command)];
    }
    vec![Finding::ok(CHECK, format!("{} and its files are valid", patient.path.display()))]
}

fn summary(problem: &config::Problem) -> String {
    problem.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Whether the daemon answers.
pub(super) fn daemon(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "daemon";
    vec![match patient.daemon {
        Daemon::Answers(status) => {
            let what = format!(
                "the daemon answers (version {}, mode {})",
                status.daemon_version, status.mode
            );
            Finding::ok(CHECK, what)
        }
        Daemon::Silent => silent(patient),
        Daemon::Unknown(why) => {
            let what = format!("the daemon cannot be asked: {why}");
            let finding = Finding::new(State::Note, CHECK, what, "what it says was not looked at");
            if patient.is_root {
                finding.mend(patient.ask("status"))
            } else {
                finding.mend(format!("sudo {}", patient.again(patient.socket)))
            }
        }
    }]
}

/// Nobody listens on its socket: it listens elsewhere, has left all at work, or does not run at all.
fn silent(patient: &Patient<'_>) -> Finding {
    const CHECK: &str = "daemon";
    let holder = patient.seen.holders.values().find(|holder| holder.command == DAEMON);
    if let Some(holder) = holder {
        let (process, socket) = (holder.process, patient.socket.display());
        let what = format!("a daemon runs (process {process}), but does not listen on {socket}");
        let why = "it may be starting still, or listen elsewhere (`socket` under [bus]); what it says was not looked at";
        let command = patient.again(patient.own_socket.unwrap_or(patient.socket));
        return Finding::new(State::Warning, CHECK, what, why).mend(command);
    }
    if !patient.pins.is_empty() {
        let what = "no daemon runs, but all that the last one left is at work".to_owned();
        let why = "traffic passes as that left it, but nobody measures, changes or repairs; the next daemon takes over";
        return Finding::new(State::Warning, "left-over", what, why).mend(patient.start());
    }
    let what = "the daemon does not run".to_owned();
    let why = if patient.is_root {
        "nobody shapes and measures"
    } else {
        "nobody measures; whether the last one has left its programs at work, only root sees"
    };
    Finding::new(State::Warning, CHECK, what, why).mend(patient.start())
}

/// Whether what the files say is in force.
pub(super) fn put_in_force(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "in-force";
    let Some(status) = patient.daemon.status() else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(problem) = &status.config.problem {
        let what = problem.lines().next().unwrap_or_default().to_owned();
        let why = "the last attempt to put something in force failed; what was before still is";
        // what a reload would do now, or all that is wrong
        findings
            .push(Finding::new(State::Error, CHECK, what, why).mend(patient.ask("plan --diff")));
    } else if status.config.files_changed {
        let what = "the files have changed since they were loaded".to_owned();
        let why = "what they say now is not in force";
        findings.push(Finding::new(State::Note, CHECK, what, why).mend(patient.ask("reload")));
    } else if status.bypass {
        let what = "what the files say is loaded, and in force once the bypass is off".to_owned();
        findings.push(Finding::ok(CHECK, what));
    } else {
        findings.push(Finding::ok(CHECK, "what the files say is in force".to_owned()));
    }
    if status.bypass {
        let what = "the bypass is on".to_owned();
        let why = "nothing is shaped or measured";
        let command = patient.ask("bypass off");
        findings.push(Finding::new(State::Warning, "bypass", what, why).mend(command));
    }
    // each ends with what to do about it
    findings.extend(status.warnings.iter().map(|warning| {
        Finding::new(State::Warning, "daemon-says", warning.clone(), "so says the daemon")
    }));
    findings
}

/// Whether the daemon's threads are well.
pub(super) fn threads(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "threads";
    let Some(status) = patient.daemon.status() else { return Vec::new() };
    let ill = |thread: &bus::ThreadView| {
        let (state, what, command) = match thread.state {
            ThreadState::Running => return None,
            ThreadState::Stale => (State::Warning, "is stuck", "handover"),
            ThreadState::BackingOff => {
                (State::Error, "died and waits to be started again", "status")
            }
            ThreadState::Ended => (State::Error, "has ended", "handover"),
        };
        let what = format!("the daemon's thread {} {what}", thread.name);
        let why = "what it measures is out of date; the daemon's log says more";
        let command = patient.ask(command);
        Some(Finding::new(state, CHECK, what, why).about(&thread.name).mend(command))
    };
    let mut findings: Vec<_> = status.threads.iter().filter_map(ill).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("all {} threads are well", status.threads.len())));
    }
    findings
}

/// Whether there is room in the kernel's maps.
pub(super) fn maps(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "maps";
    let Some(status) = patient.daemon.status() else { return Vec::new() };
    let full = status.maps.iter().filter(|map| map.used * 100 > map.capacity * FULL_PERCENT);
    let finding = |map: &bus::MapView| {
        let what = format!("the map {} is full to {} of {}", map.name, map.used, map.capacity);
        let why = "what does not fit is passed all the same, but not measured, or not shaped; raise its limit";
        let command = after_raising(patient, "it under [limits]");
        Finding::new(State::Warning, CHECK, what, why).about(&map.name).mend(command)
    };
    let mut findings: Vec<_> = full.map(finding).collect();
    if findings.is_empty() && !status.maps.is_empty() {
        findings.push(Finding::ok(CHECK, format!("no map is full beyond {FULL_PERCENT} %")));
    }
    findings
}

/// The command that puts in force what is fixed while the daemon runs.
fn after_raising(patient: &Patient<'_>, what: &str) -> String {
    let path = machine::tune::shell_word(&patient.path.to_string_lossy());
    format!("{}  # after raising {what} in {path}", patient.ask("handover"))
}

/// What the daemon had no room for.
pub(super) fn drops(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "drops";
    /// Those that leave to make room, as they should.
    const USUAL: &str = "recent flows";
    let Some(status) = patient.daemon.status() else { return Vec::new() };
    let dropped = status.dropped.iter().filter(|it| it.count > 0 && it.name != USUAL);
    let finding = |it: &bus::CountView| {
        let (what, why, command) = match it.name.as_str() {
            "clients" => (
                format!("{} clients were refused", it.count),
                "all places were taken",
                after_raising(patient, "`clients` under [bus]"),
            ),
            name => (
                format!("the daemon has dropped {} {name}", it.count),
                "they came faster than they were read, or did not fit; figures miss them",
                patient.ask("status"),
            ),
        };
        Finding::new(State::Note, CHECK, what, why).about(&it.name).mend(command)
    };
    let mut findings: Vec<_> = dropped.map(finding).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "the daemon has dropped and refused nothing".to_owned()));
    }
    findings
}

/// Whether the daemon may have as many files open as clients may come.
pub(super) fn open_files(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "open-files";
    let limit = patient.open_files.and_then(machine::Known::get);
    let (Some(status), Some(limit)) = (patient.daemon.status(), limit) else { return Vec::new() };
    let needed = bus::descriptors(status.clients_max);
    match limit {
        Some(limit) if *limit < needed => {
            let what = format!(
                "the daemon may have {limit} files open, for {} clients",
                status.clients_max
            );
            let why = "clients beyond that cannot connect; `LimitNOFILE=` in its unit is what the next one may have";
            let command = format!("prlimit --pid {} --nofile={needed}", status.process);
            vec![Finding::new(State::Warning, CHECK, what, why).mend(command)]
        }
        _ => vec![Finding::ok(CHECK, "the daemon may have enough files open".to_owned())],
    }
}
