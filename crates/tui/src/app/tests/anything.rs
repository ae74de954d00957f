//! Whatever happens in whatever order, at whatever size.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use crate::app::keys::BINDINGS;
use crate::app::{Event, Target};
use crate::draw;
use crate::samples::{Provider, viewer_of};
use crate::theme::Depth;

#[derive(Clone, Debug)]
enum Step {
    Binding(usize),
    Type(char),
    Click(u16, u16),
    Target(Target),
    Wheel(i32),
    Resize(u16, u16),
    Tick,
    Lose,
    Connect,
    /// The daemon is another, with so many circuits.
    Circuits(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..BINDINGS.len()).prop_map(Step::Binding),
        2 => any::<char>().prop_map(Step::Type),
        3 => (0u16..140, 0u16..50).prop_map(|(x, y)| Step::Click(x, y)),
        1 => any::<u32>().prop_map(|row| Step::Target(Target::Row(row))),
        1 => (0usize..20).prop_map(|head| Step::Target(Target::Head(head))),
        2 => any::<i32>().prop_map(Step::Wheel),
        2 => (0u16..200, 0u16..80).prop_map(|(width, height)| Step::Resize(width, height)),
        6 => Just(Step::Tick),
        1 => Just(Step::Lose),
        1 => Just(Step::Connect),
        1 => (0u32..200).prop_map(Step::Circuits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic(
        width in 1u16..140,
        height in 1u16..50,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut viewer = viewer_of(Provider::new(60), (width, height));
        for step in steps {
            match step {
                Step::Binding(i) => {
                    let press = BINDINGS[i].presses[0];
                    viewer.take(Event::Key(KeyEvent::new(press.0, press.1)));
                }
                Step::Type(c) => {
                    viewer.take(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
                }
                Step::Click(x, y) => {
                    let mut buffer = Buffer::empty(Rect::new(0, 0, viewer.size.0, viewer.size.1));
                    let targets = draw::screen(&viewer.app, Depth::True, &mut buffer);
                    if let Some(target) = targets.at(x, y) {
                        viewer.take(Event::Click(target));
                    }
                }
                Step::Target(target) => viewer.take(Event::Click(target)),
                Step::Wheel(rows) => viewer.take(Event::Wheel(rows)),
                Step::Resize(width, height) => {
                    viewer.size = (width, height);
                    viewer.take(Event::Resize(width, height));
                }
                Step::Tick => {
                    let chosen = viewer.app.circuits.table.list.followed();
                    viewer.tick();
                    // whatever comes, the cursor stays on its row
                    if chosen.is_some() {
                        prop_assert_eq!(viewer.app.circuits.table.list.followed(), chosen);
                    }
                }
                Step::Lose => viewer.take(Event::Lost { why: "closed".into() }),
                Step::Connect => viewer.take(Event::Connected),
                Step::Circuits(circuits) => viewer.provider = Provider::new(circuits),
            }
            viewer.now += Duration::from_millis(300);
            viewer.picture();
        }
    }
}
