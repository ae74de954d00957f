//! The terminal: taken, drawn on, and given back as it was.

use std::io::{self, BufWriter, Stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;

use crate::app::Event;
use crate::draw::Targets;

/// Rows that a notch of the wheel moves.
const NOTCH: i32 = 3;

/// Bytes that are written at once: a picture of a large terminal.
const WRITTEN: usize = 64 * 1024;

/// A terminal in use. Dropping it gives it back, and so does a panic in whatever thread.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    taken: Arc<AtomicBool>,
    targets: Targets,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn enter() -> io::Result<Self> {
        let taken = Arc::new(AtomicBool::new(false));
        let (in_panic, before) = (Arc::clone(&taken), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            give_back(&in_panic);
            before(info);
        }));
        take(&taken)?;
        let writer = BufWriter::with_capacity(WRITTEN, io::stdout());
        let terminal =
            Terminal::new(CrosstermBackend::new(writer)).inspect_err(|_| give_back(&taken))?;
        Ok(Self { terminal, taken, targets: Targets::default() })
    }

    /// Its columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws a picture; nothing while the terminal is given back.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Buffer) -> Targets) -> io::Result<()> {
        if !self.taken.load(Ordering::Acquire) {
            return Ok(());
        }
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let targets = &mut self.targets;
        self.terminal.draw(|frame| *targets = picture(frame.buffer_mut()))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Has the next picture drawn from nothing.
    pub(super) fn repaint(&mut self) -> io::Result<()> {
        // not `clear`, which asks the terminal where its cursor is: the answer would be read as keys
        let (width, height) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Gives the terminal back for a while.
    pub(super) fn leave(&self) {
        give_back(&self.taken);
    }

    /// Takes it again.
    pub(super) fn enter_again(&mut self) -> io::Result<()> {
        take(&self.taken)?;
        self.repaint()
    }

    /// What the mouse does to what is shown.
    pub(super) fn meant(&self, mouse: MouseEvent) -> Option<Event> {
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.targets.at(mouse.column, mouse.row).map(Event::Click)
            }
            MouseEventKind::ScrollDown => Some(Event::Wheel(NOTCH)),
            MouseEventKind::ScrollUp => Some(Event::Wheel(-NOTCH)),
            _ => None,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.taken);
    }
}

fn take(taken: &AtomicBool) -> io::Result<()> {
    taken.store(true, Ordering::Release);
    let entered = enable_raw_mode().and_then(|()| {
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableMouseCapture,
            EnableBracketedPaste,
            ratatui::crossterm::cursor::Hide
        )
    });
    entered.inspect_err(|_| give_back(taken))
}

/// Once, however many ask for it. A terminal that is gone needs nothing back.
fn give_back(taken: &AtomicBool) {
    if taken.swap(false, Ordering::AcqRel) {
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            DisableBracketedPaste,
            DisableMouseCapture,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}
