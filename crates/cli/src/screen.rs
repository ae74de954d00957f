//! A terminal that is drawn again and again, and given back as it was.

use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::process;
use std::{fs, thread};

use bus::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;
use crate::output::{Look, print};

/// Switches to the other screen, so that what the terminal showed comes back, hides the cursor, and
/// has long lines cut rather than wrapped, so that a picture never scrolls.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// Undoes [`ENTER`].
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// A terminal in use for redrawing; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// Takes the terminal.
    pub(crate) fn enter() -> Result<Self, Failure> {
        print(ENTER)?;
        Ok(Self(()))
    }

    /// Draws one picture over the last.
    pub(crate) fn draw(&self, text: &str, look: &Look) -> Result<(), Failure> {
        let rows = look.size.map_or(usize::MAX, |(_, rows)| usize::from(rows));
        print(&picture(text, rows))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // a terminal that is gone needs nothing back
        let _ = print(LEAVE);
    }
}

/// Has Ctrl-C and SIGTERM end the program well, with the terminal given back.
pub(crate) fn end_on_signals() -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Failure::Signals)?;
    let restore = move || {
        if signals.forever().next().is_some() {
            give_back();
            process::exit(Exit::Done as i32);
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(restore);
    thread.map(drop).map_err(Failure::Signals)
}

/// Past the lock of the standard output: who holds it may be waiting for the terminal.
fn give_back() {
    let stdout = io::stdout();
    if stdout.is_terminal()
        && let Ok(own) = stdout.as_fd().try_clone_to_owned()
    {
        let _ = fs::File::from(own).write_all(LEAVE.as_bytes());
    }
}

/// The lines that fit, then nothing. A line's place is cleared before it is drawn: after one that fills
/// the terminal the cursor stays on its last character.
fn picture(text: &str, rows: usize) -> String {
    let mut shown = String::from("\x1b[H");
    let lines = text.lines().count();
    let fit = if lines > rows { rows.saturating_sub(1) } else { lines };
    for (i, line) in text.lines().take(fit).enumerate() {
        if i > 0 {
            shown.push_str("\r\n");
        }
        shown.push_str("\x1b[K");
        shown.push_str(line);
    }
    if lines > fit {
        shown.push_str(&format!("\r\n\x1b[K... {} more lines", lines - fit));
    } else if lines < rows {
        shown.push_str("\r\n\x1b[J");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_the_last_and_fits() {
        assert_eq!(picture("a\nb\n", 2), "\x1b[H\x1b[Ka\r\n\x1b[Kb");
        assert_eq!(picture("a\nb\n", 3), "\x1b[H\x1b[Ka\r\n\x1b[Kb\r\n\x1b[J");
        assert_eq!(
            picture("a\nb\nc\nd\n", 3),
            "\x1b[H\x1b[Ka\r\n\x1b[Kb\r\n\x1b[K... 2 more lines"
        );
    }
}
