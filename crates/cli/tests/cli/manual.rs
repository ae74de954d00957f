//! What is generated from the command line itself: the manual and shells' completions.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{code, run, stderr, stdout};

/// The daemon writes its own page; this package cannot have cargo build it.
const DAEMON: &str = "#!/bin/sh\n[ \"$1\" = --man ] && echo '.TH tidegated 8'\n";

/// The program in a folder of its own, beside that daemon.
fn installed(daemon: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::copy(assert_cmd::cargo::cargo_bin!("tidegate"), folder.path().join("tidegate")).unwrap();
    let path = folder.path().join("tidegated");
    fs::write(&path, daemon).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn man(folder: &Path, pages: &Path) -> std::process::Output {
    Command::new(folder.join("tidegate")).arg("man").arg(pages).output().unwrap()
}

#[test]
fn each_command_has_a_page_without_faults() {
    let folder = installed(DAEMON);
    let pages = folder.path().join("pages");
    let output = man(folder.path(), &pages);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let mut names: Vec<_> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let help = run(&["--help"]);
    let commands = stdout(&help).split("Watch:\n").nth(1).unwrap().split("Options:\n").next();
    let commands = commands.unwrap().lines();
    let commands = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for command in commands.filter(|name| !name.is_empty()) {
        let name = format!("tidegate-{command}.1");
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for name in ["tidegate.1", "tidegate-set-circuit.1", "tidegated.8"] {
        assert!(names.iter().any(|it| it == name), "{name} is not among {names:?}");
    }
    for name in &names {
        let mut groff = Command::new("groff");
        let groff = groff.args(["-man", "-ww", "-z", "-Tutf8"]).arg(pages.join(name));
        let read = groff.output().unwrap();
        assert_eq!((code(&read), stderr(&read)), (0, ""), "{name}");
    }
    let page = fs::read_to_string(pages.join("tidegate.1")).unwrap();
    assert!(page.contains("EXIT STATUS") && page.contains("tidegate\\-status"), "{page}");
}

#[test]
fn a_daemon_that_does_not_know_its_page_is_named() {
    let folder = installed("#!/bin/sh\nexit 2\n");
    let output = man(folder.path(), &folder.path().join("pages"));
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("tidegated"), "{}", stderr(&output));
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let script = stdout(&output);
        assert!(script.contains("handover") && script.contains("new-device"), "{shell}: {script}");
        if shell == "bash" {
            let path = folder.path().join("tidegate");
            fs::write(&path, script).unwrap();
            let read = Command::new("bash").arg("-n").arg(&path).output().unwrap();
            assert_eq!((code(&read), stderr(&read)), (0, ""));
            // and it completes
            let ask = "source \"$0\"; COMP_WORDS=(tidegate hand); COMP_CWORD=1; \
                       _tidegate tidegate hand tidegate; echo \"${COMPREPLY[@]}\"";
            let asked = Command::new("bash").args(["-c", ask]).arg(&path).output().unwrap();
            assert_eq!(stdout(&asked), "handover\n", "{}", stderr(&asked));
        }
    }
    assert_eq!(code(&run(&["completions", "cmd"])), 2);
}
