//! What the machine must have, and the Debian package that brings it.

use std::path::{Path, PathBuf};

/// Oldest clang that compiles the kernel programs.
const CLANG_MIN: u32 = 15;
/// Newest clang that is looked for by its versioned name.
const CLANG_MAX: u32 = 30;

/// One thing that is needed.
pub(crate) struct Need {
    /// The Debian package.
    pub(crate) package: &'static str,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// How to tell that it is there.
    found: Found,
}

enum Found {
    Program(&'static str),
    Header(&'static str),
    Clang,
}

/// Everything that building, testing and the demo need beyond Rust.
pub(crate) const NEEDS: [Need; 12] = [
    Need { package: "clang", purpose: "compiles the kernel programs", found: Found::Clang },
    Need {
        package: "libelf-dev",
        purpose: "reads the compiled kernel programs",
        found: Found::Header("libelf.h"),
    },
    Need {
        package: "zlib1g-dev",
        purpose: "reads the compiled kernel programs",
        found: Found::Header("zlib.h"),
    },
    Need {
        package: "linux-libc-dev",
        purpose: "has the kernel's headers",
        found: Found::Header("linux/bpf.h"),
    },
    Need {
        package: "pkg-config",
        purpose: "finds the libraries",
        found: Found::Program("pkg-config"),
    },
    Need { package: "gcc", purpose: "links, and builds libbpf", found: Found::Program("cc") },
    Need { package: "make", purpose: "builds libbpf", found: Found::Program("make") },
    Need { package: "iproute2", purpose: "builds the labs", found: Found::Program("ip") },
    Need { package: "iperf3", purpose: "makes TCP traffic", found: Found::Program("iperf3") },
    Need {
        package: "ethtool",
        purpose: "sets the labs' NICs up",
        found: Found::Program("ethtool"),
    },
    Need { package: "iputils-ping", purpose: "measures delays", found: Found::Program("ping") },
    Need { package: "git", purpose: "lists the files to check", found: Found::Program("git") },
];

impl Need {
    /// Whether the machine has it.
    pub(crate) fn is_met(&self) -> bool {
        match self.found {
            Found::Program(name) => program(name).is_some(),
            Found::Header(name) => header(name),
            Found::Clang => clang().is_some(),
        }
    }
}

/// A clang that is new enough, under whatever name.
fn clang() -> Option<PathBuf> {
    let versioned = (CLANG_MIN..=CLANG_MAX).rev().map(|version| format!("clang-{version}"));
    versioned.chain(["clang".to_owned()]).find_map(|name| program(&name))
}

/// A program in the search path, or where Debian keeps those for root.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A header in the usual place, or in the one of this machine's architecture.
fn header(name: &str) -> bool {
    let usr = Path::new("/usr/include");
    let here = format!("{}-linux-gnu", std::env::consts::ARCH);
    usr.join(name).is_file() || usr.join(here).join(name).is_file()
}
