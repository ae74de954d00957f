//! On what was measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// Processor, kernel and compiler in one line.
pub(crate) fn heading() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cpus = available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    format!("{model}, {cpus} CPUs; Linux {}; {}, {build}", kernel.trim(), compiler())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output().ok();
    output.filter(|output| output.status.success()).map_or("rustc unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}
