//! A line of text that is typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

/// Characters that it holds at most.
const MAX: usize = 200;

/// A filter, and whether it is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    open: bool,
}

impl Field {
    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether keys go into it.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Has keys go into it.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Has keys do what they usually do. The text stays.
    pub(super) fn leave(&mut self) {
        self.open = false;
    }

    /// Empties and leaves it; tells whether there was something to empty or leave.
    pub(super) fn clear(&mut self) -> bool {
        let was = self.open || !self.text.is_empty();
        *self = Self::default();
        was
    }

    /// Takes a key while it is open; tells whether the text has changed.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let before = self.text.len();
        match key.code {
            KeyCode::Enter => self.open = false,
            KeyCode::Esc => drop(self.clear()),
            KeyCode::Char('c') if control => drop(self.clear()),
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char('w') if control => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |space| space + 1);
                self.text.truncate(kept);
            }
            KeyCode::Backspace => {
                let last = self.text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
                self.text.truncate(last);
            }
            KeyCode::Char(c) if !control && !c.is_control() && self.text.chars().count() < MAX => {
                self.text.push(c);
            }
            _ => {}
        }
        self.text.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(field: &mut Field, text: &str) {
        for c in text.chars() {
            field.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
    }

    #[test]
    fn a_filter_is_typed_and_mended() {
        let mut field = Field::default();
        field.open();
        typed(&mut field, "mill lane");
        let press = |code, modifiers| KeyEvent::new(code, modifiers);
        assert!(field.key(press(KeyCode::Char('w'), KeyModifiers::CONTROL)));
        assert_eq!(field.text(), "mill ");
        assert!(field.key(press(KeyCode::Backspace, KeyModifiers::NONE)));
        assert!(!field.key(press(KeyCode::Enter, KeyModifiers::NONE)));
        assert_eq!((field.text(), field.is_open()), ("mill", false));
        field.open();
        assert!(field.key(press(KeyCode::Esc, KeyModifiers::NONE)));
        assert_eq!(field, Field::default());
    }

    #[test]
    fn what_is_seen_as_one_character_goes_at_once() {
        let mut field = Field::default();
        field.open();
        typed(&mut field, "ae\u{301}");
        field.key(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE));
        assert_eq!(field.text(), "a");
    }
}
