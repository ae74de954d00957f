//! What comes from the terminal and from signals.

use std::sync::mpsc::Sender;
use std::time::Duration;
use std::{io, process, thread};

use ratatui::crossterm::event::{self, KeyEventKind, MouseEvent};
use ratatui::crossterm::terminal::disable_raw_mode;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::Event;

/// How long the program may take to end after a signal. It takes longer only when the terminal takes no
/// more text; then it is ended as it is.
const END_MAX: Duration = Duration::from_secs(3);

/// What came in.
#[derive(Debug)]
pub(super) enum Input {
    /// For what is shown.
    Event(Event),
    /// For what is shown, from the daemon's side; its room is free again when it is taken.
    Told(Event, OwnedSemaphorePermit),
    /// For the picture.
    Mouse(MouseEvent),
    /// Somebody asks to stop for a while.
    Stop,
    /// It has been stopped and goes on.
    Continued,
    /// Somebody asks to end, or the terminal is gone.
    End,
    /// A thread has ended that should not.
    Ended(&'static str),
}

/// Tells of a thread's end, however it comes.
#[derive(Debug)]
pub(super) struct Farewell(pub(super) &'static str, pub(super) Sender<Input>);

impl Drop for Farewell {
    fn drop(&mut self) {
        // nobody listens any more when the program ends
        let _ = self.1.send(Input::Ended(self.0));
    }
}

/// Tells what comes from the terminal and from signals.
pub(super) fn listen(told: &Sender<Input>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGTSTP, SIGCONT])?;
    let out = told.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let input = match signal {
                SIGTSTP => Input::Stop,
                SIGCONT => Input::Continued,
                _ => Input::End,
            };
            let ends = matches!(input, Input::End);
            if out.send(input).is_err() {
                return;
            }
            if ends {
                thread::sleep(END_MAX);
                let _ = disable_raw_mode();
                process::exit(1);
            }
        }
    })?;
    let out = told.clone();
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let farewell = Farewell("keys", out);
        loop {
            let input = match event::read() {
                Ok(event) => input_of(event),
                Err(_) => Some(Input::End),
            };
            let ends = matches!(input, Some(Input::End));
            if input.is_some_and(|input| farewell.1.send(input).is_err()) || ends {
                return;
            }
        }
    })?;
    Ok(())
}

fn input_of(event: event::Event) -> Option<Input> {
    match event {
        event::Event::Key(key) if key.kind != KeyEventKind::Release => {
            Some(Input::Event(Event::Key(key)))
        }
        event::Event::Paste(text) => Some(Input::Event(Event::Paste(text))),
        event::Event::Resize(width, height) => Some(Input::Event(Event::Resize(width, height))),
        event::Event::Mouse(mouse) => Some(Input::Mouse(mouse)),
        _ => None,
    }
}
