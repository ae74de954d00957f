//! Every check there is, the cheapest first; the test runner's summary comes last.

use anyhow::Result;

use crate::{setup, step, tidy};

/// Runs all checks.
///
/// # Errors
/// At the first one that fails.
pub(crate) fn run() -> Result<()> {
    setup::run()?;
    tidy::run()?;
    let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step::run(step::cargo().args(["fmt", "--all", "--check"]))?;
    step::run(step::cargo().args(lints))?;
    step::run(step::cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    step::run(step::cargo().args(["nextest", "run", "--workspace", "--locked"]))
}
