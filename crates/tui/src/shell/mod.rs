//! The terminal, the connection to the daemon and the clock, around what is shown.

mod input;
mod link;
mod screen;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bus::{AsyncClient, ClientError};
use jiff::tz::TimeZone;
use rustix::process::{getpgrp, getsid};
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::emulate_default_handler;
use tokio::sync::mpsc::UnboundedSender;

use crate::app::{App, Event, Wish};
use crate::theme::{Depth, Theme};
use input::Input;
pub use screen::Screen;

/// How long the daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Views of one tick come one after the other: they are drawn together when they come within this.
const TOGETHER: Duration = Duration::from_millis(30);

/// How often the picture is drawn while it tells a time.
const SECOND: Duration = Duration::from_secs(1);

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon is out of reach at the start, or said no.
    #[error(transparent)]
    Bus(#[from] ClientError),
    /// There is nobody to show anything to.
    #[error("this needs a terminal to draw on and to read keys from")]
    NoTerminal,
    /// The terminal failed.
    #[error("could not use the terminal")]
    Terminal(#[source] io::Error),
    /// A thread or signals could not be set up.
    #[error("could not start")]
    Start(#[source] io::Error),
    /// A thread has ended that should not.
    #[error("the {0} thread has ended; what it said is above")]
    Thread(&'static str),
}

/// How it looks at first.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// For dark or for light terminals.
    pub theme: Theme,
    /// How many colours there are.
    pub depth: Depth,
}

/// Shows what the daemon on this socket tells until it is quit, and follows the daemon when that is
/// replaced.
///
/// # Errors
/// When there is no terminal, or the daemon cannot be reached at the start.
pub fn run(socket: &Path, look: Look) -> Result<(), Error> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::NoTerminal);
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let client = runtime.block_on(AsyncClient::connect(socket, ANSWER))?;
    let (told, inputs) = mpsc::channel();
    input::listen(&told).map_err(Error::Start)?;
    let wishes = link::follow(runtime, client, socket.to_owned(), told).map_err(Error::Start)?;
    let screen = Screen::enter().map_err(Error::Terminal)?;
    let size = screen.size().map_err(Error::Terminal)?;
    let app = App::new(size, look.theme, TimeZone::system());
    let shell = Shell { app, screen, depth: look.depth, inputs, wishes, began: Instant::now() };
    shell.run()
}

struct Shell {
    app: App,
    screen: Screen,
    depth: Depth,
    inputs: Receiver<Input>,
    wishes: UnboundedSender<Wish>,
    began: Instant,
}

impl Shell {
    fn run(mut self) -> Result<(), Error> {
        let mut draw_at = Some(Instant::now());
        loop {
            let wait = match draw_at {
                Some(at) => at.saturating_duration_since(Instant::now()),
                None if self.app.tells_time() => SECOND,
                None => Duration::MAX,
            };
            let input = match self.inputs.recv_timeout(wait) {
                Ok(input) => input,
                Err(RecvTimeoutError::Timeout) if draw_at.take().is_some() => {
                    self.draw()?;
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => Input::Event(Event::Clock),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Thread("input")),
            };
            let soon = matches!(input, Input::Told(Event::Arrived(..), _));
            if !self.take(input)? {
                return Ok(());
            }
            if self.app.take_change() {
                let at = Instant::now() + if soon { TOGETHER } else { Duration::ZERO };
                draw_at = Some(draw_at.map_or(at, |earlier| earlier.min(at)));
            }
        }
    }

    /// Takes what came in; tells whether to go on.
    fn take(&mut self, input: Input) -> Result<bool, Error> {
        let event = match input {
            Input::Event(event) => event,
            Input::Told(event, room) => {
                drop(room);
                event
            }
            Input::Mouse(mouse) => match self.screen.meant(mouse) {
                Some(event) => event,
                None => return Ok(true),
            },
            Input::Stop => return self.suspend().map(|()| true),
            Input::Continued => {
                self.screen.enter_again().map_err(Error::Terminal)?;
                Event::Clock
            }
            Input::End => return Ok(false),
            Input::Ended(thread) => return Err(Error::Thread(thread)),
        };
        for wish in self.app.update(self.began.elapsed(), event) {
            match wish {
                Wish::Quit => return Ok(false),
                Wish::Repaint => self.screen.repaint().map_err(Error::Terminal)?,
                // where the shell put us into a group of our own it can take us back
                Wish::Suspend if getsid(None).is_ok_and(|session| session != getpgrp()) => {
                    self.suspend()?;
                }
                Wish::Suspend => {
                    drop(self.app.update(self.began.elapsed(), Event::NotSuspended));
                }
                // when the thread is gone, it has said so
                wish => drop(self.wishes.send(wish)),
            }
        }
        Ok(true)
    }

    /// Gives the terminal back, stops, and takes it again when continued.
    fn suspend(&mut self) -> Result<(), Error> {
        self.screen.leave();
        emulate_default_handler(SIGTSTP).map_err(Error::Terminal)?;
        self.screen.enter_again().map_err(Error::Terminal)
    }

    fn draw(&mut self) -> Result<(), Error> {
        let (app, depth) = (&self.app, self.depth);
        self.screen.draw(|buffer| crate::draw::screen(app, depth, buffer)).map_err(Error::Terminal)
    }
}
