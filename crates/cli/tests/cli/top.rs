//! `tidegate top` in a real terminal.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::Tmux;
use tui::samples::{Provider, StandIn};

use crate::{code, run, stderr};

/// Shorter than in life, so that tests see ticks pass.
const PERIOD: Duration = Duration::from_millis(200);

const SOON: Duration = Duration::from_secs(10);

fn daemon(socket: &Path) -> StandIn {
    StandIn::start(Provider::new(1_000), socket, PERIOD).unwrap()
}

/// Starts the viewer from the shell of a terminal.
fn viewer(terminal: &Tmux, socket: &Path, options: &str) {
    let program = assert_cmd::cargo::cargo_bin!("tidegate");
    let line = format!("{} --socket {} top {options}", program.display(), socket.display());
    terminal.type_text(&line).unwrap();
    terminal.press(&["Enter"]).unwrap();
    shows(terminal, "● live");
}

fn shows(terminal: &Tmux, text: &str) -> String {
    terminal.wait_for(text, |screen| screen.contains(text)).unwrap()
}

/// The shell's screen is back, and its terminal is as it was: lines are edited and echoed.
fn is_given_back(terminal: &Tmux) {
    terminal.wait_for("the shell", |screen| screen.trim_end().ends_with("ready>")).unwrap();
    let facts = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}";
    assert_eq!(terminal.fact(facts).unwrap(), "0 0 1");
    terminal
        .type_text("stty -a | grep -o -w -e -icanon -e icanon -e -echo -e echo | xargs")
        .unwrap();
    terminal.press(&["Enter"]).unwrap();
    terminal
        .wait_for("a terminal that edits lines", |screen| {
            screen.lines().any(|line| line == "icanon echo")
        })
        .unwrap();
}

#[test]
fn an_operator_looks_around_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let first = daemon(&socket);
    let terminal = Tmux::start((120, 40), &[("TZ", "UTC")]).unwrap();
    viewer(&terminal, &socket, "");
    assert_eq!(terminal.fact("#{alternate_on}").unwrap(), "1");
    shows(&terminal, "worst circuits by RTT");
    for (key, shown) in [
        ("2", "AP_North_1"),
        ("5", "customer "),
        ("6", "unknown hosts"),
        ("7", "tables in the kernel"),
        ("8", "started, version 0.1.0"),
        ("3", "of 1,000"),
    ] {
        terminal.press(&[key]).unwrap();
        shows(&terminal, shown);
    }
    terminal.type_text("/harbour road").unwrap();
    shows(&terminal, "filter /harbour road▏");
    terminal.press(&["Enter"]).unwrap();
    terminal
        .wait_for("circuits that match alone", |screen| {
            let rows = screen.lines().skip(5).filter(|line| line.contains("bps"));
            rows.clone().count() > 3 && rows.into_iter().all(|line| line.contains("Harb"))
        })
        .unwrap();
    terminal.press(&["j", "Enter"]).unwrap();
    shows(&terminal, "queue: cake");
    terminal.press(&["Escape"]).unwrap();
    shows(&terminal, "filter /harbour road");

    terminal.resize((80, 24)).unwrap();
    let small = terminal.wait_for("80x24", |screen| {
        screen.lines().nth(23).is_some_and(|line| line.contains("quit"))
    });
    assert!(small.unwrap().lines().count() <= 24);

    drop(first);
    shows(&terminal, "DISCONNECTED");
    assert!(shows(&terminal, "trying again").contains("Harb"), "the last picture stays");
    let second = daemon(&socket);
    shows(&terminal, "● live");
    terminal.press(&["p"]).unwrap();
    shows(&terminal, "PAUSED");
    terminal.press(&["p"]).unwrap();
    shows(&terminal, "● live");
    let asked = |topic: &str| {
        let is_it = |request: &bus::Request| matches!(request, bus::Request::Subscribe(asked) if asked.name() == topic);
        second.asked().iter().any(is_it)
    };
    assert!(asked("status") && asked("circuits") && !asked("flows"));
    terminal.press(&["q"]).unwrap();
    is_given_back(&terminal);
}

#[test]
fn a_circuit_that_is_gone_is_said_to_be_and_given_up_with_its_pane() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let first = daemon(&socket);
    let terminal = Tmux::start((120, 40), &[]).unwrap();
    viewer(&terminal, &socket, "");
    terminal.press(&["3"]).unwrap();
    shows(&terminal, "of 1,000");
    terminal.press(&["Enter"]).unwrap();
    shows(&terminal, "queue: cake");
    drop(first);
    let second = StandIn::start(Provider::new(0), &socket, PERIOD).unwrap();
    shows(&terminal, "there is no such circuit");
    terminal.press(&["Escape"]).unwrap();
    let given_up = || {
        let is_it = |request: &&bus::Request| matches!(request, bus::Request::Unsubscribe(_));
        second.asked().iter().filter(is_it).count()
    };
    testkit::wait_until("the end of the circuit, its flows and its hosts", SOON, || {
        Ok((given_up() == 3).then_some(()))
    })
    .unwrap();
}

#[test]
fn it_can_be_left_for_the_shell_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let _daemon = daemon(&socket);
    let terminal = Tmux::start((80, 24), &[]).unwrap();
    viewer(&terminal, &socket, "--theme light");
    terminal.press(&["C-z"]).unwrap();
    shows(&terminal, "Stopped");
    is_given_back(&terminal);
    terminal.type_text("fg").unwrap();
    terminal.press(&["Enter"]).unwrap();
    shows(&terminal, "● live");
    terminal.press(&["2"]).unwrap();
    shows(&terminal, "AP_North_1");
    terminal.press(&["C-c"]).unwrap();
    is_given_back(&terminal);
}

#[test]
fn where_no_shell_could_take_it_up_again_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let _daemon = daemon(&socket);
    let terminal = Tmux::start((80, 24), &[]).unwrap();
    // in the shell's place
    terminal.type_text("exec ").unwrap();
    viewer(&terminal, &socket, "");
    terminal.press(&["C-z"]).unwrap();
    shows(&terminal, "no shell to go back to");
    terminal.press(&["2"]).unwrap();
    shows(&terminal, "AP_North_1");
}

#[test]
fn signals_give_the_terminal_back() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let _daemon = daemon(&socket);
    let terminal = Tmux::start((80, 24), &[]).unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        viewer(&terminal, &socket, "");
        kill(child_of(&terminal), signal).unwrap();
        is_given_back(&terminal);
        terminal.type_text("clear").unwrap();
        terminal.press(&["Enter"]).unwrap();
        terminal.wait_for("an empty screen", |screen| !screen.contains("icanon")).unwrap();
    }
}

/// The process that the terminal's shell has started.
fn child_of(terminal: &Tmux) -> Pid {
    let shell = terminal.fact("#{pane_pid}").unwrap();
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap())
}

#[test]
fn without_a_daemon_or_a_terminal_it_says_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock");
    let output = run(&["--socket", &socket.display().to_string(), "top"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("needs a terminal"), "{}", stderr(&output));
    let output = run(&["--socket", &socket.display().to_string(), "--json", "top"]);
    assert_eq!(code(&output), 2);
    let terminal = Tmux::start((100, 10), &[]).unwrap();
    let program = assert_cmd::cargo::cargo_bin!("tidegate");
    terminal
        .type_text(&format!("{} --socket {} top; echo =$?=", program.display(), socket.display()))
        .unwrap();
    terminal.press(&["Enter"]).unwrap();
    let shown = shows(&terminal, "=3=");
    assert!(shown.contains("the daemon is not running"), "{shown}");
}
