//! Panes, lists, sorting, filtering, folding.

use bus::{CircuitSort, Severity, Topic};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use units::Direction;

use super::{circuits_wished, slots};
use crate::app::keys::{self, BINDINGS};
use crate::app::{Event, Pane, Slot, Target, Wish, Worst};
use crate::figures::Unit;
use crate::samples::{Provider, viewer, viewer_of};
use crate::theme::Theme;

const SIZE: (u16, u16) = (120, 40);

#[test]
fn each_key_of_the_help_does_what_it_says_in_its_panes() {
    for binding in BINDINGS {
        for pane in Pane::ALL.into_iter().filter(|pane| binding.is_for(*pane)) {
            for press in binding.presses {
                let key = KeyEvent::new(press.0, press.1);
                assert_eq!(
                    keys::action(pane, &key),
                    Some(binding.action),
                    "{} in {pane:?}",
                    press.name()
                );
                // and it does something: what is shown or what is wished for is another
                let mut viewer = viewer_of(Provider::new(60), SIZE);
                viewer.open(pane);
                let _ = viewer.app.take_change();
                viewer.take(Event::Key(key));
                assert!(viewer.app.take_change() || !viewer.wished.is_empty());
            }
        }
    }
}

#[test]
fn only_what_the_open_pane_shows_is_subscribed_to() {
    let mut viewer = viewer(SIZE);
    assert_eq!(slots(&viewer), [Slot::Status, Slot::Rtt, Slot::Queues, Slot::Worst]);
    for (pane, slots_of_pane) in [
        (Pane::Tree, vec![Slot::Status, Slot::Tree]),
        (Pane::Circuits, vec![Slot::Status, Slot::Circuits]),
        (Pane::Flows, vec![Slot::Status, Slot::Flows]),
        (Pane::Unknown, vec![Slot::Status, Slot::Unknown]),
        (Pane::Health, vec![Slot::Status]),
        (Pane::Events, vec![Slot::Status, Slot::Events]),
    ] {
        viewer.open(pane);
        assert_eq!(slots(&viewer), slots_of_pane);
    }
    viewer.open(Pane::Circuit);
    let of_circuit = [Slot::Status, Slot::Circuit, Slot::CircuitFlows, Slot::CircuitHosts];
    assert_eq!(slots(&viewer), of_circuit);
    viewer.press('1');
    assert!(viewer.wished.contains(&Wish::Unsubscribe(Slot::CircuitFlows)));
    assert!(viewer.wished.contains(&Wish::Ask(Slot::History, Topic::History)));
}

#[test]
fn circuits_are_sorted_by_any_column_in_both_orders() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    let query = circuits_wished(&viewer).unwrap();
    assert_eq!(
        (query.sort, query.by, query.descending),
        (CircuitSort::Sent, Some(Direction::Download), true)
    );
    viewer.press('r');
    assert!(!circuits_wished(&viewer).unwrap().descending);
    let mut seen = vec![];
    for _ in 0..15 {
        viewer.press('>');
        let query = circuits_wished(&viewer).unwrap();
        seen.push((query.sort, query.by));
    }
    seen.dedup();
    assert_eq!(seen.len(), 15);
    viewer.press('<');
    assert_eq!(circuits_wished(&viewer).unwrap().sort, CircuitSort::Node);
    // a click on a head does the same, and once more turns it round
    viewer.take(Event::Click(Target::Head(1)));
    let query = circuits_wished(&viewer).unwrap();
    assert_eq!((query.sort, query.descending), (CircuitSort::Name, false));
    viewer.take(Event::Click(Target::Head(1)));
    assert!(circuits_wished(&viewer).unwrap().descending);
}

#[test]
fn a_filter_is_the_daemons_as_it_is_typed() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    viewer.key(KeyCode::End);
    viewer.type_text("/qu");
    assert_eq!(circuits_wished(&viewer).unwrap().filter, "qu");
    // keys that mean something elsewhere are text here
    viewer.press('q');
    let query = circuits_wished(&viewer).unwrap();
    assert_eq!((query.filter.as_str(), query.offset), ("quq", 0));
    viewer.take(Event::Paste("x\n".to_owned()));
    assert_eq!(circuits_wished(&viewer).unwrap().filter, "quqx");
    viewer.key(KeyCode::Enter);
    viewer.press('j');
    assert_eq!(viewer.app.circuits.table.filter.text(), "quqx");
    viewer.key(KeyCode::Esc);
    assert_eq!(circuits_wished(&viewer).unwrap().filter, "");
    viewer.take(Event::Paste("nothing".to_owned()));
    assert!(viewer.wished.is_empty());
}

#[test]
fn paging_asks_for_windows_of_the_table() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    let height = u32::from(viewer.app.height());
    let query = circuits_wished(&viewer).unwrap();
    assert_eq!((query.offset, query.limit), (0, 4 * height));
    viewer.key(KeyCode::End);
    let query = circuits_wished(&viewer).unwrap();
    assert!(query.offset > 9_800 && query.offset + query.limit >= 10_000, "{query:?}");
    let list = &viewer.app.circuits.table.list;
    let sight: Vec<_> = list.in_sight(viewer.app.height()).collect();
    assert!(sight.iter().all(|(_, row)| row.is_some()));
    assert_eq!(sight.last().map(|(position, _)| *position), Some(9_999));
    viewer.key(KeyCode::PageUp);
    viewer.key(KeyCode::Up);
    assert_eq!(viewer.app.circuits.table.list.top(), 10_000 - 2 * height);
    viewer.take(Event::Wheel(3));
    viewer.press('g');
    assert_eq!(circuits_wished(&viewer).unwrap().offset, 0);
}

#[test]
fn the_chosen_circuit_stays_chosen_while_rows_change_places() {
    let mut viewer = viewer(SIZE);
    viewer.press('3');
    viewer.press('j');
    let chosen = viewer.app.circuits.table.list.chosen();
    for _ in 0..30 {
        viewer.tick();
        assert_eq!(viewer.app.circuits.table.list.chosen(), chosen);
    }
    viewer.key(KeyCode::Enter);
    assert_eq!(viewer.app.circuit.as_ref().map(|circuit| circuit.id.clone()), chosen);
    assert_eq!(viewer.app.pane(), Pane::Circuit);
    viewer.tick();
    viewer.tick();
    assert_eq!(viewer.app.circuit.as_ref().unwrap().history.len(), 3);
    viewer.key(KeyCode::Esc);
    assert_eq!(viewer.app.pane(), Pane::Circuits);
}

#[test]
fn the_tree_folds_and_leads_to_circuits() {
    let mut viewer = viewer(SIZE);
    viewer.press('2');
    let rows = |viewer: &crate::samples::Viewer| viewer.app.tree.list.counts().0;
    assert_eq!(rows(&viewer), 18);
    viewer.key(KeyCode::Left);
    assert_eq!(rows(&viewer), 11, "the first site has seven below it");
    viewer.tick();
    assert_eq!(rows(&viewer), 11, "it stays folded");
    viewer.key(KeyCode::Right);
    assert_eq!(rows(&viewer), 18);
    viewer.press('j');
    viewer.press('h');
    assert_eq!(viewer.app.tree.list.chosen().as_deref(), Some("Site_North"), "to the parent");
    viewer.press('-');
    assert_eq!(rows(&viewer), 3);
    viewer.press('+');
    assert_eq!(rows(&viewer), 18);
    viewer.take(Event::Click(Target::Row(1)));
    assert_eq!(viewer.app.tree.list.chosen().as_deref(), Some("AP_North_1"));
    viewer.press('c');
    let query = circuits_wished(&viewer).unwrap();
    assert_eq!(query.node.as_deref(), Some("AP_North_1"));
    viewer.key(KeyCode::Esc);
    assert_eq!(circuits_wished(&viewer).unwrap().node, None);
}

#[test]
fn a_second_click_opens() {
    let mut viewer = viewer(SIZE);
    viewer.take(Event::Click(Target::Tab(Pane::Circuits)));
    viewer.take(Event::Click(Target::Row(4)));
    let chosen = viewer.app.circuits.table.list.chosen();
    assert_eq!(viewer.app.pane(), Pane::Circuits);
    viewer.take(Event::Click(Target::Row(4)));
    assert_eq!(viewer.app.pane(), Pane::Circuit);
    assert_eq!(viewer.app.circuit.as_ref().map(|it| it.id.clone()), chosen);
    viewer.take(Event::Click(Target::Tab(Pane::Overview)));
    viewer.take(Event::Click(Target::Row(2)));
    assert_eq!(viewer.app.pane(), Pane::Circuit);
}

#[test]
fn flows_lead_to_their_circuit_and_can_be_those_that_ended() {
    let mut viewer = viewer(SIZE);
    viewer.press('5');
    viewer.press('e');
    assert!(
        matches!(&viewer.wished[..], [Wish::Subscribe(Slot::Flows, Topic::Flows(query))] if query.recent)
    );
    viewer.press('e');
    viewer.press('j');
    let flow = viewer.app.flows.table.list.chosen_row().cloned().unwrap();
    viewer.key(KeyCode::Enter);
    match flow.circuit {
        Some(id) => assert_eq!(viewer.app.circuit.as_ref().map(|it| it.id.clone()), Some(id)),
        None => assert!(viewer.app.note.is_some()),
    }
}

#[test]
fn events_are_filtered_by_severity_and_text() {
    let mut viewer = viewer(SIZE);
    viewer.press('8');
    assert_eq!(viewer.app.events.list.counts().0, 9);
    viewer.press('v');
    assert_eq!(
        (viewer.app.events.severity_min, viewer.app.events.list.counts().0),
        (Severity::Warning, 5)
    );
    viewer.press('v');
    assert_eq!(viewer.app.events.list.counts().0, 2);
    viewer.press('v');
    viewer.type_text("/thread");
    assert_eq!(viewer.app.events.list.counts().0, 1);
}

#[test]
fn what_holds_everywhere_can_be_switched() {
    let mut viewer = viewer(SIZE);
    viewer.press('u');
    assert_eq!(viewer.app.unit, Unit::Bytes);
    viewer.press('t');
    assert_eq!(viewer.app.theme(), Theme::Light);
    viewer.press('w');
    assert_eq!(viewer.app.overview.worst_by, Worst::Drops);
    assert!(viewer.wished.iter().any(|wish| matches!(wish, Wish::Subscribe(Slot::Worst, _))));
    viewer.press('?');
    assert!(viewer.app.help.is_some());
    viewer.press('j');
    viewer.key(KeyCode::Esc);
    assert!(viewer.app.help.is_none());
    let control = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
    viewer.take(control('z'));
    assert_eq!(viewer.wished, [Wish::Suspend]);
    viewer.take(control('l'));
    assert_eq!(viewer.wished, [Wish::Repaint]);
    viewer.take(control('c'));
    assert_eq!(viewer.wished, [Wish::Quit]);
    viewer.press('q');
    assert_eq!(viewer.wished, [Wish::Quit]);
}
