//! What is drawn: each pane at three sizes, the states that stand out, and colours.

use std::time::Duration;

use insta::assert_snapshot;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::app::{Event, Pane};
use crate::samples::{Viewer, keys_table, screens, text, viewer};
use crate::theme::Depth;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (50, 15)];

/// A viewer on this pane.
fn on(pane: Pane, size: (u16, u16)) -> Viewer {
    let mut viewer = viewer(size);
    viewer.open(pane);
    viewer
}

#[test]
fn each_pane_at_each_size() {
    for pane in Pane::ALL {
        for (width, height) in SIZES {
            let name = format!("{}_{width}x{height}", pane.name());
            assert_snapshot!(name, on(pane, (width, height)).text());
        }
    }
}

#[test]
fn a_tiny_terminal_still_says_what_matters() {
    for pane in Pane::ALL {
        let shown = on(pane, (40, 10)).text();
        assert!(shown.contains("tidegate") && shown.contains("live"), "{shown}");
        assert_snapshot!(format!("{}_40x10", pane.name()), shown);
    }
}

#[test]
fn a_lost_daemon_is_told_and_the_last_picture_kept_grey() {
    let mut viewer = on(Pane::Tree, (80, 24));
    viewer.take(Event::Lost { why: "the daemon is not running: nobody listens on /run/x".into() });
    viewer.now += Duration::from_secs(65);
    viewer.take(Event::Clock);
    assert_snapshot!("disconnected", viewer.text());
    let picture = viewer.picture();
    let dim = Color::Rgb(0x84, 0x8e, 0x98);
    let body = picture.content.iter().skip(80 * 3).take(80 * 20);
    let coloured = body.filter(|cell| cell.symbol() != " " && cell.fg != dim);
    assert_eq!(coloured.count(), 0, "everything in the pane is grey");
}

#[test]
fn standing_still_is_told_with_its_age() {
    let mut viewer = on(Pane::Circuits, (80, 24));
    viewer.press('p');
    viewer.now += Duration::from_secs(12);
    viewer.take(Event::Clock);
    assert!(viewer.text().contains("PAUSED, tick 1041 is 12 s old"), "{}", viewer.text());
    assert_snapshot!("paused", viewer.text());
}

#[test]
fn with_the_bypass_on_no_rate_is_shown() {
    for pane in Pane::ALL {
        let mut viewer = on(pane, (120, 40));
        viewer.app.status.as_mut().unwrap().bypass = true;
        let shown = viewer.text();
        assert!(shown.contains("BYPASS: nothing is shaped or measured"), "{shown}");
        if matches!(pane, Pane::Overview | Pane::Tree | Pane::Circuit | Pane::Health) {
            assert_snapshot!(format!("bypass_{}", pane.name()), shown);
        }
    }
}

#[test]
fn what_was_not_measured_is_said() {
    let mut viewer = on(Pane::Tree, (120, 40));
    viewer.app.status.as_mut().unwrap().rtt = units::PerSegment::default();
    assert!(viewer.text().contains("  RTT not measured  "), "{}", viewer.text());
}

#[test]
fn an_event_of_several_lines_is_one_row_and_told_line_by_line() {
    let mut viewer = on(Pane::Events, (120, 40));
    viewer.type_text("jjj");
    let shown = viewer.text();
    assert!(shown.contains("not put in force: ShapedDevices.csv:812"), "{shown}");
    assert!(shown.contains("\n not put in force:\n ShapedDevices.csv:812"), "{shown}");
    viewer.size = (40, 16);
    viewer.take(Event::Resize(40, 16));
    let shown = viewer.text();
    assert!(shown.contains("more lines, `tidegate events`"), "{shown}");
}

#[test]
fn what_sorts_is_in_sight() {
    for pane in [Pane::Circuits, Pane::Flows, Pane::Unknown] {
        for width in [40, 80, 120] {
            let mut viewer = on(pane, (width, 24));
            for _ in 0..20 {
                viewer.press('<');
                let shown = viewer.text();
                let head = shown.lines().any(|line| line.contains('▴') || line.contains('▾'));
                assert!(head, "{width} columns:\n{shown}");
            }
        }
    }
}

#[test]
fn a_problem_loses_no_letter_where_it_is_broken() {
    let said = "the kernel has no qdisc \"cake diffserv4\" (module sch_cake), wanted by 8 circuits; \
                `modprobe sch_cake` would give the wanted one";
    for width in 40..200 {
        let mut viewer = on(Pane::Health, (width, 60));
        viewer.app.status.as_mut().unwrap().warnings = vec![said.to_owned()];
        let shown = viewer.text();
        let lines = shown.lines().skip_while(|line| !line.contains("problems")).skip(1);
        let left = lines.map(|line| {
            line.chars()
                .take(if width < 100 { 200 } else { usize::from(width) / 2 })
                .collect::<String>()
        });
        let whole: String = left.collect::<String>().split_whitespace().collect();
        let wanted: String = said.split_whitespace().collect();
        assert!(whole.contains(&wanted), "{width} columns:\n{shown}");
    }
}

#[test]
fn lines_below_the_edge_of_the_health_pane_are_told_of() {
    let mut viewer = on(Pane::Health, (80, 24));
    assert!(viewer.text().contains("more lines below"), "{}", viewer.text());
    viewer.press('G');
    assert!(!viewer.text().contains("more lines below"), "{}", viewer.text());
}

#[test]
fn help_lies_over_the_pane() {
    for (width, height) in SIZES {
        let mut viewer = on(Pane::Circuits, (width, height));
        viewer.press('?');
        assert_snapshot!(format!("help_{width}x{height}"), viewer.text());
    }
}

#[test]
fn a_filter_that_is_typed_is_seen() {
    let mut viewer = on(Pane::Circuits, (80, 24));
    viewer.type_text("/mill l");
    assert_snapshot!("filter", viewer.text());
}

#[test]
fn bytes_instead_of_bits() {
    let mut viewer = on(Pane::Circuits, (80, 24));
    viewer.press('u');
    assert!(viewer.text().contains("MB/s") && !viewer.text().contains("bps"), "{}", viewer.text());
}

#[test]
fn before_anything_is_known_it_says_so() {
    let mut viewer = viewer((60, 12));
    viewer.app = crate::app::App::new((60, 12), crate::theme::Theme::Dark, jiff::tz::TimeZone::UTC);
    viewer.take(Event::Key(ratatui::crossterm::event::KeyCode::Char('3').into()));
    assert_snapshot!("connecting", viewer.text());
}

/// Runs of cells that look alike, but for what looks plain.
fn styles(buffer: &Buffer) -> String {
    let mut shown = String::new();
    for row in buffer.area.rows() {
        let cells: Vec<_> = (row.x..row.right()).map(|x| &buffer[(x, row.y)]).collect();
        for run in cells.chunk_by(|a, b| a.style() == b.style()) {
            let text: String = run.iter().map(|cell| cell.symbol()).collect();
            let look = &run[0];
            let plain =
                look.fg == Color::Reset && look.bg == Color::Reset && look.modifier.is_empty();
            let blank = text.trim().is_empty() && look.bg == Color::Reset;
            if !(plain || blank) {
                let (fg, bg) = (look.fg, look.bg);
                shown.push_str(&format!("{:2} {text:?} {fg} on {bg} {:?}\n", row.y, look.modifier));
            }
        }
    }
    shown
}

#[test]
fn looks_in_each_theme_and_depth() {
    for (name, depth, is_light) in [
        ("dark_truecolour", Depth::True, false),
        ("light_truecolour", Depth::True, true),
        ("dark_palette", Depth::Palette, false),
        ("dark_sixteen", Depth::Sixteen, false),
        ("light_sixteen", Depth::Sixteen, true),
        ("no_color", Depth::None, false),
    ] {
        let mut viewer = on(Pane::Tree, (64, 12));
        viewer.depth = depth;
        if is_light {
            viewer.press('t');
        }
        assert_snapshot!(format!("look_{name}"), styles(&viewer.picture()));
    }
}

#[test]
fn no_pane_uses_colours_that_the_terminal_does_not_have() {
    let fits = |colour: Color, depth| match (depth, colour) {
        (_, Color::Reset) | (Depth::True, _) => true,
        (Depth::None, _) | (_, Color::Rgb(..)) => false,
        (Depth::Sixteen, Color::Indexed(_)) => false,
        (Depth::Sixteen | Depth::Palette, _) => true,
    };
    for pane in Pane::ALL {
        let mut viewer = on(pane, (120, 40));
        let coloured = text(&viewer.picture());
        for depth in [Depth::None, Depth::Sixteen, Depth::Palette, Depth::True] {
            viewer.depth = depth;
            let picture = viewer.picture();
            assert!(
                picture.content.iter().all(|cell| fits(cell.fg, depth) && fits(cell.bg, depth))
            );
            // nothing is told by colour alone: the text is the same without
            assert_eq!(text(&picture), coloured);
        }
    }
}

#[test]
fn the_cursor_is_seen_without_colours() {
    let mut viewer = on(Pane::Circuits, (80, 24));
    viewer.depth = Depth::None;
    let picture = viewer.picture();
    let reversed: Vec<u16> =
        (3..24).filter(|y| picture[(10, *y)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(reversed.len(), 1);
    assert_eq!(picture[(0, reversed[0])].symbol(), "▌");
}

#[test]
fn nothing_hostile_or_wide_breaks_a_line() {
    for pane in Pane::ALL {
        for (width, height) in SIZES {
            let picture = on(pane, (width, height)).picture();
            for cell in &picture.content {
                let acts = cell.symbol().chars().any(|c| {
                    bus::inert(c.encode_utf8(&mut [0; 4])).as_ref() == "\u{fffd}" && c != '\u{fffd}'
                });
                assert!(!acts, "{:?} in {pane:?}", cell.symbol());
            }
            for line in text(&picture).lines() {
                assert!(crate::text::width(line) <= width, "{line}");
            }
        }
    }
}

/// A file of the documentation.
fn document(name: &str) -> String {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_screens_in_the_documentation_are_the_current_ones() {
    for screen in screens() {
        let name = format!("screens/{}.txt", screen.pane.name());
        let current = document(&name) == screen.text;
        assert!(current, "docs/{name} is another: `cargo xtask screens` writes it");
    }
}

#[test]
fn the_guide_has_every_key() {
    let current = document("top.md").contains(&keys_table());
    assert!(current, "docs/top.md has other keys: `cargo xtask screens` writes them");
}
