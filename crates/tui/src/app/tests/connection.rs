//! Losing the daemon, finding it again, standing still.

use std::time::Duration;

use bus::{ErrorCode, Refusal, Topic, View};

use super::slots;
use crate::app::{Event, Link, Slot, Wish};
use crate::samples::{Provider, viewer};

const SIZE: (u16, u16) = (100, 30);

#[test]
fn a_daemon_that_comes_back_is_asked_anew() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    let before = viewer.app.circuits.table.list.chosen();
    viewer.now = Duration::from_secs(10);
    viewer.take(Event::Lost { why: "closed".into() });
    assert_eq!((slots(&viewer), viewer.wished.clone()), (vec![], vec![]));
    assert!(viewer.app.tells_time());
    // it can be looked around in, but nothing is asked
    viewer.press('5');
    viewer.press('3');
    assert_eq!(viewer.wished, []);
    assert_eq!(viewer.app.circuits.table.list.chosen(), before);
    // a second attempt that fails does not begin the time anew
    viewer.now = Duration::from_secs(15);
    viewer.take(Event::Lost { why: "not running".into() });
    let lost = Link::Lost { since: Duration::from_secs(10), why: "not running".into() };
    assert_eq!(viewer.app.link, lost);
    viewer.take(Event::Connected);
    assert_eq!(slots(&viewer), [Slot::Status, Slot::Circuits]);
    assert!(viewer.wished.contains(&Wish::Ask(Slot::History, Topic::History)));
    assert!(!viewer.app.tells_time());
}

#[test]
fn another_daemon_counts_its_ticks_anew() {
    let mut viewer = viewer(SIZE);
    viewer.tick();
    let newest = |viewer: &crate::samples::Viewer| viewer.app.overview.history.back().unwrap().tick;
    assert_eq!(newest(&viewer), viewer.tick);
    viewer.tick = 3;
    viewer.take(Event::Lost { why: "closed".into() });
    viewer.take(Event::Connected);
    viewer.tick();
    assert_eq!(newest(&viewer), 4);
    assert!(viewer.app.overview.history.len() <= 5);
}

#[test]
fn history_goes_on_tick_by_tick_with_the_drops_of_the_queues() {
    let mut viewer = viewer(SIZE);
    let begun = viewer.app.overview.history.len();
    assert_eq!(begun, 900);
    viewer.tick();
    let point = *viewer.app.overview.history.back().unwrap();
    let told = Provider::new(1).view(&Topic::History, viewer.tick);
    let Ok(View::History(told)) = told else { panic!() };
    let expected = told.points.last().unwrap();
    assert_eq!((viewer.app.overview.history.len(), point.tick), (900, viewer.tick));
    assert_eq!(point.rate_bps, expected.rate_bps);
    assert!(point.drops_per_sec.down.abs_diff(expected.drops_per_sec.down) < 4);
}

#[test]
fn while_it_stands_still_only_what_is_missing_is_taken() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    viewer.press('p');
    let shown = viewer.app.status.clone();
    let _ = viewer.app.take_change();
    viewer.tick();
    assert!(!viewer.app.take_change());
    assert_eq!(viewer.app.status, shown);
    // what is not there yet comes all the same
    viewer.press('5');
    assert!(viewer.app.flows.table.list.is_loaded());
    assert_eq!(viewer.app.status, shown);
    viewer.press(' ');
    assert!(viewer.wished.contains(&Wish::Ask(Slot::History, Topic::History)));
    viewer.tick();
    assert_ne!(viewer.app.status, shown);
}

#[test]
fn events_that_come_while_it_stands_still_are_not_lost() {
    let mut viewer = viewer(SIZE);
    viewer.press('8');
    viewer.press('p');
    viewer.press('p');
    assert!(viewer.wished.iter().any(|wish| matches!(wish, Wish::Subscribe(Slot::Events, _))));
}

#[test]
fn later_views_of_events_add_to_the_first() {
    let mut viewer = viewer(SIZE);
    viewer.press('8');
    let (slot, topic) = viewer.app.subscriptions().pop().unwrap();
    let Ok(View::Events(mut page)) = viewer.provider.view(&topic, 1) else { panic!() };
    page.rows.truncate(1);
    page.rows[0].number = 10;
    let arrived = Event::Arrived(slot, topic, Box::new(View::Events(page)));
    viewer.take(arrived);
    let numbers: Vec<u64> = viewer.app.events.list.rows().iter().map(|row| row.number).collect();
    assert_eq!(numbers, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn answers_to_what_is_no_longer_asked_are_dropped() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    let (slot, topic) = viewer.app.subscriptions().pop().unwrap();
    viewer.type_text("/harbour");
    let matched = viewer.app.circuits.table.list.counts();
    let late = viewer.provider.view(&topic, viewer.tick).unwrap();
    viewer.take(Event::Arrived(slot, topic, Box::new(late)));
    assert_eq!(viewer.app.circuits.table.list.counts(), matched);
}

#[test]
fn a_refusal_is_told_until_the_next_key() {
    let mut viewer = viewer(SIZE);
    let (slot, topic) = viewer.app.subscriptions().pop().unwrap();
    let refusal = Refusal::new(ErrorCode::Denied, "not you");
    viewer.take(Event::Refused(slot, topic, refusal));
    assert!(viewer.text().contains("refused: not you"));
    viewer.press('j');
    assert!(!viewer.text().contains("refused"));
}

#[test]
fn a_circuit_that_is_taken_out_is_said_to_be_gone() {
    let mut viewer = viewer(SIZE);
    viewer.open(crate::app::Pane::Circuit);
    assert!(!viewer.text().contains("no such circuit"));
    viewer.provider = Provider::new(0);
    viewer.tick();
    assert!(viewer.text().contains("there is no such circuit"));
    assert_eq!(viewer.app.note, None);
    viewer.provider = Provider::new(10_000);
    viewer.tick();
    assert!(!viewer.text().contains("there is no such circuit"), "it is back");
}
