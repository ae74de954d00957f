//! The tests of the package `kernel`, on a kernel that they are not developed on: packets through the
//! programs, attaching and taking over, flows, queues with all their statistics.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::run;

use crate::findings::Findings;
use crate::stage::Programs;

/// How long one program of tests may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs them one after the other.
pub(crate) fn run_all(programs: &Programs, findings: &mut Findings) -> Result<()> {
    for tests in &programs.tests {
        let name = name(tests);
        let output = run(Command::new(tests).arg("--nocapture"), DEADLINE)?;
        let told = || output.stdout.lines();
        let passed = told().find_map(passed).with_context(|| format!("{name} told no result"))?;
        findings.measured(name.clone(), passed, "tests passed");
        told().filter(|line| line.starts_with("skipped")).for_each(|line| findings.found(line));
        findings.expect(output.status.success(), || {
            eprintln!("{output}");
            let failed = told().filter(|line| line.ends_with("FAILED"));
            format!("{name}: {}", failed.collect::<Vec<_>>().join(", "))
        });
    }
    Ok(())
}

/// `packets-0123456789abcdef` are the tests `packets`.
fn name(tests: &Path) -> String {
    let file = tests.file_name().unwrap_or_default().to_string_lossy();
    file.rsplit_once('-').map_or(file.as_ref(), |(name, _)| name).to_owned()
}

/// `test result: ok. 5 passed; ...`
fn passed(line: &str) -> Option<f64> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    rest.split(' ').next()?.parse().ok()
}
