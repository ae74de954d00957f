//! A machine that was written down, so that rules and checks can be shown others than this one.
//!
//! Its files are lines of a text, `path value`, `path -> target` for links and `path/` for folders; a value
//! has `\n` and `\t` for line ends and tabs. What sockets would tell is JSON.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::IfIndex;

use crate::Machine;
use crate::tree::Tree;
use crate::wire::{Channel, Classifier, Link, Offload, Qdisc, Ring, Sizes, Wire};

/// NICs by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recorded {
    /// Each with what is told of it.
    pub nics: BTreeMap<String, RecordedNic>,
}

/// What sockets tell of one NIC, and what its driver refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordedNic {
    /// By rtnetlink.
    pub link: Link,
    /// Offloads.
    pub offloads: BTreeMap<String, Offload>,
    /// Rings; empty where the driver has no such setting.
    pub rings: Sizes<Ring>,
    /// Channels; empty where the driver has no such setting.
    pub channels: Sizes<Channel>,
    /// Queueing disciplines.
    pub qdiscs: Vec<Qdisc>,
    /// Classifiers.
    pub classifiers: Vec<Classifier>,
    /// Whether the driver refuses every change.
    pub refuses: bool,
}

/// Lays the files of a machine out in `folder` and gives the machine.
///
/// # Errors
/// When a file cannot be made, a line makes no sense, or `answers` is no such JSON.
pub fn lay_out(folder: &Path, files: &str, answers: &str) -> io::Result<Machine> {
    for line in files.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (path, value) = line.split_once(' ').unwrap_or((line, ""));
        let at = folder.join(path);
        if path.ends_with('/') {
            fs::create_dir_all(&at)?;
            continue;
        }
        fs::create_dir_all(at.parent().unwrap_or(folder))?;
        match value.strip_prefix("-> ") {
            Some(target) => symlink(target, &at)?,
            None => fs::write(&at, value.replace("\\n", "\n").replace("\\t", "\t") + "\n")?,
        }
    }
    let recorded: Recorded = serde_json::from_str(answers)?;
    Ok(Machine::new(Tree::at(folder), Box::new(recorded)))
}

impl Recorded {
    fn nic(&mut self, name: &str) -> io::Result<&mut RecordedNic> {
        self.nics.get_mut(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A NIC to be changed, unless it refuses.
    fn willing(&mut self, name: &str) -> io::Result<&mut RecordedNic> {
        let nic = self.nic(name)?;
        if nic.refuses { Err(io::ErrorKind::Unsupported.into()) } else { Ok(nic) }
    }

    fn indexed(&self, index: IfIndex) -> io::Result<&RecordedNic> {
        let nic = self.nics.values().find(|nic| nic.link.ifindex == index);
        nic.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Wire for Recorded {
    fn link(&mut self, name: &str) -> io::Result<Link> {
        Ok(self.nic(name)?.link.clone())
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        Ok(self.nics.keys().cloned().collect())
    }

    fn offloads(&mut self, name: &str) -> io::Result<BTreeMap<String, Offload>> {
        Ok(self.nic(name)?.offloads.clone())
    }

    fn set_offload(&mut self, name: &str, offload: &str, on: bool) -> io::Result<()> {
        let offload = self.willing(name)?.offloads.get_mut(offload);
        let offload = offload.filter(|offload| offload.changeable);
        offload.ok_or(io::ErrorKind::Unsupported)?.on = on;
        Ok(())
    }

    fn rings(&mut self, name: &str) -> io::Result<Sizes<Ring>> {
        some(&self.nic(name)?.rings)
    }

    fn set_ring(&mut self, name: &str, ring: Ring, size: u32) -> io::Result<()> {
        set(self.willing(name)?.rings.get_mut(&ring), size)
    }

    fn channels(&mut self, name: &str) -> io::Result<Sizes<Channel>> {
        some(&self.nic(name)?.channels)
    }

    fn set_channels(&mut self, name: &str, channel: Channel, count: u32) -> io::Result<()> {
        set(self.willing(name)?.channels.get_mut(&channel), count)
    }

    fn qdiscs(&mut self, nic: IfIndex) -> io::Result<Vec<Qdisc>> {
        Ok(self.indexed(nic)?.qdiscs.clone())
    }

    fn classifiers(&mut self, nic: IfIndex) -> io::Result<Vec<Classifier>> {
        Ok(self.indexed(nic)?.classifiers.clone())
    }
}

fn some<K: Ord + Clone>(sizes: &Sizes<K>) -> io::Result<Sizes<K>> {
    if sizes.is_empty() { Err(io::ErrorKind::Unsupported.into()) } else { Ok(sizes.clone()) }
}

fn set(size: Option<&mut crate::wire::Size>, value: u32) -> io::Result<()> {
    let size = size.ok_or(io::ErrorKind::Unsupported)?;
    if value > size.max {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    size.now = value;
    Ok(())
}
