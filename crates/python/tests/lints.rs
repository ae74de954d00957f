//! mypy's strictest rules and ruff's, on the package, its examples and its tests.

#![forbid(unsafe_code)]

use std::process::Command;

/// The interpreter of the environment that has the package and its tests' needs.
const PYTHON: &str = "TIDEGATE_PYTHON";
/// Where both keep what they found, as the sources are no place for it.
const CACHES: &str = concat!("--cache-dir=", env!("CARGO_TARGET_TMPDIR"));

fn finds_nothing(tool: &[&str]) {
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("skipped: {PYTHON} is not set; `cargo xtask python` makes it and runs this");
        return;
    };
    let checked = Command::new(python)
        .arg("-m")
        .args(tool)
        .args([CACHES, "python/tidegate", "tests", "examples"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn mypy_finds_nothing() {
    finds_nothing(&["mypy", "--strict"]);
}

#[test]
fn ruff_finds_nothing() {
    finds_nothing(&["ruff", "check", "--quiet"]);
    finds_nothing(&["ruff", "format", "--quiet", "--check"]);
}
