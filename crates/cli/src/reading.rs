//! A view once, or one a tick.

use std::io::{self, IsTerminal as _};
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use bus::{Client, ClientError, Topic, View};
use serde::Serialize;

use crate::failure::Failure;
use crate::following::{Follower, follow};
use crate::output::{Look, Output, inert_json, print};
use crate::screen::Screen;

/// How long the daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What has to be known of the figures while the bypass is on.
const NO_RATES: &str = "bypass is on: nothing is shaped or measured, so rates mean nothing";

/// A view that a command shows.
pub(crate) trait Shown: Serialize + Sized {
    /// This kind of view, when it is one.
    fn of(view: View) -> Option<Self>;
    /// Its text.
    fn text(&self, look: &Look) -> String;
}

/// Connects to the daemon.
pub(crate) fn connect(socket: &Path) -> Result<Client, Failure> {
    Ok(Client::connect(socket, ANSWER)?)
}

/// Shows the topic's view once, or each tick's until the program is ended.
pub(crate) fn read<V: Shown>(
    socket: &Path,
    topic: Topic,
    watch: bool,
    output: Output,
) -> Result<(), Failure> {
    if watch {
        return follow(socket, output, &mut Watched::<V>::new(topic, output));
    }
    let asked = topic.name();
    let view = connect(socket)?.show(topic)?;
    let has_rates = has_rates(&view);
    output.show(&known::<V>(view, asked)?, V::text)?;
    if !has_rates {
        output.note(&format!("note: {NO_RATES}\n"));
    }
    Ok(())
}

/// Whether its rates are any. A status tells by itself that they are not.
fn has_rates(view: &View) -> bool {
    matches!(view, View::Status(_)) || !view.is_bypassed()
}

/// A view that is shown again and again.
struct Watched<V> {
    topic: Topic,
    output: Output,
    /// From the first view on, where the output is a terminal.
    screen: Option<Screen>,
    view: PhantomData<V>,
}

impl<V: Shown> Watched<V> {
    fn new(topic: Topic, output: Output) -> Self {
        Self { topic, output, screen: None, view: PhantomData }
    }
}

impl<V: Shown> Follower for Watched<V> {
    fn topic(&mut self, _: &mut Client) -> Result<Topic, Failure> {
        Ok(self.topic.clone())
    }

    fn take(&mut self, view: View) -> Result<(), Failure> {
        let has_rates = has_rates(&view);
        let view = known::<V>(view, self.topic.name())?;
        let look = Output::look();
        if self.output.json {
            let json = serde_json::to_string(&view).map_err(Failure::Json)?;
            return print(&format!("{}\n", inert_json(&json)));
        }
        if self.screen.is_none() && io::stdout().is_terminal() {
            self.screen = Some(Screen::enter()?);
        }
        let mut text = view.text(&look);
        if !has_rates {
            text.insert_str(0, &look.warning(NO_RATES));
        }
        match &self.screen {
            Some(screen) => screen.draw(&text, &look),
            None => print(&format!("{text}\n")),
        }
    }
}

fn known<V: Shown>(view: View, asked: &'static str) -> Result<V, Failure> {
    V::of(view).ok_or_else(|| ClientError::Unexpected { asked }.into())
}
