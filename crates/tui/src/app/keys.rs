//! The keys: what each does, and where. The footer, the help and the guide are made of this table.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::pane::Pane;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens a pane.
    Open(Pane),
    /// Opens the pane on the right.
    NextPane,
    /// Opens the pane on the left.
    PreviousPane,
    /// Moves the cursor, or scrolls, by so many rows.
    Move(i8),
    /// Moves it by so many pages.
    Page(i8),
    /// To the top.
    Top,
    /// To the end.
    End,
    /// Opens the chosen circuit; folds or unfolds in the tree.
    Enter,
    /// Closes what is open, empties the filter, goes back.
    Back,
    /// Begins to type a filter.
    Filter,
    /// Sorts by the column on the right.
    SortRight,
    /// Sorts by the column on the left.
    SortLeft,
    /// Sorts the other way round.
    Reverse,
    /// Folds.
    Fold,
    /// Unfolds.
    Unfold,
    /// Folds all.
    FoldAll,
    /// Unfolds all.
    UnfoldAll,
    /// Shows the circuits below the chosen node.
    Below,
    /// Shows flows that ended lately, or again those under way.
    Recent,
    /// Another severity.
    Severity,
    /// Another reason to be called the worst.
    Worst,
    /// More or less time in the charts.
    Zoom,
    /// Stands still, or goes on.
    Pause,
    /// Bits or bytes.
    Unit,
    /// Dark or light.
    Theme,
    /// Shows all keys, or no longer.
    Help,
    /// Draws everything again.
    Repaint,
    /// Leaves the terminal to the shell.
    Suspend,
    /// Ends.
    Quit,
}

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press(pub KeyCode, pub KeyModifiers);

/// Some keys that do the same.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys.
    pub presses: &'static [Press],
    /// What they do.
    pub action: Action,
    /// The panes in which they do it; none: in all.
    pub panes: &'static [Pane],
    /// In one word for the footer; empty: not worth its place there.
    pub word: &'static str,
    /// In a sentence for the help.
    pub sentence: &'static str,
}

const fn key(c: char) -> Press {
    Press(KeyCode::Char(c), KeyModifiers::NONE)
}

const fn control(c: char) -> Press {
    Press(KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn code(code: KeyCode) -> Press {
    Press(code, KeyModifiers::NONE)
}

const fn bind(
    presses: &'static [Press],
    action: Action,
    panes: &'static [Pane],
    word: &'static str,
    sentence: &'static str,
) -> Binding {
    Binding { presses, action, panes, word, sentence }
}

const ALL: &[Pane] = &[];
const SORTED: &[Pane] = &[Pane::Circuits, Pane::Circuit, Pane::Flows, Pane::Unknown];
const FILTERED: &[Pane] =
    &[Pane::Circuits, Pane::Circuit, Pane::Flows, Pane::Unknown, Pane::Events];
const TREE: &[Pane] = &[Pane::Tree];
const CHARTS: &[Pane] = &[Pane::Overview, Pane::Circuit];

/// All keys. What belongs to one pane comes before what does not.
pub const BINDINGS: &[Binding] = &[
    bind(
        &[key('w')],
        Action::Worst,
        &[Pane::Overview],
        "worst by",
        "the worst by RTT, drops, load or sent again",
    ),
    bind(&[key('z')], Action::Zoom, CHARTS, "zoom", "more or less time in the charts"),
    bind(
        &[code(KeyCode::Enter)],
        Action::Enter,
        &[Pane::Circuits, Pane::Flows],
        "open",
        "open the chosen circuit",
    ),
    bind(&[code(KeyCode::Enter)], Action::Enter, TREE, "fold", "fold or unfold the chosen node"),
    bind(&[code(KeyCode::Left), key('h')], Action::Fold, TREE, "", "fold, or go to the parent"),
    bind(&[code(KeyCode::Right), key('l')], Action::Unfold, TREE, "", "unfold"),
    bind(&[key('-')], Action::FoldAll, TREE, "fold all", "fold all"),
    bind(&[key('+'), key('=')], Action::UnfoldAll, TREE, "unfold all", "unfold all"),
    bind(&[key('c')], Action::Below, TREE, "circuits", "the circuits at and below the chosen node"),
    bind(
        &[key('/')],
        Action::Filter,
        FILTERED,
        "filter",
        "type a filter; Enter keeps, Esc empties it",
    ),
    bind(&[key('>'), key('.')], Action::SortRight, SORTED, "", "sort by the column on the right"),
    bind(
        &[key('<'), key(',')],
        Action::SortLeft,
        SORTED,
        "> sort",
        "sort by the column on the left",
    ),
    bind(&[key('r')], Action::Reverse, SORTED, "reverse", "sort the other way round"),
    bind(
        &[key('e')],
        Action::Recent,
        &[Pane::Flows, Pane::Circuit],
        "ended",
        "flows that ended lately, or open ones again",
    ),
    bind(
        &[key('v')],
        Action::Severity,
        &[Pane::Events],
        "severity",
        "all, from warnings on, or errors alone",
    ),
    bind(&[key('1')], Action::Open(Pane::Overview), ALL, "", "overview: the box at a glance"),
    bind(&[key('2')], Action::Open(Pane::Tree), ALL, "", "tree: sites and access points"),
    bind(&[key('3')], Action::Open(Pane::Circuits), ALL, "", "circuits: all subscribers"),
    bind(&[key('4')], Action::Open(Pane::Circuit), ALL, "", "circuit: one subscriber"),
    bind(&[key('5')], Action::Open(Pane::Flows), ALL, "", "flows: who speaks with whom"),
    bind(&[key('6')], Action::Open(Pane::Unknown), ALL, "", "unknown: hosts that no device covers"),
    bind(
        &[key('7')],
        Action::Open(Pane::Health),
        ALL,
        "",
        "health: the daemon and what it runs on",
    ),
    bind(&[key('8')], Action::Open(Pane::Events), ALL, "", "events: what happened, and who did it"),
    bind(&[code(KeyCode::Tab)], Action::NextPane, ALL, "", "the next pane"),
    bind(&[code(KeyCode::BackTab)], Action::PreviousPane, ALL, "", "the pane before"),
    bind(&[code(KeyCode::Down), key('j')], Action::Move(1), ALL, "", "down"),
    bind(&[code(KeyCode::Up), key('k')], Action::Move(-1), ALL, "", "up"),
    bind(
        &[code(KeyCode::PageDown), control('f'), control('d')],
        Action::Page(1),
        ALL,
        "",
        "a page down",
    ),
    bind(
        &[code(KeyCode::PageUp), control('b'), control('u')],
        Action::Page(-1),
        ALL,
        "",
        "a page up",
    ),
    bind(&[code(KeyCode::Home), key('g')], Action::Top, ALL, "", "to the top, following no row"),
    bind(&[code(KeyCode::End), key('G')], Action::End, ALL, "", "to the end"),
    bind(
        &[code(KeyCode::Esc), code(KeyCode::Backspace)],
        Action::Back,
        ALL,
        "",
        "close the help, empty the filter, go back",
    ),
    bind(&[key('p'), key(' ')], Action::Pause, ALL, "pause", "stand still, or go on"),
    bind(&[key('u')], Action::Unit, ALL, "bits/bytes", "rates in bits or in bytes"),
    bind(&[key('t')], Action::Theme, ALL, "theme", "colours for dark or for light terminals"),
    bind(&[control('l')], Action::Repaint, ALL, "", "draw everything again"),
    bind(&[control('z')], Action::Suspend, ALL, "", "back to the shell; `fg` goes on"),
    bind(&[key('?'), code(KeyCode::F(1))], Action::Help, ALL, "help", "all keys"),
    bind(&[key('q'), control('c')], Action::Quit, ALL, "quit", "end"),
];

impl Binding {
    /// Whether it means something in this pane.
    pub fn is_for(&self, pane: Pane) -> bool {
        self.panes.is_empty() || self.panes.contains(&pane)
    }

    /// The names of its keys.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.presses.iter().map(Press::name).collect();
        names.join(" ")
    }
}

impl Press {
    /// Its name, as people write it.
    pub fn name(&self) -> String {
        match self.0 {
            KeyCode::Char(c) if self.1 == KeyModifiers::CONTROL => {
                format!("^{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(n) => format!("F{n}"),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "⇧Tab".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Whether this is what was pressed. Shift is part of the character.
    fn is(&self, key: &KeyEvent) -> bool {
        let held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        self.0 == key.code && self.1 == held
    }
}

/// What a key does in a pane.
pub(super) fn action(pane: Pane, key: &KeyEvent) -> Option<Action> {
    let pressed = |binding: &&Binding| binding.presses.iter().any(|press| press.is(key));
    BINDINGS
        .iter()
        .filter(|binding| binding.is_for(pane))
        .find(pressed)
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_pane() {
        for pane in Pane::ALL {
            let bindings: Vec<_> = BINDINGS.iter().filter(|binding| binding.is_for(pane)).collect();
            for (i, binding) in bindings.iter().enumerate() {
                for press in binding.presses {
                    let again = bindings[i + 1..].iter().any(|other| other.presses.contains(press));
                    assert!(!again, "{} in {pane:?}", press.name());
                }
            }
        }
    }

    #[test]
    fn each_pane_has_its_number() {
        for pane in Pane::ALL {
            let digit = char::from_digit(pane.number() as u32, 10).unwrap();
            let key = KeyEvent::new(KeyCode::Char(digit), KeyModifiers::NONE);
            assert_eq!(action(Pane::Overview, &key), Some(Action::Open(pane)));
        }
    }
}
