//! The connection to the daemon, on a thread of its own: made again whenever it is lost.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::{io, thread};

use bus::{AsyncClient, ClientError, Reply, Topic};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::ANSWER;
use super::input::{Farewell, Input};
use crate::app::{Event, Slot, Wish};

/// The pause before the first attempt to reach the daemon again; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The status comes each second: a daemon that is silent for so long is as good as gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What is told and not yet taken. While a terminal takes no text, nothing is: then no more is read from the
/// daemon, which leaves out views for those who do not read, and counts them.
const WAITING_MAX: usize = 16;

/// Asks for what is wished for over this connection, and over others when it is lost. It ends when
/// nobody can wish for anything any more.
pub(super) fn follow(
    runtime: Runtime,
    client: AsyncClient,
    path: PathBuf,
    told: Sender<Input>,
) -> io::Result<UnboundedSender<Wish>> {
    // bounded by what is wished for: a handful with each key
    let (wish, wishes) = unbounded_channel();
    let link = move || {
        let room = Arc::new(Semaphore::new(WAITING_MAX));
        let link = Link { path, told: Farewell("connection", told), room, wishes };
        runtime.block_on(link.run(client));
    };
    thread::Builder::new().name("connection".to_owned()).spawn(link)?;
    Ok(wish)
}

struct Link {
    path: PathBuf,
    told: Farewell,
    room: Arc<Semaphore>,
    wishes: UnboundedReceiver<Wish>,
}

/// Why a connection is given up.
enum End {
    /// It is lost, for this reason.
    Lost(String),
    /// Nobody wishes for anything any more.
    Over,
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused(refusal) => Self::Lost(format!("{error}: {refusal}")),
            _ => Self::Lost(error.to_string()),
        }
    }
}

impl Link {
    async fn run(mut self, first: AsyncClient) {
        let mut client = Ok(first);
        let mut pause = PAUSE_MIN;
        loop {
            let end = match client {
                Ok(client) => {
                    let since = Instant::now();
                    let end = self.serve(client).await;
                    // a connection that lasts means that the daemon is well
                    pause = if since.elapsed() > PAUSE_MAX { PAUSE_MIN } else { pause };
                    end
                }
                Err(error) => End::from(error),
            };
            let End::Lost(why) = end else { return };
            self.tell(Event::Lost { why }).await;
            if !self.rest(pause).await {
                return;
            }
            pause = (2 * pause).min(PAUSE_MAX);
            client = AsyncClient::connect(&self.path, ANSWER).await;
        }
    }

    async fn tell(&self, event: Event) {
        // it is never closed; the program ends when nobody listens, and this with it
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return };
        let _ = self.told.1.send(Input::Told(event, room));
    }

    /// Waits; what is wished for meanwhile is wished for again when there is a connection. Tells
    /// whether to go on.
    async fn rest(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            match timeout_at(until, self.wishes.recv()).await {
                Err(_) => return true,
                Ok(None) => return false,
                Ok(Some(_)) => {}
            }
        }
    }

    async fn serve(&mut self, client: AsyncClient) -> End {
        self.tell(Event::Connected).await;
        let mut session = Session { client, asked: BTreeMap::new() };
        loop {
            let ended = tokio::select! {
                wish = self.wishes.recv() => match wish {
                    None => return End::Over,
                    Some(wish) => session.grant(wish).await.map_err(End::from),
                },
                reply = timeout(SILENCE_MAX, session.client.next_of_any()) => match reply {
                    Err(_) => Err(End::Lost(format!("the daemon is silent for {} s", SILENCE_MAX.as_secs()))),
                    Ok(Err(error)) => Err(error.into()),
                    Ok(Ok((id, reply))) => match session.take(id, reply) {
                        Ok(Some(event)) => {
                            self.tell(event).await;
                            Ok(())
                        }
                        Ok(None) => Ok(()),
                        Err(end) => Err(end),
                    },
                },
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }
}

/// One connection with what was asked over it.
struct Session {
    client: AsyncClient,
    asked: BTreeMap<u64, (Slot, Topic)>,
}

impl Session {
    async fn grant(&mut self, wish: Wish) -> Result<(), ClientError> {
        match wish {
            Wish::Subscribe(slot, topic) => {
                self.end(slot).await?;
                let id = self.client.subscribe(topic.clone()).await?;
                self.asked.insert(id, (slot, topic));
            }
            Wish::Ask(slot, topic) => {
                let id = self.client.ask(topic.clone()).await?;
                self.asked.insert(id, (slot, topic));
            }
            Wish::Unsubscribe(slot) => self.end(slot).await?,
            Wish::Repaint | Wish::Suspend | Wish::Quit => {}
        }
        Ok(())
    }

    /// Ends what was asked for a slot.
    async fn end(&mut self, slot: Slot) -> Result<(), ClientError> {
        let old: Vec<u64> =
            self.asked.iter().filter(|(_, (of, _))| *of == slot).map(|(id, _)| *id).collect();
        for id in old {
            self.asked.remove(&id);
            self.client.unsubscribe(id).await?;
        }
        Ok(())
    }

    /// What a reply means. Views of what is no longer asked mean nothing.
    fn take(&mut self, id: u64, reply: Reply) -> Result<Option<Event>, End> {
        if let (0, Reply::Error(refusal)) = (id, &reply) {
            return Err(End::Lost(format!("the daemon refused: {refusal}")));
        }
        let Some((slot, topic)) = self.asked.get(&id).cloned() else { return Ok(None) };
        if slot == Slot::History {
            self.asked.remove(&id);
        }
        Ok(match reply {
            Reply::View(view) => Some(Event::Arrived(slot, topic, Box::new(view))),
            // the subscription goes on: what is not there now may be there later
            Reply::Error(refusal) => Some(Event::Refused(slot, topic, refusal)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn what_nobody_takes_keeps_more_from_being_told() {
        let (told, inputs) = mpsc::channel();
        let room = Arc::new(Semaphore::new(WAITING_MAX));
        let (_wish, wishes) = unbounded_channel();
        let link = Link { path: PathBuf::new(), told: Farewell("connection", told), room, wishes };
        let mut telling = pin!(async {
            for _ in 0..2 * WAITING_MAX {
                link.tell(Event::Connected).await;
            }
        });
        let mut context = Context::from_waker(Waker::noop());
        assert!(telling.as_mut().poll(&mut context).is_pending());
        assert_eq!(inputs.try_iter().count(), WAITING_MAX);
        assert!(telling.as_mut().poll(&mut context).is_ready());
        assert_eq!(inputs.try_iter().count(), WAITING_MAX);
    }
}
