//! What the loaded programs and maps cost the kernel.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::MapCore;

use super::{DatapathError, Loaded};

/// What the verifier did for one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramEffort {
    /// The program.
    pub name: String,
    /// Instructions that were processed, on all paths (`verified_insns` of `struct bpf_prog_info`).
    pub instructions: u64,
}

/// What one map takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapMemory {
    /// The map.
    pub name: String,
    /// Bytes, as the kernel accounts them (`memlock` of its file descriptor).
    pub bytes: u64,
}

impl Loaded {
    /// What the verifier did, by program's name.
    ///
    /// # Errors
    /// When the kernel does not tell: it does from 5.16 on.
    pub fn verifier_effort(&self) -> Result<Vec<ProgramEffort>, DatapathError> {
        let mut efforts = self
            .object
            .progs()
            .map(|program| {
                let name = program.name().to_string_lossy().into_owned();
                let instructions = described(program.as_fd(), "verified_insns")?;
                Ok(ProgramEffort { name, instructions })
            })
            .collect::<Result<Vec<_>, _>>()?;
        efforts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(efforts)
    }

    /// What the maps take, by name.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn map_memory(&self) -> Result<Vec<MapMemory>, DatapathError> {
        let mut memory = self
            .object
            .maps()
            .map(|map| {
                let name = map.name().to_string_lossy().into_owned();
                Ok(MapMemory { name, bytes: described(map.as_fd(), "memlock")? })
            })
            .collect::<Result<Vec<_>, _>>()?;
        memory.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(memory)
    }
}

/// A number by which the kernel describes the program or map behind a file descriptor.
pub(super) fn described(file: impl AsFd, key: &'static str) -> Result<u64, DatapathError> {
    let path = format!("/proc/self/fdinfo/{}", file.as_fd().as_raw_fd());
    let text = fs::read_to_string(path).unwrap_or_default();
    number(&text, key).ok_or(DatapathError::Undescribed(key))
}

fn number(text: &str, key: &str) -> Option<u64> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(name, _)| *name == key)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_keys_and_numbers() {
        let text = "pos:\t0\nflags:\t02000002\nmemlock:\t4096\nverified_insns:\t5511\n";
        assert_eq!(number(text, "memlock"), Some(4_096));
        assert_eq!(number(text, "verified_insns"), Some(5_511));
        assert_eq!(number(text, "run_cnt"), None);
    }
}
