//! The least of Debian with systemd in a folder: made once, copied for each trial.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{Output, run};

/// How long it may take to download and unpack the system. It takes a minute where Debian's mirror is near.
const MAKE_MAX: Duration = Duration::from_secs(10 * 60);
/// How long anything else may take.
const STEP_MAX: Duration = Duration::from_secs(3 * 60);
/// What the package depends on and this system does not have: downloaded, so that trials need no network.
const DOWNLOADED: [&str; 1] = ["libelf1"];

/// A system in a folder that goes with this value.
pub(super) struct Root {
    folder: PathBuf,
}

impl Root {
    /// A fresh one.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        let root = Self { folder: folder.join("trial") };
        root.remove()?;
        let origin = origin(folder)?;
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--reflink=auto"]).arg(&origin).arg(&root.folder);
        run(&mut copy, STEP_MAX)?.checked()?;
        Ok(root)
    }

    /// A path in it, as seen from here.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside.trim_start_matches('/'))
    }

    /// Runs a command inside, whatever comes of it.
    pub(super) fn try_run(&self, words: &[&str]) -> Result<Output> {
        run(&mut chroot(&self.folder, words), STEP_MAX)
    }

    /// Runs a command inside that has to succeed.
    pub(super) fn run(&self, words: &[&str]) -> Result<Output> {
        self.try_run(words)?.checked()
    }

    fn remove(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("could not remove {}", self.folder.display()))?;
        }
        Ok(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("warning: {error:#}");
        }
    }
}

/// What is copied: there already, or made from the mirror that this machine's apt uses.
fn origin(folder: &Path) -> Result<PathBuf> {
    let suite = suite()?;
    let origin = folder.join(format!("root-{suite}"));
    if origin.is_dir() {
        return Ok(origin);
    }
    let mirror = mirror(&suite)?;
    eprintln!("--- a system to try the package on: debootstrap {suite} from {mirror}");
    // made elsewhere first: a folder of the right name is a whole one
    let making = folder.join("making");
    if making.exists() {
        fs::remove_dir_all(&making)
            .with_context(|| format!("could not remove {}", making.display()))?;
    }
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=systemd", &suite]).arg(&making).arg(&mirror);
    run(&mut debootstrap, MAKE_MAX)?.checked()?;
    let words = ["apt-get", "install", "--yes", "--download-only"];
    run(&mut chroot(&making, &[&words[..], &DOWNLOADED].concat()), STEP_MAX)?.checked()?;
    fs::rename(&making, &origin)
        .with_context(|| format!("could not rename {}", making.display()))?;
    Ok(origin)
}

/// A command inside, with nothing of this machine's environment and a /proc that goes with it.
fn chroot(folder: &Path, words: &[&str]) -> Command {
    const ENTER: &str = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", ENTER]);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs([("DEBIAN_FRONTEND", "noninteractive"), ("LC_ALL", "C.UTF-8")]);
    command.arg(folder).args(words);
    command
}

/// This machine's release: `bookworm`.
fn suite() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("could not read /etc/os-release")?;
    let suite = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(suite.context("/etc/os-release does not say which Debian this is")?.to_owned())
}

/// Where apt has that from.
fn mirror(suite: &str) -> Result<String> {
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT)";
    let mut ask = Command::new("apt-get");
    ask.args(["indextargets", "--format", format, "Created-By: Packages"]);
    let targets = run(&mut ask, STEP_MAX)?.checked()?.stdout;
    let mirror = mirror_of(suite, &targets);
    Ok(mirror.with_context(|| format!("apt has no source for {suite} main"))?.to_owned())
}

/// `http://ADDRESS/debian/ bookworm main`
fn mirror_of<'t>(suite: &str, targets: &'t str) -> Option<&'t str> {
    let wanted = format!(" {suite} main");
    targets.lines().find_map(|line| line.strip_suffix(&wanted)).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_the_release_itself() {
        let targets = "http://b/debian/ bookworm-updates main\nhttp://a/debian/ bookworm contrib\n\
                       http://a/debian/ bookworm main\n";
        assert_eq!(mirror_of("bookworm", targets), Some("http://a/debian/"));
        assert_eq!(mirror_of("trixie", targets), None);
    }
}
