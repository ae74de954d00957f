//! Every check there is, the cheapest first; the test runner's summary comes last.

use anyhow::{Context, Result};

use crate::{dist, python, setup, step, tidy, vm};

/// Runs all checks.
///
/// # Errors
/// At the first one that fails.
pub(crate) fn run() -> Result<()> {
    setup::run_for_all()?;
    tidy::run()?;
    let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step::run(step::cargo().args(["fmt", "--all", "--check"]))?;
    step::run(step::cargo().args(lints))?;
    step::run(step::cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    dist::run(&dist::Arguments { is_tried: true })?;
    let mut tests = step::cargo();
    python::provide(tests.args(["nextest", "run", "--workspace", "--locked"]))?;
    // not at the same time as the tests, as both measure; and not behind them, as theirs is the last word
    let in_vm = vm::run(&vm::Arguments::default());
    if let Err(error) = &in_vm {
        eprintln!("error: {error:#}");
    }
    step::run(&mut tests)?;
    in_vm.context("the tests passed, but not the VM lab")
}
