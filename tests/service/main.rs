//! The service's files: the units, their groups, folders and logs.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bus::Exit;
use testkit::run;

/// The program that the unit starts.
const TIDEGATED: &str = env!("CARGO_BIN_EXE_tidegated");
/// Where a package puts it.
const INSTALLED: &str = "/usr/bin/tidegated";
/// Each unit, what it starts, and what it may be exposed to at most, in tenths; they are at 29 and 21. The units say
/// what remains, and why.
const UNITS: [(&str, &str, &str); 2] = [
    ("tidegated.service", INSTALLED, "30"),
    ("tidegate-tune.service", "/usr/bin/tidegate tune --apply", "22"),
];
const STEP_MAX: Duration = Duration::from_secs(60);

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(name)
}

/// The values of a key of the unit, in their order.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(name, _)| *name == key).map(|(_, value)| value).collect()
}

fn checked(program: &str, arguments: &[&str]) -> Result<testkit::Output> {
    run(Command::new(program).args(arguments), STEP_MAX)?.checked()
}

#[test]
fn the_units_are_sound_and_exposed_to_little() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, starts, exposure_max) in UNITS {
        let unit = folder.path().join(name);
        let text = fs::read_to_string(shipped("systemd").join(name))?;
        ensure!(values(&text, "ExecStart") == [starts], "{name} starts something else");
        // a program that is there
        fs::write(&unit, text.replace(starts, TIDEGATED))?;
        let unit = unit.to_str().context("a folder that is not UTF-8")?;
        let verified = checked("systemd-analyze", &["verify", "--man=no", unit])?;
        ensure!(verified.stderr.is_empty() && verified.stdout.is_empty(), "{verified}");
        let threshold = format!("--threshold={exposure_max}");
        let arguments = ["security", "--offline=true", "--no-pager", &threshold, unit];
        let analysed = checked("systemd-analyze", &arguments)?;
        ensure!(analysed.stdout.contains("Overall exposure level"), "{analysed}");
    }
    Ok(())
}

/// What the unit says of the program holds for the program.
#[test]
fn the_unit_knows_the_daemons_codes_and_signals() -> Result<()> {
    let unit = fs::read_to_string(shipped("systemd/tidegated.service"))?;
    let hopeless = [Exit::Usage, Exit::NotPermitted, Exit::Invalid, Exit::OtherDaemon];
    let codes = hopeless.map(|exit| (exit as u8).to_string()).join(" ");
    ensure!(values(&unit, "RestartPreventExitStatus") == [codes.as_str()], "not {codes}");
    ensure!(values(&unit, "KillSignal") == ["SIGUSR1"]);
    let refused = run(Command::new(TIDEGATED).args(["--config", "/nowhere.toml"]), STEP_MAX)?;
    ensure!(refused.status.code() == Some(Exit::Invalid as i32), "{refused}");
    Ok(())
}

#[test]
fn groups_and_folders_are_made() -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let root = tempfile::tempdir()?;
    fs::create_dir_all(root.path().join("etc"))?;
    fs::create_dir_all(root.path().join("var/log"))?;
    fs::write(root.path().join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
    fs::write(root.path().join("etc/group"), "root:x:0:\n")?;
    let into = format!("--root={}", root.path().display());
    let file = |name| shipped(name).display().to_string();
    checked("systemd-sysusers", &[&into, &file("systemd/tidegate.sysusers")])?;
    let groups = fs::read_to_string(root.path().join("etc/group"))?;
    let id = |group: &str| -> Result<u32> {
        let line = groups.lines().find_map(|line| line.strip_prefix(&format!("{group}:")));
        let id = line.and_then(|line| line.split(':').nth(1)).with_context(|| groups.clone())?;
        Ok(id.parse()?)
    };
    let (_, admin) = (id("tidegate")?, id("tidegate-admin")?);
    checked("systemd-tmpfiles", &["--create", &into, &file("systemd/tidegate.tmpfiles")])?;
    let logs = fs::metadata(root.path().join("var/log/tidegate"))?;
    ensure!((logs.mode() & 0o7777, logs.gid()) == (0o2750, admin), "{logs:?}");
    Ok(())
}

/// A log that is written to line by line, as the daemon does, goes on in a new file.
#[test]
fn logs_are_rotated() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("audit.jsonl");
    let text = fs::read_to_string(shipped("logrotate"))?;
    ensure!(text.contains("/var/log/tidegate/*.jsonl {"), "{text}");
    // the group of a machine on which nothing is installed
    let text = text.replace("tidegate-admin", "root");
    let rules = folder.path().join("rules");
    fs::write(&rules, text.replace("/var/log/tidegate", &folder.path().display().to_string()))?;
    fs::write(&log, "{}\n")?;
    let state = folder.path().join("state").display().to_string();
    let rules = rules.display().to_string();
    checked("logrotate", &["--force", "--state", &state, &rules])?;
    ensure!(fs::read_to_string(&log)?.is_empty(), "it was not rotated");
    ensure!(folder.path().join("audit.jsonl.1.gz").exists(), "the old one is gone");
    Ok(())
}

#[test]
fn the_daemons_page_has_no_faults() -> Result<()> {
    let page = checked(TIDEGATED, &["--man"])?.stdout;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tidegated.8");
    fs::write(&path, &page)?;
    let path = path.to_str().context("a folder that is not UTF-8")?;
    let read = checked("groff", &["-man", "-ww", "-Tutf8", path])?;
    ensure!(read.stderr.is_empty(), "{read}");
    for text in ["SIGUSR1", "tidegated.kept", "another daemon is running"] {
        ensure!(read.stdout.contains(text), "{text} is not in:\n{read}");
    }
    Ok(())
}

/// A daemon whose errors go to a journal that is not there.
#[test]
fn without_a_journal_logs_go_where_errors_go() -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir()?;
    let settings = folder.path().join("tidegate.toml");
    let run_folder = folder.path().join("run");
    fs::create_dir(&run_folder)?;
    let text = format!(
        "[interfaces]\ninternet = \"a\"\ncustomers = \"b\"\n[files]\npins = \"{0}/pins\"\n\
         [bus]\nsocket = \"{0}/bus.sock\"\n[queues]\ndownload = \"1 Gbps\"\nupload = \"1 Gbps\"\n",
        folder.path().display()
    );
    fs::write(&settings, text)?;
    let log = folder.path().join("log");
    let file = fs::File::create(&log)?;
    let of_log = file.metadata()?;
    // with a /run of its own, as this machine may have a journal
    let script = "mount --bind \"$1\" /run && exec \"$2\" --take-down --config \"$3\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.arg(&run_folder).arg(TIDEGATED).arg(&settings);
    command.env("JOURNAL_STREAM", format!("{}:{}", of_log.dev(), of_log.ino()));
    // the folder for pins is on no BPF filesystem
    let status = command.stderr(file).status()?;
    ensure!(status.code() == Some(Exit::Machine as i32), "it ended with {status}");
    let log = fs::read_to_string(log)?;
    ensure!(log.contains("could not reach the journal"), "{log}");
    Ok(())
}
