//! What a terminal gets.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Stdio};

use bus::{ErrorCode, Refusal};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stand_in::StandIn;
use crate::views::answer;
use crate::{code, stderr, tidegate};

pub(crate) fn terminal(columns: u16) -> OpenptyResult {
    let size = Winsize { ws_row: 12, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    openpty(&size, None).unwrap()
}

/// Starts the program on a terminal of its own.
fn on_terminal(arguments: &[&str], columns: u16, no_color: bool) -> (Child, File) {
    let pty = terminal(columns);
    let mut command = tidegate();
    if no_color {
        command.env("NO_COLOR", "1");
    }
    command.args(arguments).stdout(Stdio::from(pty.slave)).stderr(Stdio::piped());
    (command.spawn().unwrap(), File::from(pty.master))
}

/// Reads until the text has come, or to the end when there is none. What was read with it may go
/// on behind that text.
pub(crate) fn read_until(terminal: &mut File, awaited: Option<&str>) -> String {
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    // reading a terminal that nobody writes to any more fails
    while let Ok(count) = terminal.read(&mut chunk) {
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read);
        if count == 0 || awaited.is_some_and(|awaited| text.contains(awaited)) {
            break;
        }
    }
    String::from_utf8(read).unwrap()
}

#[test]
fn a_watched_view_is_redrawn_and_the_terminal_given_back() {
    let daemon = StandIn::new(answer);
    let arguments = ["--socket", &daemon.socket(), "status", "--watch"];
    let (mut child, mut terminal) = on_terminal(&arguments, 80, false);
    let begun = read_until(&mut terminal, Some("more lines"));
    let head = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[KTidegate 0.1.0";
    assert!(begun.starts_with(head), "{begun:?}");
    // a slow reader finds more than one drawing at once
    let drawing = begun.split_inclusive("more lines").next().unwrap();
    assert_eq!(drawing.lines().count(), 12, "as many as the terminal has rows");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let ended = read_until(&mut terminal, None);
    assert!(ended.ends_with("\x1b[?7h\x1b[?25h\x1b[?1049l"), "{ended:?}");
}

#[test]
fn a_failure_while_watching_gives_the_terminal_back_first() {
    let daemon = StandIn::new(|request| {
        let mut replies = answer(request);
        replies.push(Refusal::new(ErrorCode::Busy, "it is over").into());
        replies
    });
    let arguments = ["--socket", &daemon.socket(), "tree", "--watch"];
    let (child, mut terminal) = on_terminal(&arguments, 80, false);
    let output = child.wait_with_output().unwrap();
    let over = "error: the daemon refused: busy: it is over\n";
    assert_eq!((code(&output), stderr(&output)), (7, over));
    let shown = read_until(&mut terminal, None);
    assert!(shown.starts_with("\x1b[?1049h\x1b[?25l\x1b[?7l"), "{shown:?}");
    assert!(shown.ends_with("\x1b[?7h\x1b[?25h\x1b[?1049l"), "{shown:?}");
}

#[test]
fn a_capture_is_not_shown_on_a_terminal() {
    let daemon = StandIn::new(answer);
    let arguments = ["--socket", &daemon.socket(), "capture", "1001", "-o", "-"];
    let (child, _terminal) = on_terminal(&arguments, 80, false);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("name a file, or pipe it"), "{}", stderr(&output));
    assert_eq!(daemon.asked(), []);
}

#[test]
fn a_terminal_too_narrow_for_any_table_still_gets_one() {
    let daemon = StandIn::new(answer);
    for columns in [1, 20, 40] {
        for topic in [
            "status",
            "tree",
            "circuits",
            "queues",
            "unknown",
            "flows",
            "hosts",
            "origins",
            "rtt",
            "retransmits",
        ] {
            let arguments = ["--socket", &daemon.socket(), topic];
            let (mut child, mut terminal) = on_terminal(&arguments, columns, false);
            let shown = read_until(&mut terminal, None);
            assert_eq!(child.wait().unwrap().code(), Some(0), "{columns} {topic}: {shown}");
            assert!(!shown.is_empty());
        }
    }
}

#[test]
fn tables_fit_the_terminal_and_no_color_is_heard() {
    let daemon = StandIn::new(answer);
    for columns in [80, 100, 160] {
        let arguments = ["--socket", &daemon.socket(), "circuits"];
        let (mut child, mut terminal) = on_terminal(&arguments, columns, true);
        let shown = read_until(&mut terminal, None);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(!shown.contains('\x1b'), "{shown:?}");
        let ids = ["1001", "1008", "1009"];
        assert!(ids.iter().all(|id| shown.contains(id)), "{shown}");
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.into(), "{widest} columns of {columns}:\n{shown}");
        insta::assert_snapshot!(format!("circuits_in_{columns}_columns"), shown.replace('\r', ""));
    }
    for arguments in [
        &["tree"] as &[&str],
        &["circuits", "--slow"],
        &["flows"],
        &["hosts"],
        &["origins"],
        &["rtt", "circuits"],
        &["retransmits"],
        &["queues"],
    ] {
        for columns in [100, 140] {
            let socket = daemon.socket();
            let line = [&["--socket", &socket], arguments].concat();
            let (mut child, mut terminal) = on_terminal(&line, columns, true);
            let shown = read_until(&mut terminal, None);
            assert_eq!(child.wait().unwrap().code(), Some(0));
            let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= columns.into(), "{widest} columns of {columns}:\n{shown}");
            let name = format!("{}_in_{columns}_columns", arguments.join("_").replace("--", ""));
            insta::assert_snapshot!(name, shown.replace('\r', ""));
        }
    }
    let (mut child, mut terminal) =
        on_terminal(&["--socket", &daemon.socket(), "circuits"], 160, false);
    assert!(read_until(&mut terminal, None).contains("\x1b[38;5;11m"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
