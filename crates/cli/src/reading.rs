//! A view once, or one a tick.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use bus::{Client, ClientError, Topic, View};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Look, Output, inert_json, print};
use crate::screen::{Screen, end_on_signals};

/// How long the daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

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
    let mut client = connect(socket)?;
    let asked = topic.name();
    if !watch {
        return output.show(&known::<V>(client.show(topic)?, asked)?, V::text);
    }
    end_on_signals()?;
    let redraws = !output.json && io::stdout().is_terminal();
    let screen = if redraws { Some(Screen::enter()?) } else { None };
    for view in client.subscribe(topic)? {
        let view = known::<V>(view?, asked)?;
        let look = Output::look();
        match &screen {
            Some(screen) => screen.draw(&view.text(&look), &look)?,
            None if output.json => {
                let json = serde_json::to_string(&view).map_err(Failure::Json)?;
                print(&format!("{}\n", inert_json(&json)))?;
            }
            None => print(&format!("{}\n", view.text(&look)))?,
        }
    }
    Ok(())
}

fn known<V: Shown>(view: View, asked: &'static str) -> Result<V, Failure> {
    V::of(view).ok_or_else(|| ClientError::Unexpected { asked }.into())
}
