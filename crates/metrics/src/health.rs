//! The daemon's health.

use bus::{CountView, StatusView, ThreadState};

use crate::page::{Kind, Page};

pub(super) fn write(page: &mut Page, status: &StatusView) {
    page.family(Kind::Info, "build", "The daemon and the kernel that run", |samples| {
        samples.add(
            &[("version", &*status.daemon_version), ("kernel", &*status.kernel_release)],
            1_u64,
        );
    });
    gauge(page, "uptime_seconds", "Time since the daemon started", status.uptime_ms as f64 / 1e3);
    configuration(page, status);
    let help = "1 while everything passes unshaped and unmeasured";
    gauge(page, "bypass", help, f64::from(u8::from(status.bypass)));
    gauge(page, "clients", "Clients connected to the bus", status.clients.into());
    gauge(page, "clients_max", "Clients that may be connected", status.clients_max.into());
    gauge(page, "captures", "Captures under way", status.captures.into());
    gauge(page, "warnings", "Warnings in the status", status.warnings.len() as f64);
    threads(page, status);
    page.family(Kind::Gauge, "map_entries", "Entries in a table", |samples| {
        status.maps.iter().for_each(|map| samples.add(&[("map", &*map.name)], map.used));
    });
    page.family(Kind::Gauge, "map_entries_max", "Entries that fit into a table", |samples| {
        status.maps.iter().for_each(|map| samples.add(&[("map", &*map.name)], map.capacity));
    });
    counters(
        page,
        "internal_drops",
        "What found no room in a queue of the daemon's own",
        "queue",
        &status.dropped,
    );
    page.family(
        Kind::Gauge,
        "cpu_busy_ratio",
        "Share of a CPU's time that is not idle",
        |samples| {
            for it in &status.cpus {
                samples.add(&[("cpu", &it.cpu.to_string())], f64::from(it.busy_percent) / 100.0);
            }
        },
    );
    let help = "Share of a CPU's time in softirqs, where packets are forwarded";
    page.family(Kind::Gauge, "cpu_softirq_ratio", help, |samples| {
        for it in &status.cpus {
            samples.add(&[("cpu", &it.cpu.to_string())], f64::from(it.softirq_percent) / 100.0);
        }
    });
}

fn gauge(page: &mut Page, name: &str, help: &str, value: f64) {
    page.family(Kind::Gauge, name, help, |samples| samples.add(&[], value));
}

fn configuration(page: &mut Page, status: &StatusView) {
    let config = &status.config;
    let help = "Number of the configuration in force, counted since the daemon started";
    page.family(Kind::Gauge, "configuration_generation", help, |samples| {
        samples.add(&[], config.generation);
    });
    let help = "Time since the configuration in force was loaded";
    gauge(page, "configuration_age_seconds", help, config.loaded_ms_ago as f64 / 1e3);
    let help =
        "1 while another configuration could not be loaded or the kernel is not as it should be";
    page.family(Kind::Gauge, "configuration_problem", help, |samples| {
        samples.add(&[], config.problem.is_some());
    });
    let help = "1 while the files are others than those in force";
    page.family(Kind::Gauge, "configuration_files_changed", help, |samples| {
        samples.add(&[], config.files_changed);
    });
    gauge(page, "circuits", "Circuits in the configuration", status.circuits.into());
    let help = "Circuits that have no class for want of traffic";
    gauge(page, "circuits_asleep", help, status.asleep.unwrap_or(0).into());
    gauge(page, "nodes", "Nodes in the configuration", status.nodes.into());
}

fn threads(page: &mut Page, status: &StatusView) {
    page.family(Kind::Gauge, "thread_up", "1 while a thread's heartbeat is in time", |samples| {
        for thread in &status.threads {
            let is_up = thread.state == ThreadState::Running;
            samples.add(&[("thread", &*thread.name)], is_up);
        }
    });
    let help = "Time since a thread's last heartbeat";
    page.family(Kind::Gauge, "thread_heartbeat_age_seconds", help, |samples| {
        for thread in &status.threads {
            let age = thread.heartbeat_age_ms as f64 / 1e3;
            samples.add(&[("thread", &*thread.name)], age);
        }
    });
    page.family(Kind::Counter, "thread_restarts", "Times a thread was started again", |samples| {
        for thread in &status.threads {
            samples.add(&[("thread", &*thread.name)], thread.restarts);
        }
    });
}

/// Counters that are told apart by one label.
pub(super) fn counters(
    page: &mut Page,
    name: &str,
    help: &str,
    label: &'static str,
    counts: &[CountView],
) {
    page.family(Kind::Counter, name, help, |samples| {
        counts.iter().for_each(|it| samples.add(&[(label, &*it.name)], it.count));
    });
}
