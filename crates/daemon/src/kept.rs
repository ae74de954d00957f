//! What a daemon that is killed leaves to the one after it: a file beside the socket.
//!
//! Programs, maps and classes stay in the kernel, and are found there. This says what they do not: whose
//! the numbers are, so that they stay whose they are, and how the NICs were before.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use config::Interfaces;
use plan::Plan;
use serde::{Deserialize, Serialize};
use tracing::warn;
use units::CircuitSlot;

/// Advanced when what is kept changes its meaning.
const VERSION: u32 = 1;

/// What is left.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The plan that was in force.
    pub plan: Option<Plan>,
    /// Circuits of it that had no class for want of traffic.
    #[serde(default)]
    pub asleep: BTreeSet<CircuitSlot>,
    /// What was changed on the NICs.
    pub nics: Vec<KeptNic>,
    /// Which NICs it was about, and how they were used.
    #[serde(default)]
    pub interfaces: Option<Interfaces>,
}

impl Kept {
    /// Whether a daemon that uses these NICs likewise can go on with it.
    pub fn suits(&self, interfaces: &Interfaces) -> bool {
        self.interfaces.as_ref().is_none_or(|kept| kept == interfaces)
    }
}

/// The file: JSON.
#[derive(Serialize, Deserialize)]
struct Written<K> {
    version: u32,
    kept: K,
}

/// What was changed on one NIC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNic {
    /// Its name.
    pub name: String,
    /// XPS maps that were cleared, with what they held.
    pub xps: Vec<(PathBuf, String)>,
    /// VLAN offloads on reception that were turned off.
    #[serde(default)]
    pub rx_vlan_offloads: Vec<String>,
    /// Whether it was told to receive everything.
    pub promiscuous: bool,
}

/// Where it is written.
#[derive(Clone, Debug)]
pub struct KeptFile(PathBuf);

impl KeptFile {
    /// The file beside `socket`.
    pub fn beside(socket: &Path) -> Self {
        Self(socket.with_file_name("tidegated.kept"))
    }

    /// What the daemon before has left; nothing where there is none, or none that can be read.
    pub fn read(&self) -> Kept {
        match self.try_read() {
            Ok(kept) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => {
                let path = self.0.display();
                warn!(%error, %path, "could not read what the last daemon left; numbers begin anew");
                Kept::default()
            }
        }
    }

    fn try_read(&self) -> io::Result<Kept> {
        let bytes = fs::read(&self.0)?;
        let Written { version, kept } = serde_json::from_slice(&bytes)?;
        if version != VERSION {
            return Err(io::Error::other(format!("it is of version {version}, not {VERSION}")));
        }
        Ok(kept)
    }

    /// Writes it whole or not at all. A failure is logged: it costs the next daemon the numbers.
    pub fn write(&self, kept: &Kept) {
        if let Err(error) = self.try_write(kept) {
            warn!(%error, path = %self.0.display(), "could not write what the next daemon needs");
        }
    }

    fn try_write(&self, kept: &Kept) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Written { version: VERSION, kept })?;
        write_whole(&self.0, &bytes)
    }

    /// Removes it: nothing is left.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(%error, path = %self.0.display(), "could not remove what the next daemon needs not");
        }
    }
}

/// Writes a file whole or not at all, for nobody else to read.
///
/// # Errors
/// What the kernel says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = write_synced(new.as_ref(), bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // on a full disk half of it takes room, and nobody else would remove it
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut how = OpenOptions::new();
    let mut file = how.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeptFile::beside(&folder.path().join("bus.sock"));
        assert_eq!(file.read(), Kept::default());
        let nic = KeptNic {
            name: "eth0".to_owned(),
            rx_vlan_offloads: vec!["rx-vlan-hw-parse".to_owned()],
            ..KeptNic::default()
        };
        let kept = Kept { nics: vec![nic], ..Kept::default() };
        file.write(&kept);
        assert_eq!(file.read(), kept);
        let whole = fs::read(&file.0).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&file.0, &whole[..length]).unwrap();
            assert_eq!(file.read(), Kept::default(), "cut off at {length}");
        }
        let text = String::from_utf8(whole).unwrap();
        fs::write(&file.0, text.replacen(":1,", ":2,", 1)).unwrap();
        assert_eq!(file.read(), Kept::default(), "another version");
        file.remove();
        assert!(!file.0.exists());
    }
}
