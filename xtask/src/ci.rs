//! The checks as an automatic run makes them: no different from a developer's.

use anyhow::Result;

use crate::test;

/// Runs all checks.
///
/// # Errors
/// At the first one that fails.
pub(crate) fn run() -> Result<()> {
    test::run()
}
