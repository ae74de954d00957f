//! A panic while the terminal is in use.

use ratatui::style::Style;
use testkit::Tmux;
use tui::draw::Targets;
use tui::shell::Screen;

/// What the other test runs in a terminal.
#[test]
#[ignore = "panics; run by a_panic_gives_the_terminal_back"]
fn panics_while_it_draws() {
    let mut screen = Screen::enter().unwrap();
    let draw = |buffer: &mut ratatui::buffer::Buffer| {
        buffer.set_string(0, 0, "a picture", Style::new());
        Targets::default()
    };
    screen.draw(draw).unwrap();
    // until somebody has seen it
    std::io::stdin().read_line(&mut String::new()).unwrap();
    std::thread::spawn(|| panic!("on purpose")).join().unwrap_err();
    screen.draw(draw).unwrap();
    panic!("once more");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let terminal = Tmux::start((100, 30), &[("RUST_BACKTRACE", "0")]).unwrap();
    let program = std::env::current_exe().unwrap();
    let line = format!("{} --exact panics_while_it_draws --ignored --nocapture", program.display());
    terminal.type_text(&line).unwrap();
    terminal.press(&["Enter"]).unwrap();
    terminal.wait_for("a picture", |screen| screen.starts_with("a picture")).unwrap();
    assert_eq!(terminal.fact("#{alternate_on} #{cursor_flag}").unwrap(), "1 0");
    terminal.press(&["C-j"]).unwrap();
    let shown =
        terminal.wait_for("the end", |screen| screen.contains("test result: FAILED")).unwrap();
    // told where it can be read, and nothing is drawn over it
    assert!(shown.contains("on purpose") && shown.contains("once more"), "{shown}");
    assert!(!shown.contains("a picture"), "{shown}");
    let facts = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}";
    assert_eq!(terminal.fact(facts).unwrap(), "0 0 1");
    terminal.type_text("stty -a | grep -o -w -e -icanon -e icanon | xargs").unwrap();
    terminal.press(&["Enter"]).unwrap();
    let edits = |screen: &str| screen.lines().any(|line| line == "icanon");
    terminal.wait_for("a terminal that edits lines", edits).unwrap();
}
