//! What can go wrong between us and the programs.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::tables::TablesFailed;

/// An operation on programs or maps that failed.
#[derive(Debug, Error)]
pub enum DatapathError {
    /// libbpf refused the object or the verifier a program.
    #[error(
        "could not load the kernel programs; they need kernel 5.18 or newer with CONFIG_BPF_SYSCALL and root's rights"
    )]
    Load(#[source] libbpf_rs::Error),
    /// The object lacks a map or program: it and this crate are not of one build.
    #[error("the kernel object has no {0:?}")]
    Missing(&'static str),
    /// A map's memory could not be seen.
    #[error("could not map the memory of {map}")]
    Map {
        /// The map.
        map: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder for pins cannot hold any.
    #[error("{} is not on a BPF filesystem; mount one with `mount -t bpf bpf /sys/fs/bpf`", .0.display())]
    NotBpffs(PathBuf),
    /// Another daemon holds the pins.
    #[error("another tidegated holds the pins in {}", .0.display())]
    Held(PathBuf),
    /// A folder or pin could not be made or removed.
    #[error("could not {action} {}", path.display())]
    Pin {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program could not be pinned.
    #[error("could not pin program {program}")]
    PinProgram {
        /// The program.
        program: &'static str,
        /// Why.
        #[source]
        source: libbpf_rs::Error,
    },
    /// Somebody else's XDP program is on the NIC.
    #[error(
        "{nic} already runs XDP program {name:?} (id {id}); stop what put it there, another tidegated perhaps"
    )]
    Occupied {
        /// The NIC.
        nic: String,
        /// The program's id.
        id: u32,
        /// Its name.
        name: String,
    },
    /// A program could not be attached.
    #[error("could not attach {program} to {nic}")]
    Attach {
        /// The program.
        program: &'static str,
        /// The NIC.
        nic: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address tables could not be filled.
    #[error("could not fill the address tables")]
    Fill(#[source] TablesFailed),
    /// A map operation failed.
    #[error("could not {action} {map}")]
    Access {
        /// What was tried.
        action: &'static str,
        /// The map.
        map: &'static str,
        /// Why.
        #[source]
        source: libbpf_rs::Error,
    },
    /// More than the map was sized for.
    #[error(
        "{wanted} entries do not fit into {map}, which holds {capacity}; raise [limits] {key} and restart"
    )]
    Full {
        /// The map.
        map: &'static str,
        /// Entries that are wanted.
        wanted: usize,
        /// Entries that it holds.
        capacity: u32,
        /// The configuration key that sizes it.
        key: &'static str,
    },
    /// A program could not be run on a test packet.
    #[error("could not run {program} on a packet")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        #[source]
        source: libbpf_rs::Error,
    },
    /// The kernel does not tell something about a program or map.
    #[error("the kernel does not tell the {0:?} of a program or map")]
    Undescribed(&'static str),
}
