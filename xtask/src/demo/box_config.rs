//! The example's configuration, copied into the lab with the lab's own socket and pins.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The configuration that the daemon of the lab reads.
pub(super) struct BoxConfig {
    /// Its tidegate.toml.
    pub(super) path: PathBuf,
    /// The daemon's socket.
    pub(super) socket: PathBuf,
}

impl BoxConfig {
    /// Copies the example and adds what is the lab's own.
    pub(super) fn write(example: &Path, folder: &Path, bpffs: &Path) -> Result<Self> {
        let folder = folder.join("config");
        fs::create_dir(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        for name in ["network.json", "ShapedDevices.csv"] {
            let (from, to) = (example.join(name), folder.join(name));
            fs::copy(&from, to).with_context(|| format!("could not copy {}", from.display()))?;
        }
        let from = example.join("tidegate.toml");
        let text = fs::read_to_string(&from)
            .with_context(|| format!("could not read {}", from.display()))?;
        let path = folder.join("tidegate.toml");
        let socket = folder.join("bus.sock");
        fs::write(&path, with_own_places(&text, &socket, &bpffs.join("tidegate")))
            .with_context(|| format!("could not write {}", path.display()))?;
        Ok(Self { path, socket })
    }
}

/// The example has no sections of this name: they would name the machine's own places.
fn with_own_places(example: &str, socket: &Path, pins: &Path) -> String {
    format!(
        "{example}\n[files]\npins = \"{}\"\n\n[bus]\nsocket = \"{}\"\n\n[log]\naudit = \"off\"\n",
        pins.display(),
        socket.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step;

    #[test]
    fn the_shipped_example_validates_with_a_labs_places() {
        let example = step::root().join("config/example");
        let folder = std::env::temp_dir().join(format!("xtask-box-config-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let written = BoxConfig::write(&example, &folder, Path::new("/x/bpf"));
        let loaded = written.map(|written| (config::Config::load(&written.path), written));
        fs::remove_dir_all(&folder).unwrap();
        let (loaded, written) = loaded.unwrap();
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.config.bus.socket, written.socket);
        assert_eq!(loaded.config.files.pins, Path::new("/x/bpf/tidegate"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    }
}
