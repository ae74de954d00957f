//! A system with the real systemd in a lab's box: in PID and mount namespaces of its own, on this machine's
//! files.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{ChildGuard, Lab, Output, Place, run, wait_until};

/// How long it may take until it answers, and anything in it.
const STEP_MAX: Duration = Duration::from_secs(90);

/// What it starts: the journal, and nothing that this machine would start besides. `/run` is shared with the
/// lab, so that clients outside reach what listens inside.
const BOOT: &str = "\
set -e
mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
units=/usr/lib/systemd/system
for wants in sysinit basic sockets timers local-fs multi-user; do
	[ -d $units/$wants.target.wants ] && mount -t tmpfs tmpfs $units/$wants.target.wants
done
mount -t tmpfs tmpfs /etc/systemd/system
mkdir -p /run/systemd/system
cat > /run/systemd/system/lab.target <<END
[Unit]
Wants=systemd-journald.service
After=systemd-journald.service
END
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=lab.target
";

/// The system. Dropping it ends all of it.
#[derive(Debug)]
pub(crate) struct System {
    _guard: ChildGuard,
    /// systemd, as it is numbered out here.
    leader: String,
}

impl System {
    /// Boots it.
    pub(crate) fn boot(lab: &Lab) -> Result<Self> {
        let mut command = lab.namespace(Place::Box).command("unshare");
        command.args(["--mount", "--pid", "--cgroup", "--fork", "--kill-child=KILL"]);
        command.args(["sh", "-c", BOOT]);
        let log = fs::File::create(lab.folder().join("systemd.log"))?;
        let errors = log.try_clone()?;
        let guard = ChildGuard::spawn_with(&mut command, Stdio::from(log), Stdio::from(errors))?;
        let children = format!("/proc/{0}/task/{0}/children", guard.id());
        let leader = wait_until("systemd's process", STEP_MAX, || {
            let text = fs::read_to_string(&children).unwrap_or_default();
            Ok(text.split_whitespace().next().map(str::to_owned))
        })?;
        let system = Self { _guard: guard, leader };
        wait_until("systemd to be up", STEP_MAX, || {
            let asked = system.try_run(&["systemctl", "is-active", "lab.target"])?;
            Ok((asked.stdout.trim() == "active").then_some(()))
        })
        .with_context(|| {
            fs::read_to_string(lab.folder().join("systemd.log")).unwrap_or_default()
        })?;
        Ok(system)
    }

    /// Runs a command inside, whatever comes of it.
    pub(crate) fn try_run(&self, words: &[&str]) -> Result<Output> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader, "--mount", "--pid", "--net", "--cgroup"]);
        command.args(["--root", "--wd", "--"]).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        run(&mut command, STEP_MAX)
    }

    /// Runs a command inside that has to succeed.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Output> {
        self.try_run(words)?.checked()
    }

    /// Has systemd do something with the daemon's unit; the error has the end of the journal.
    pub(crate) fn systemctl(&self, verb: &str) -> Result<()> {
        let done = self.run(&["systemctl", verb, "tidegated"]);
        done.map(drop).with_context(|| {
            let words = ["journalctl", "--no-pager", "--lines=25", "--output=cat"];
            self.run(&words).map_or_else(|error| error.to_string(), |journal| journal.stdout)
        })
    }

    /// What systemd knows of the daemon's unit.
    pub(crate) fn property(&self, name: &str) -> Result<String> {
        let words = ["systemctl", "show", "tidegated", "--value", "--property", name];
        Ok(self.run(&words)?.stdout.trim().to_owned())
    }
}
