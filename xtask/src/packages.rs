//! What the machine must have, and the Debian package that brings it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest clang that compiles the kernel programs; Debian 12's plain `clang` is older.
const CLANG_MIN: u32 = 16;
/// Newest clang that is looked for by its versioned name.
const CLANG_MAX: u32 = 21;

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
    PythonModule(&'static str),
    Clang,
}

/// Everything that building, testing and the demo need beyond Rust.
pub(crate) const NEEDS: [Need; 18] = [
    Need { package: "clang-19", purpose: "compiles the kernel programs", found: Found::Clang },
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
    Need { package: "tshark", purpose: "reads captures", found: Found::Program("tshark") },
    Need {
        package: "prometheus",
        purpose: "checks the figures for Prometheus",
        found: Found::Program("promtool"),
    },
    Need {
        package: "tmux",
        purpose: "is the terminal in which the viewer is tried",
        found: Found::Program("tmux"),
    },
    Need { package: "git", purpose: "lists the files to check", found: Found::Program("git") },
    Need {
        package: "systemd",
        purpose: "checks the service's unit",
        found: Found::Program("systemd-analyze"),
    },
    Need { package: "logrotate", purpose: "rotates logs", found: Found::Program("logrotate") },
    Need { package: "groff-base", purpose: "reads the manual", found: Found::Program("groff") },
];

/// What building and testing the Python package needs besides.
pub(crate) const PYTHON_NEEDS: [Need; 2] = [
    Need {
        package: "python3",
        purpose: "runs the Python package's tests",
        found: Found::Program("python3"),
    },
    Need {
        package: "python3-venv",
        purpose: "makes an environment for the Python package's tests",
        found: Found::PythonModule("ensurepip"),
    },
];

/// What the VM lab needs besides.
pub(crate) const VM_NEEDS: [Need; 5] = [
    Need {
        package: "qemu-system-x86",
        purpose: "emulates the machine of the VM lab",
        found: Found::Program("qemu-system-x86_64"),
    },
    Need {
        package: "busybox-static",
        purpose: "starts the machine of the VM lab",
        found: Found::Program("busybox"),
    },
    Need {
        package: "cpio",
        purpose: "packs what the machine of the VM lab starts with",
        found: Found::Program("cpio"),
    },
    Need {
        package: "kmod",
        purpose: "finds the modules of the VM lab's kernel",
        found: Found::Program("modprobe"),
    },
    Need {
        package: "util-linux",
        purpose: "ends the machine of the VM lab with whoever started it",
        found: Found::Program("setpriv"),
    },
];

/// What making and trying the Debian package needs besides.
pub(crate) const DIST_NEEDS: [Need; 3] = [
    Need {
        package: "dpkg-dev",
        purpose: "finds the libraries that the package depends on",
        found: Found::Program("dpkg-shlibdeps"),
    },
    Need {
        package: "debootstrap",
        purpose: "makes the system on which the package is tried",
        found: Found::Program("debootstrap"),
    },
    Need { package: "gzip", purpose: "packs the manual", found: Found::Program("gzip") },
];

impl Need {
    /// Whether the machine has it.
    pub(crate) fn is_met(&self) -> bool {
        match self.found {
            Found::Program(name) => program(name).is_some(),
            Found::Header(name) => header(name),
            Found::PythonModule(name) => python_module(name),
            Found::Clang => has_clang(),
        }
    }
}

/// Whether there is a clang that is new enough, under whatever name.
fn has_clang() -> bool {
    let is_there = |version: u32| program(&format!("clang-{version}")).is_some();
    (CLANG_MIN..=CLANG_MAX).any(is_there) || plain_clang_version() >= Some(CLANG_MIN)
}

/// The major version of the `clang` in the search path.
fn plain_clang_version() -> Option<u32> {
    let output = Command::new("clang").arg("--version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// `Debian clang version 19.1.7 (3)` is 19.
fn major_version(text: &str) -> Option<u32> {
    text.split("version ").nth(1)?.split('.').next()?.parse().ok()
}

/// A program in the search path, or where Debian keeps those for root.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Whether Python has a module.
fn python_module(name: &str) -> bool {
    let import = format!("import {name}");
    Command::new("python3").args(["-c", &import]).output().is_ok_and(|done| done.status.success())
}

/// A header in the usual place, or in the one of this machine's architecture.
fn header(name: &str) -> bool {
    let usr = Path::new("/usr/include");
    let here = format!("{}-linux-gnu", std::env::consts::ARCH);
    usr.join(name).is_file() || usr.join(here).join(name).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clang_says_its_version() {
        assert_eq!(major_version("Debian clang version 19.1.7 (3+b1)\nTarget: x"), Some(19));
        assert_eq!(major_version("clang version 14.0.6"), Some(14));
        assert_eq!(major_version("no such thing"), None);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(program("sh").is_some());
        assert!(program("no-such-program").is_none());
        assert!(!header("no/such/header.h"));
    }
}
