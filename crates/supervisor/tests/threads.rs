//! Threads that panic, fail, hang and are told to end.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use supervisor::{Backoff, Death, Exit, Policy, Stop, Supervisor, ThreadState};

const LONG: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(10);

fn quick() -> Policy {
    Policy::Restart(Backoff { first: Duration::from_millis(1), max: Duration::from_millis(4) })
}

#[test]
fn a_stop_wakes_every_kind_of_sleeper() {
    let stop = Stop::new();
    assert!(!stop.is_stopped());
    assert!(!stop.sleep(Duration::from_millis(1)));
    let (ready, started) = bounded(0);
    let sleepers: Vec<_> = [0, 1, 2, 3]
        .map(|kind| {
            let (stop, ready) = (stop.clone(), ready.clone());
            thread::spawn(move || {
                ready.send(()).unwrap();
                match kind {
                    0 => assert!(stop.sleep(LONG)),
                    1 => stop.wait(),
                    2 => crossbeam_channel::select! { recv(stop.channel()) -> end => assert!(end.is_err()) },
                    _ => tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(stop.stopped()),
                }
            })
        })
        .into();
    sleepers.iter().for_each(|_| started.recv().unwrap());
    let asked = Instant::now();
    stop.stop();
    stop.stop();
    sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    assert!(asked.elapsed() < SOON);
    assert!(stop.is_stopped());
    assert!(stop.sleep(LONG), "once and for good");
}

#[test]
fn the_end_of_an_essential_thread_stops_everything_and_is_remembered() {
    type Body = fn() -> Result<(), io::Error>;
    let cases: [(Body, Exit); 3] = [
        (|| Ok(()), Exit::Finished),
        (|| Err(io::Error::other("no such device")), Exit::Failed("no such device".into())),
        (|| panic!("index {}", 7), Exit::Panicked("index 7".into())),
    ];
    for (body, exit) in cases {
        let mut supervisor = Supervisor::new();
        supervisor.spawn("core", Policy::Essential, LONG, move |_| body()).unwrap();
        supervisor.stop().wait();
        assert_eq!(supervisor.death(), Some(Death { thread: "core".into(), exit }));
        assert_eq!(supervisor.shut_down(SOON).ended, ["core"]);
    }
}

#[test]
fn an_asked_for_end_blames_nobody() {
    let mut supervisor = Supervisor::new();
    let body = |context: &supervisor::Context| {
        context.stop().wait();
        Err(io::Error::other("interrupted"))
    };
    supervisor.spawn("core", Policy::Essential, LONG, body).unwrap();
    let death = supervisor.monitor();
    assert_eq!(supervisor.death(), None);
    assert_eq!(supervisor.shut_down(SOON).ended, ["core"]);
    assert_eq!(death.report()[0].last_exit, Some(Exit::Failed("interrupted".into())));
}

#[test]
fn an_optional_thread_is_started_again_until_it_holds() {
    let mut supervisor = Supervisor::new();
    let (held, holds) = bounded(0);
    let mut runs = 0;
    let body = move |context: &supervisor::Context| {
        runs += 1;
        match runs {
            1 => panic!("first"),
            2 | 3 => Err(io::Error::other("again")),
            _ => {
                held.send(()).unwrap();
                context.stop().wait();
                Ok(())
            }
        }
    };
    supervisor.spawn("optional", quick(), LONG, body).unwrap();
    holds.recv_timeout(SOON).unwrap();
    let report = supervisor.monitor().report().remove(0);
    assert_eq!((report.restarts, report.state), (3, ThreadState::Running));
    assert_eq!(report.last_exit, Some(Exit::Failed("again".into())));
    assert!(!supervisor.stop().is_stopped());
    assert!(supervisor.shut_down(SOON).stuck.is_empty());
}

#[test]
fn a_thread_that_waits_to_be_started_again_ends_at_once() {
    let mut supervisor = Supervisor::new();
    let policy = Policy::Restart(Backoff { first: LONG, max: LONG });
    supervisor.spawn("optional", policy, LONG, |_| Err(io::Error::other("no"))).unwrap();
    let monitor = supervisor.monitor();
    let asked = Instant::now();
    while monitor.report()[0].state != ThreadState::BackingOff {
        assert!(asked.elapsed() < SOON);
        thread::yield_now();
    }
    assert_eq!(supervisor.shut_down(SOON).ended, ["optional"]);
    assert!(asked.elapsed() < SOON);
    assert_eq!(monitor.report()[0].state, ThreadState::Ended);
}

#[test]
fn threads_end_in_reverse_order_and_what_others_stand_on_outlives_them() {
    let mut supervisor = Supervisor::new();
    let (said, order): (Sender<&str>, Receiver<&str>) = unbounded();
    for name in ["first", "second", "third"] {
        let said = said.clone();
        let body = move |context: &supervisor::Context| {
            context.stop().wait();
            said.send(name).map_err(|_| io::Error::other("nobody listens"))
        };
        supervisor.spawn(name, Policy::Essential, LONG, body).unwrap();
    }
    assert_eq!(supervisor.shut_down(SOON).ended, ["third", "second", "first"]);
    assert_eq!(order.try_iter().collect::<Vec<_>>(), ["third", "second", "first"]);
}

#[test]
fn a_stuck_thread_is_named_at_the_deadline() {
    let mut supervisor = Supervisor::new();
    let (release, stuck) = bounded::<()>(0);
    supervisor
        .spawn("stuck", Policy::Essential, LONG, move |_| {
            let _ = stuck.recv();
            Ok::<(), io::Error>(())
        })
        .unwrap();
    let asked = Instant::now();
    let outcome = supervisor.shut_down(Duration::from_millis(20));
    assert_eq!(outcome.stuck, ["stuck"]);
    assert!(outcome.ended.is_empty());
    assert!(asked.elapsed() < SOON);
    drop(release);
}

#[test]
fn fault_02_a_heartbeat_that_stops_is_stale_and_one_that_goes_on_is_not() {
    let mut supervisor = Supervisor::new();
    let hang = |context: &supervisor::Context| {
        context.stop().wait();
        Ok::<(), io::Error>(())
    };
    supervisor.spawn("hung", Policy::Essential, Duration::ZERO, hang).unwrap();
    supervisor.spawn("alive", Policy::Essential, LONG, hang).unwrap();
    let report = supervisor.monitor().report();
    assert_eq!(report[0].state, ThreadState::Stale);
    assert_eq!(report[1].state, ThreadState::Running);
    assert!(supervisor.shut_down(SOON).stuck.is_empty());
}
