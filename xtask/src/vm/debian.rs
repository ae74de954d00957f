//! Debian's stock kernel, unpacked but not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use testkit::{Output, run};

use crate::setup;

/// The package that depends on the newest kernel. Its cloud flavour has no 9p.
const NEWEST: &str = "linux-image-amd64";
/// What the name of a versioned package begins with; the version follows.
const PACKAGE: &str = "linux-image-";
/// How long asking apt's lists may take, and unpacking.
const LOCAL_MAX: Duration = Duration::from_secs(120);
/// How long the download of some 70 MB may take.
const DOWNLOAD_MAX: Duration = Duration::from_secs(600);

/// A kernel with its modules, in a folder of their own.
pub(super) struct Kernel {
    /// `6.1.0-44-amd64`.
    pub(super) version: String,
    /// Where the package is unpacked; modules are below `lib/modules`.
    pub(super) folder: PathBuf,
    /// The kernel itself.
    pub(super) vmlinuz: PathBuf,
}

impl Kernel {
    /// The one that is in `folder` already, or the newest that apt delivers.
    pub(super) fn fetch(folder: &Path) -> Result<Self> {
        if let Some(kernel) = Self::cached(folder)? {
            return Ok(kernel);
        }
        let package = newest_package()?;
        let version = package.strip_prefix(PACKAGE).unwrap_or(&package).to_owned();
        eprintln!(
            "{package} is missing: it is the kernel of the VM lab. It is unpacked, not installed."
        );
        let archive = download(folder, &package)?;
        // unpacked elsewhere first: a folder of the right name is a whole one
        let unpacked = folder.join("unpacking");
        remove_folder(&unpacked)?;
        checked(Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked), LOCAL_MAX)?;
        checked(Command::new("depmod").arg("-b").arg(&unpacked).arg(&version), LOCAL_MAX)?;
        let place = folder.join(format!("{PACKAGE}{version}"));
        fs::rename(&unpacked, &place)
            .with_context(|| format!("could not rename {}", unpacked.display()))?;
        fs::remove_file(&archive)
            .with_context(|| format!("could not remove {}", archive.display()))?;
        Self::at(&place).with_context(|| format!("{package} has no kernel in it"))
    }

    fn cached(folder: &Path) -> Result<Option<Self>> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .with_context(|| format!("could not read {}", folder.display()))?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.sort();
        Ok(names.iter().rev().find_map(|path| Self::at(path)))
    }

    fn at(folder: &Path) -> Option<Self> {
        let version = folder.file_name()?.to_str()?.strip_prefix(PACKAGE)?.to_owned();
        let vmlinuz = folder.join("boot").join(format!("vmlinuz-{version}"));
        vmlinuz.is_file().then(|| Self { version, folder: folder.to_owned(), vmlinuz })
    }
}

/// The versioned package that the newest kernel is in.
fn newest_package() -> Result<String> {
    let ask = || checked(Command::new("apt-cache").args(["depends", NEWEST]), LOCAL_MAX);
    // a fresh machine has no lists yet
    let known = ask().ok().and_then(|output| dependency(&output.stdout));
    if let Some(package) = known {
        return Ok(package);
    }
    checked(setup::apt_get().arg("update"), DOWNLOAD_MAX)?;
    dependency(&ask()?.stdout).with_context(|| {
        format!(
            "apt knows no kernel ({NEWEST}): the VM lab needs the repository of Debian for amd64; \
             what `apt-cache depends {NEWEST}` says must name a package"
        )
    })
}

/// `  Depends: linux-image-6.1.0-44-amd64`
fn dependency(text: &str) -> Option<String> {
    let name = text.lines().find_map(|line| line.trim().strip_prefix("Depends: "))?;
    name.starts_with(PACKAGE).then(|| name.to_owned())
}

/// The package's file, in `folder`.
fn download(folder: &Path, package: &str) -> Result<PathBuf> {
    let archives = || -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder).context("could not read the folder of the VM lab")?;
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            name.is_some_and(|name| {
                name.starts_with(&format!("{package}_"))
                    && Path::new(&name).extension().is_some_and(|ending| ending == "deb")
            })
        };
        Ok(entries.flatten().map(|entry| entry.path()).filter(is_ours).collect())
    };
    for half in archives()? {
        fs::remove_file(&half).with_context(|| format!("could not remove {}", half.display()))?;
    }
    let mut command = Command::new("apt-get");
    command.args(["--quiet", "download", package]).current_dir(folder);
    checked(&mut command, DOWNLOAD_MAX).with_context(|| {
        format!(
            "apt does not deliver {package}, the kernel of the VM lab; `apt-get update` and the \
             network may help, or unpack it with `dpkg -x` into {} and run `depmod -b` on that",
            folder.join(package).display()
        )
    })?;
    match archives()?.pop() {
        Some(archive) => Ok(archive),
        None => bail!("apt-get downloaded {package}, but it is not in {}", folder.display()),
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    ensure!(!folder.exists(), "{} is still there", folder.display());
    Ok(())
}

/// Runs a program that must succeed, quietly.
pub(super) fn checked(command: &mut Command, deadline: Duration) -> Result<Output> {
    run(command, deadline)?.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versioned_package_is_found() {
        let text = "linux-image-amd64\n  Depends: linux-image-6.1.0-44-amd64\n";
        assert_eq!(dependency(text).as_deref(), Some("linux-image-6.1.0-44-amd64"));
        assert_eq!(dependency("linux-image-amd64\n"), None);
    }
}
