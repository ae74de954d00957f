//! The parts of the Python package that say again what the bus declares are made from its source: classes
//! of views, topics, methods that read, exceptions of refusals. Comments come along.
//!
//! The files are committed. `UPDATE_EXPECTED=1` writes them anew; without it they have to be as they
//! would be written.

#![forbid(unsafe_code)]

mod declarations;
mod reads;
mod refusals;
mod topics;
mod types;
mod views;

use std::fs;
use std::path::{Path, PathBuf};

use declarations::Declarations;

/// What every file begins with.
const NOTE: &str = "# Made from the declarations in crates/bus by crates/python/tests/generated;\n\
                    # UPDATE_EXPECTED=1 makes it anew.\n";

/// A file of the package and its text.
type File = (PathBuf, String);

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tidegate")
}

/// A file of this name with the usual beginning.
fn file(name: &str, about: &str, body: &str) -> File {
    (name.into(), format!("{NOTE}\"\"\"{about}\"\"\"\n\n{}\n", body.trim_end()))
}

#[test]
fn the_package_says_what_the_bus_declares() {
    let declarations = Declarations::read();
    let mut files = views::files(&declarations);
    files.push(topics::file(&declarations));
    files.push(reads::file(&declarations, reads::SYNC));
    files.push(reads::file(&declarations, reads::ASYNC));
    files.push(refusals::file(&declarations));
    let bless = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut outdated = Vec::new();
    for (name, text) in files {
        let path = package().join(&name);
        if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            outdated.push(name);
        }
    }
    assert!(outdated.is_empty(), "UPDATE_EXPECTED=1 makes these anew: {outdated:?}");
}
