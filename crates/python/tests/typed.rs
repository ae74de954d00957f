//! mypy's strictest rules, on the package, its examples and its tests.

#![forbid(unsafe_code)]

use std::process::Command;

/// The interpreter of the environment that has the package and its tests' needs.
const PYTHON: &str = "TIDEGATE_PYTHON";

#[test]
fn mypy_finds_nothing() {
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("skipped: {PYTHON} is not set; `cargo xtask python` makes it and runs this");
        return;
    };
    let checked = Command::new(python)
        .args([
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/mypy"),
        ])
        .args(["python/tidegate", "tests", "examples"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}
