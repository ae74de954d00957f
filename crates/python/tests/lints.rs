//! mypy's strictest rules and ruff's, on the package, its examples and its tests.

#![forbid(unsafe_code)]

use std::process::Command;

/// The interpreter of the environment that has the package and its tests' needs.
const PYTHON: &str = "TIDEGATE_PYTHON";
/// Where both keep what they found, as the sources are no place for it.
const CACHES: &str = concat!("--cache-dir=", env!("CARGO_TARGET_TMPDIR"));
const SOURCES: [&str; 3] = ["python/tidegate", "tests", "examples"];

/// Runs a module of Python's in a folder.
fn finds_nothing(module: &[&str], folder: &str) {
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("skipped: {PYTHON} is not set; `cargo xtask python` makes it and runs this");
        return;
    };
    let checked = Command::new(python).arg("-m").args(module).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn mypy_finds_nothing() {
    let mypy = ["mypy", "--strict", CACHES];
    finds_nothing(&[&mypy[..], &SOURCES].concat(), env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn ruff_finds_nothing() {
    for words in [&["ruff", "check", "--quiet", CACHES][..], &["ruff", "format", "--check", CACHES]]
    {
        finds_nothing(&[words, &SOURCES].concat(), env!("CARGO_MANIFEST_DIR"));
    }
}

#[test]
fn the_stub_says_what_the_native_part_has() {
    // away from the sources, so that the installed package is looked at
    finds_nothing(&["mypy.stubtest", "tidegate._native"], env!("CARGO_TARGET_TMPDIR"));
}
