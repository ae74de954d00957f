//! The commands that look.

use std::borrow::Cow;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{
    CircuitsPage, ErrorCode, EventRow, EventsPage, FlowsPage, HostsPage, OriginsPage, QueuesView,
    Refusal, Reply, Request, RetransmitsPage, RttPage, RttQuery, StatusView, Topic, TreeView,
    UnknownPage, View,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;

use crate::stand_in::StandIn;
use crate::views::{self, HOSTILE, answer};
use crate::{code, json, stderr, stdout, tidegate};

/// What a command shows where the output is no terminal.
fn shown(arguments: &[&str]) -> String {
    let output = StandIn::new(answer).run(arguments);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    stdout(&output).to_owned()
}

#[test]
fn each_view_as_text() {
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
        "events",
    ] {
        insta::assert_snapshot!(topic, shown(&[topic]));
    }
}

#[test]
fn more_of_a_view_as_text() {
    insta::assert_snapshot!("circuits_one", shown(&["circuits", "--id", "1001"]));
    insta::assert_snapshot!("circuits_slow", shown(&["circuits", "--slow"]));
    insta::assert_snapshot!("flows_long", shown(&["flows", "--long"]));
    insta::assert_snapshot!("rtt_circuits", shown(&["rtt", "circuits", "--histogram"]));
}

fn read<V: DeserializeOwned>(daemon: &StandIn, topic: &str) -> V {
    serde_json::from_value(json(&daemon.run(&[topic, "--json"]))).unwrap()
}

#[test]
fn each_view_as_json_is_the_view() {
    let daemon = StandIn::new(answer);
    assert_eq!(read::<StatusView>(&daemon, "status"), views::status());
    assert_eq!(read::<TreeView>(&daemon, "tree"), views::tree());
    assert_eq!(read::<CircuitsPage>(&daemon, "circuits"), views::circuits());
    assert_eq!(read::<QueuesView>(&daemon, "queues"), views::queues());
    assert_eq!(read::<UnknownPage>(&daemon, "unknown"), views::unknown());
    assert_eq!(read::<FlowsPage>(&daemon, "flows"), views::flows());
    assert_eq!(read::<HostsPage>(&daemon, "hosts"), views::hosts());
    assert_eq!(read::<OriginsPage>(&daemon, "origins"), views::origins());
    assert_eq!(read::<RttPage>(&daemon, "rtt"), views::rtt(&RttQuery::default()));
    assert_eq!(read::<RetransmitsPage>(&daemon, "retransmits"), views::retransmits_page());
    assert_eq!(read::<EventsPage>(&daemon, "events"), views::events());
    let slow = json(&daemon.run(&["circuits", "--slow", "--json"]));
    assert_eq!(serde_json::from_value::<CircuitsPage>(slow).unwrap(), views::circuits());
    let page = json(&daemon.run(&["--json", "circuits"]));
    assert_eq!(page["rows"][0]["sent_bps"]["down"], 49_876_543);
    assert_eq!(page["rows"][2]["name"], HOSTILE, "programs get the name as it is");
}

#[test]
fn fault_21_hostile_names_are_shown_inert() {
    for arguments in [
        &["circuits"] as &[&str],
        &["circuits", "--json"],
        &["circuits", "--id", "1009"],
        &["circuits", "--slow"],
        &["flows"],
        &["flows", "--json"],
        &["flows", "--long"],
        &["rtt", "circuits"],
        &["retransmits"],
        &["retransmits", "--json"],
    ] {
        let text = shown(arguments);
        let acts = |c: char| c != '\n' && matches!(bus::inert(&c.to_string()), Cow::Owned(_));
        assert!(!text.contains(acts), "{text:?}");
        assert!(text.contains("evil"));
    }
}

#[test]
fn figures_without_meaning_are_called_so() {
    let daemon = StandIn::new(|request| {
        let mut replies = answer(request);
        for reply in &mut replies {
            match reply {
                Reply::View(View::Tree(tree)) => tree.bypass = true,
                Reply::View(View::Circuits(page)) => page.bypass = true,
                _ => {}
            }
        }
        replies
    });
    let why = "bypass is on: nothing is shaped or measured, so rates mean nothing";
    for command in ["tree", "circuits"] {
        let output = daemon.run(&[command]);
        assert_eq!(code(&output), 0);
        assert_eq!(stderr(&output), format!("note: {why}\n"), "{command}");
        let json: serde_json::Value =
            serde_json::from_str(stdout(&daemon.run(&[command, "--json"]))).unwrap();
        assert_eq!(json["bypass"], true, "{command}");
        let mut child = tidegate()
            .args(["--socket", &daemon.socket(), command, "--watch"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), format!("warning: {why}"), "{command}");
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    for command in ["flows", "events"] {
        assert_eq!(stderr(&daemon.run(&[command])), "", "{command}");
    }
}

#[test]
fn bypass_and_failed_reloads_stand_out() {
    let daemon = StandIn::new(|_| {
        let mut status = views::status();
        status.bypass = true;
        status.config.problem = Some("b.csv:3: error: x\nb.csv:4: error: \x1by".into());
        status.config.problem_ms_ago = 5_000;
        vec![View::Status(Box::new(status)).into()]
    });
    let output = daemon.run(&["status"]);
    let text = stdout(&output);
    assert!(text.contains("Mode bridge, bypass is on: nothing is shaped or measured\n"), "{text}");
    assert_eq!(stderr(&output), "", "it is told once");
    assert!(text.contains("Download: not measured\nUpload: not measured\n"), "{text}");
    assert!(
        text.contains("Problem, 5 s ago:\n  b.csv:3: error: x\n  b.csv:4: error: \u{fffd}y\n"),
        "{text}"
    );
}

#[test]
fn watched_json_is_one_object_a_line_until_interrupted() {
    let daemon = StandIn::new(answer);
    let mut child = tidegate()
        .args(["--socket", &daemon.socket(), "tree", "--watch", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let view: TreeView = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(view, views::tree());
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(lines.next().is_none());
}

#[test]
fn followed_events_are_one_a_line_until_the_daemon_goes() {
    let daemon = StandIn::new(|request| {
        let mut replies = answer(request);
        replies.pop();
        let more = EventsPage { oldest: 8, newest: 8, rows: Vec::new(), ..views::events() };
        replies.push(View::Events(more).into());
        replies.push(Refusal::new(ErrorCode::Busy, "the daemon is stopping").into());
        replies
    });
    let output = daemon.run(&["events", "--follow"]);
    insta::assert_snapshot!("events_follow", stdout(&output));
    assert_eq!(
        stderr(&output),
        "2 events came too fast and are missing\n\
         error: the daemon refused: busy: the daemon is stopping\n"
    );
    let output = daemon.run(&["events", "--follow", "--json"]);
    let rows: Vec<EventRow> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, views::events().rows);
}

/// The daemon's events as they are at each of its starts, and what is asked of each.
#[test]
fn followed_events_go_on_over_restarts() {
    let event = |number: u64, unix_ms: u64| {
        let row = views::events().rows[0].clone();
        EventRow { number, unix_ms, text: format!("{number} of {unix_ms}"), ..row }
    };
    let first = vec![event(1, 10), event(2, 10)];
    let goes_on = vec![event(1, 10), event(2, 10), event(3, 11)];
    let has_lost = vec![event(6, 12), event(7, 12)];
    let begins_anew = vec![event(1, 20), event(7, 20)];
    let starts = [first, goes_on, has_lost, begins_anew];
    let start = AtomicUsize::new(0);
    let daemon = StandIn::restarting(move |request| {
        let (Request::Show(Topic::Events(query)) | Request::Subscribe(Topic::Events(query))) =
            request
        else {
            panic!("{request:?} is not expected");
        };
        let is_subscription = matches!(request, Request::Subscribe(_));
        let now = start.fetch_add(usize::from(is_subscription), Ordering::Relaxed);
        let kept = &starts[now];
        let rows: Vec<_> = kept.iter().filter(|row| row.number > query.after).cloned().collect();
        let page = EventsPage {
            oldest: kept[0].number,
            newest: kept[kept.len() - 1].number,
            matched: rows.len() as u32,
            rows,
            ..views::events()
        };
        let mut replies = vec![View::Events(page).into()];
        if is_subscription && now + 1 == starts.len() {
            replies.push(Refusal::new(ErrorCode::Busy, "it is over").into());
        }
        replies
    });
    let output = daemon.run(&["events", "--follow", "--json", "--limit", "7"]);
    let rows: Vec<EventRow> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts: Vec<_> = rows.iter().map(|row| &*row.text).collect();
    assert_eq!(
        texts,
        ["1 of 10", "2 of 10", "3 of 11", "6 of 12", "7 of 12", "1 of 20", "7 of 20"]
    );
    assert_eq!(
        stderr(&output),
        format!(
            "{AWAY}{AWAY}2 events came too fast and are missing\n{AWAY}the daemon's events begin anew\n\
             {{\"error\":\"the daemon refused: busy: it is over\",\"code\":\"busy\",\"exit\":7}}\n"
        )
    );
}

const AWAY: &str = "the daemon closed the connection; waiting for it to come back\n";

#[test]
fn a_view_is_watched_over_restarts() {
    let start = AtomicUsize::new(0);
    let daemon = StandIn::restarting(move |request| {
        let mut replies = answer(request);
        if start.fetch_add(1, Ordering::Relaxed) == 2 {
            replies.push(Refusal::new(ErrorCode::Busy, "it is over").into());
        }
        replies
    });
    let output = daemon.run(&["circuits", "--watch"]);
    let views = answer(&daemon.asked()[0]).len();
    assert_eq!(stdout(&output).matches("250 circuits").count(), 3 * views);
    let over = "error: the daemon refused: busy: it is over\n";
    assert_eq!(stderr(&output), format!("{AWAY}{AWAY}{over}"));
}

#[test]
fn watching_ends_with_an_error_when_the_daemon_refuses_midway() {
    let daemon = StandIn::new(|request| {
        let mut replies = answer(request);
        replies.push(Refusal::new(ErrorCode::NotFound, "no node is called AP_9").into());
        replies
    });
    let output = daemon.run(&["circuits", "--node", "AP_9", "--watch"]);
    assert_eq!(code(&output), 6);
    assert_eq!(stdout(&output).matches("250 circuits").count(), 2);
    assert_eq!(stderr(&output), "error: no node is called AP_9\n");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let daemon = StandIn::new(|_| {
        let mut page = views::circuits();
        page.rows = vec![page.rows[0].clone(); 5_000];
        vec![View::Circuits(page).into()]
    });
    let mut child = tidegate()
        .args(["--socket", &daemon.socket(), "circuits"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 100];
    // more than a pipe holds follows, and nobody reads it
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}

#[test]
fn a_daemon_that_is_not_there_is_told_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus.sock").display().to_string();
    for command in
        [&["status"] as &[&str], &["tree", "--watch"], &["plan"], &["reload"], &["bypass", "on"]]
    {
        let output = crate::run(&[&["--socket", &socket], command].concat());
        assert_eq!((code(&output), stdout(&output)), (3, ""), "{command:?}");
        assert_eq!(
            stderr(&output),
            format!(
                "error: the daemon is not running: nobody listens on {socket}: No such file or \
                 directory (os error 2)\nstart `tidegated` as root; it says why if it cannot. If \
                 it listens elsewhere, name its socket with --socket PATH.\n"
            )
        );
    }
}

#[test]
fn a_socket_that_keeps_the_user_out_is_told_with_who_may() {
    let daemon = StandIn::new(answer);
    let socket = daemon.socket();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
    // where everybody can run it: permissions do not hold root back
    let program = folder.path().join("tidegate");
    fs::copy(tidegate().get_program(), &program).unwrap();
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.current_dir("/").args(["--socket", &socket, "status"]).output().unwrap();
    let told = stderr(&output);
    assert_eq!((code(&output), stdout(&output)), (4, ""), "{told}");
    assert!(told.starts_with(&format!("error: no permission to open {socket}: ")), "{told}");
    assert!(told.contains("the groups under [bus]"), "{told}");
}

#[test]
fn refusals_have_their_exit_codes() {
    for (refused, expected, told) in [
        (ErrorCode::Denied, 4, "error: the daemon refused: denied: for a reason\n"),
        (ErrorCode::NotFound, 6, "error: for a reason\n"),
        (ErrorCode::Busy, 7, "error: the daemon refused: busy: for a reason\n"),
        (ErrorCode::Internal, 1, "error: the daemon refused: internal: for a reason\n"),
    ] {
        let hello = move |_: &bus::Hello| Reply::Error(Refusal::new(refused, "for a reason"));
        let output = StandIn::with_hello(hello, |_| vec![]).run(&["status"]);
        assert_eq!(code(&output), expected);
        assert!(stderr(&output).starts_with(told), "{}", stderr(&output));
    }
}

#[test]
fn a_silent_daemon_is_not_waited_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.sock");
    let _silent = UnixListener::bind(&path).unwrap();
    let begun = Instant::now();
    let output = crate::run(&["--socket", path.to_str().unwrap(), "status"]);
    assert_eq!(code(&output), 7);
    assert!(stderr(&output).contains("did not answer within 5000 ms"), "{}", stderr(&output));
    assert!(begun.elapsed() < Duration::from_secs(20));
}
