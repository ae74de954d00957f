//! Imported installations: what comes out is valid, and what is left behind is named.
//!
//! `UPDATE_EXPECTED=1` writes the expected texts anew.

use std::fs;
use std::path::Path;

use config::{Config, Source, Sources, lqos};

/// Compares with the folder's `expected.txt`.
fn compare(folder: &Path, actual: &str) {
    let file = folder.join("expected.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, actual).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), actual, "{}", folder.display());
}

#[test]
fn imports_are_valid_and_name_what_is_left_behind() {
    for name in ["bridge", "stick", "observe"] {
        let folder = Path::new("../../tests/lqos_import").join(name);
        let import = lqos::import(&folder).unwrap();
        let own = std::path::absolute(&folder).unwrap();
        let mut text = import.toml.replace(&format!("{}/", own.display()), "FOLDER/");
        text.push_str("---\n");
        for note in &import.notes {
            text.push_str(&format!("{note}\n"));
        }
        compare(&folder, &text);
        let sources = Sources {
            settings: Source::new("tidegate.toml", import.toml),
            network: Source::new("network.json", fs::read(import.network).unwrap()),
            devices: Source::new("ShapedDevices.csv", fs::read(import.devices).unwrap()),
        };
        Config::from_sources(&sources).unwrap();
    }
}

#[test]
fn a_file_by_itself_says_where_the_others_are() {
    let import = lqos::import(Path::new("../../tests/lqos_import/bridge/lqos.conf")).unwrap();
    assert_eq!(import.network, Path::new("/opt/shaper/src/network.json"));
    assert_eq!(import.devices, Path::new("/opt/shaper/src/ShapedDevices.csv"));
}

#[test]
fn what_cannot_be_imported_is_refused_with_reasons() {
    let folder = Path::new("../../tests/lqos_import/refused");
    let problems = lqos::import(folder).unwrap_err();
    compare(folder, &problems.to_string().replace(&format!("{}/", folder.display()), ""));
    let missing = lqos::import(Path::new("../../tests/lqos_import/nothing")).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
}
