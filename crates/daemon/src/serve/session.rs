//! One client: hello, then requests and pushes until it goes, errs or stalls.

use std::future::ready;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::{
    CaptureEnd, CaptureRequest, Cause, ErrorCode, EventKind, EventsQuery, FrameError, Incoming,
    Payload, Refusal, Reply, Request, ServerCodec, Severity, Topic, Welcome,
};
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::codec::Framed;
use tracing::{info, warn};

use super::actor::Client;
use super::peer::Identity;
use super::pushes::Pushes;
use super::views;
use crate::captures::{Running, Step};
use crate::reload::Reloader;
use crate::shared::Shared;

/// How long a client may take to say hello.
const HELLO_MAX: Duration = Duration::from_secs(5);

/// How long one that will be refused may take.
const STRANGER_HELLO_MAX: Duration = Duration::from_millis(500);

/// How long a client without subscriptions may be silent, half a frame included.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long a client may take to read one reply.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// Bytes of a reply that is copied before it is written.
const BUFFERED_MAX: usize = 64 * 1024;

/// Subscriptions of one client.
const SUBSCRIPTIONS_MAX: usize = 16;

/// One client.
pub struct Session {
    frames: Framed<UnixStream, ServerCodec>,
    client: Client,
    shared: Arc<Shared>,
    reloader: Reloader,
    pushes: Arc<Pushes>,
    ticks: watch::Receiver<u64>,
    subscriptions: Vec<Subscription>,
    capture: Option<Running>,
    last_heard: Instant,
}

/// What a client is sent each tick.
#[derive(Debug)]
struct Subscription {
    /// The id of the request.
    id: u64,
    /// For events, what comes after those that were sent.
    topic: Topic,
}

impl Subscription {
    /// Events up to this one have been sent.
    fn sent_upto(&mut self, event: u64) {
        if let Topic::Events(query) = &mut self.topic {
            query.after = query.after.max(event);
            // what it limits is how many old ones are shown first
            query.limit = EventsQuery::MAX_LIMIT;
        }
    }
}

impl Session {
    pub fn new(
        stream: UnixStream,
        identity: Identity,
        shared: Arc<Shared>,
        reloader: Reloader,
        pushes: Arc<Pushes>,
    ) -> Self {
        let ticks = shared.ticks.subscribe();
        Self {
            frames: Framed::new(stream, ServerCodec::serving(identity.role)),
            client: Client::new(identity),
            shared,
            reloader,
            pushes,
            ticks,
            subscriptions: Vec::new(),
            capture: None,
            last_heard: Instant::now(),
        }
    }

    /// Serves the client until it goes.
    ///
    /// # Errors
    /// When the connection breaks or a deadline passes.
    pub async fn run(mut self) -> Result<(), FrameError> {
        if !self.greet().await? {
            return Ok(());
        }
        self.ticks.mark_unchanged();
        loop {
            let subscribed = !self.subscriptions.is_empty();
            let capturing = self.capture.is_some();
            let silent_until = self.last_heard + IDLE_MAX;
            tokio::select! {
                incoming = self.frames.next() => {
                    let Some(incoming) = incoming else { return Ok(()) };
                    if !self.take(incoming).await? {
                        return Ok(());
                    }
                }
                changed = self.ticks.changed(), if subscribed => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.push().await?;
                }
                step = next_step(&mut self.capture), if capturing => self.follow_capture(step).await?,
                () = tokio::time::sleep_until(silent_until), if !subscribed && !capturing => {
                    return Ok(());
                }
            }
        }
    }

    /// Waits for hello and answers it; tells whether the client may stay.
    async fn greet(&mut self) -> Result<bool, FrameError> {
        let hello_max =
            if self.client.identity.role.is_some() { HELLO_MAX } else { STRANGER_HELLO_MAX };
        let deadline = Instant::now() + hello_max;
        let Ok(Some(first)) = timeout_at(deadline, self.frames.next()).await else {
            return Ok(false);
        };
        let (id, answer) = match self.readable(first).await? {
            None => return Ok(false),
            Some((id, Ok(Request::Hello(hello)))) => {
                self.client.calls_itself(&hello.client);
                (id, self.welcome(&hello).await)
            }
            Some((id, Ok(_))) => {
                (id, Err(Refusal::new(ErrorCode::Malformed, "the first request must be hello")))
            }
            Some((id, Err(refusal))) => (id, Err(refusal)),
        };
        let welcome = answer.is_ok();
        self.reply(id, answer.map_or_else(Reply::Error, Reply::Welcome)).await?;
        Ok(welcome)
    }

    async fn welcome(&mut self, hello: &bus::Hello) -> Result<Welcome, Refusal> {
        let Some(role) = self.client.identity.role else {
            self.tell_of_refusal("the bus, as a member of neither group").await;
            return Err(Refusal::new(
                ErrorCode::Denied,
                "only root and members of the groups named in [bus] may speak to the daemon",
            ));
        };
        Welcome::to(hello, role, env!("CARGO_PKG_VERSION"))
    }

    /// Acts on what came in; tells whether the stream goes on.
    async fn take(&mut self, incoming: Result<Incoming, FrameError>) -> Result<bool, FrameError> {
        self.last_heard = Instant::now();
        let Some((id, request)) = self.readable(incoming).await? else { return Ok(false) };
        let asks_to_make_way = matches!(request, Ok(Request::Handover));
        let answer = match request {
            Ok(request) => self.answer(id, request).await,
            Err(refusal) => Err(refusal),
        };
        let payload = answer.unwrap_or_else(|refusal| Payload::of(&Reply::Error(refusal)));
        let sent = self.send(id, &payload).await;
        if asks_to_make_way && self.reloader.handover().is_asked() {
            self.make_way(sent.is_ok()).await;
        }
        sent.map(|()| true)
    }

    /// Makes way, if whoever asked for it has been told so.
    async fn make_way(&mut self, is_told: bool) {
        if is_told {
            self.shared.stop.stop();
        } else if !self.shared.stop.is_stopped() {
            self.reloader.handover().withdraw();
            let text = "not making way: whoever asked for it has gone";
            warn!("{text}");
            self.tell(EventKind::Daemon, Severity::Warning, text).await;
        }
    }

    /// What is in a frame; nothing, after saying so to the client, when the stream is past repair.
    async fn readable(
        &mut self,
        incoming: Result<Incoming, FrameError>,
    ) -> Result<Option<(u64, Result<Request, Refusal>)>, FrameError> {
        match incoming {
            Ok(Incoming { id, request }) => Ok(Some((id, request))),
            Err(error) => {
                if let Some((id, refusal)) = error.refusal() {
                    self.reply(id, Reply::Error(refusal)).await?;
                }
                Err(error)
            }
        }
    }

    async fn answer(&mut self, id: u64, request: Request) -> Result<Payload, Refusal> {
        let Identity { role, uid, pid } = self.client.identity;
        let needed = request.role();
        if !role.is_some_and(|role| role.allows(needed)) {
            self.tell_of_refusal(request.name()).await;
            let text = format!("{} is for root and members of the admin group", request.name());
            return Err(Refusal::new(ErrorCode::Denied, text));
        }
        let reply = match request {
            Request::Hello(_) => {
                Err(Refusal::new(ErrorCode::Malformed, "hello has been said already"))
            }
            Request::Show(topic) => return Ok(views::shown(&self.shared, &topic).payload),
            Request::Subscribe(topic) => return self.subscribe(id, topic),
            Request::Unsubscribe(other) => {
                self.subscriptions.retain(|subscription| subscription.id != other);
                if self.capture.as_ref().is_some_and(|capture| capture.id == other) {
                    self.end_capture(CaptureEnd::Asked).await.map_err(|error| gone(&error))?;
                }
                Ok(Reply::Done)
            }
            Request::Capture(request) => {
                info!(uid, pid, target = %request.target, "capture");
                let cause = self.cause().await;
                self.start_capture(id, request, cause)
            }
            Request::Plan => return Ok(views::plan(&self.shared).await),
            Request::Reload { shrink } => {
                info!(uid, pid, shrink, "asked to reload");
                let cause = self.cause().await;
                self.reloader.reload(cause, shrink).await.map(Reply::Reloaded)
            }
            Request::Edit(edits) => {
                info!(uid, pid, edits = edits.edits.len(), "asked to change the configuration");
                let cause = self.cause().await;
                self.reloader.edit(edits, cause).await.map(Reply::Edited)
            }
            Request::Sources => self.reloader.sources().await.map(Reply::Sources),
            Request::Preview(edits) => self.reloader.preview(edits).await.map(Reply::Preview),
            Request::Handover => {
                info!(uid, pid, "asked to make way");
                let cause = self.cause().await;
                self.reloader.prepare_handover(cause).await.map(|()| Reply::Done)
            }
            Request::Bypass(on) => {
                info!(uid, pid, on, "bypass");
                self.shared.control.set_bypass(on);
                let (severity, what) = match on {
                    true => (Severity::Warning, "bypass on: nothing is shaped or measured"),
                    false => (Severity::Info, "bypass off"),
                };
                self.tell(EventKind::Bypass, severity, what).await;
                Ok(Reply::Done)
            }
        };
        reply.map(|reply| Payload::of(&reply))
    }

    async fn cause(&mut self) -> Cause {
        Cause::Client(self.client.actor().await)
    }

    async fn tell(&mut self, kind: EventKind, severity: Severity, text: impl Into<String>) {
        let cause = self.cause().await;
        self.shared.events.tell(kind, severity, cause, text);
    }

    /// Whoever asks again and again is told of now and then.
    async fn tell_of_refusal(&mut self, what: &'static str) {
        let Identity { uid, pid, .. } = self.client.identity;
        if self.shared.events.is_new_refusal(uid, what) {
            warn!(uid, pid, what, "refused");
            self.tell(EventKind::Refusal, Severity::Warning, format!("refused: {what}")).await;
        }
    }

    /// The first push is the answer; the others follow under the same id.
    fn subscribe(&mut self, id: u64, topic: Topic) -> Result<Payload, Refusal> {
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let text = format!("a client may have {SUBSCRIPTIONS_MAX} subscriptions");
            return Err(Refusal::new(ErrorCode::Busy, text));
        }
        let shown = views::shown(&self.shared, &topic);
        let mut subscription = Subscription { id, topic };
        subscription.sent_upto(shown.events_upto);
        self.subscriptions.retain(|other| other.id != id);
        self.subscriptions.push(subscription);
        Ok(shown.payload)
    }

    fn start_capture(
        &mut self,
        id: u64,
        request: CaptureRequest,
        cause: Cause,
    ) -> Result<Reply, Refusal> {
        if self.capture.is_some() {
            let text = "a client may have one capture at a time";
            return Err(Refusal::new(ErrorCode::Busy, text));
        }
        let (running, capturing) = Running::start(&self.shared, id, request, cause)?;
        self.capture = Some(running);
        Ok(Reply::Capturing(capturing))
    }

    async fn follow_capture(&mut self, step: Step) -> Result<(), FrameError> {
        match (step, self.capture.as_ref().map(|capture| capture.id)) {
            (Step::Packets(packets), Some(id)) => self.reply(id, Reply::Captured(packets)).await,
            (Step::Over(reason), Some(_)) => self.end_capture(reason).await,
            (_, None) => Ok(()),
        }
    }

    async fn end_capture(&mut self, reason: CaptureEnd) -> Result<(), FrameError> {
        let Some(mut capture) = self.capture.take() else { return Ok(()) };
        let id = capture.id;
        for batch in capture.under_way() {
            self.reply(id, Reply::Captured(batch)).await?;
        }
        self.reply(id, Reply::CaptureEnded(capture.end(reason))).await
    }

    /// Sends each subscription the newest tick. A client that reads slowly misses ticks: while it is
    /// written to, newer ones replace older.
    async fn push(&mut self) -> Result<(), FrameError> {
        let tick = *self.ticks.borrow_and_update();
        let mut subscriptions = std::mem::take(&mut self.subscriptions);
        for subscription in &mut subscriptions {
            self.push_one(tick, subscription).await?;
        }
        let missed = self.ticks.borrow().saturating_sub(tick + 1) * subscriptions.len() as u64;
        self.shared.views_missed.fetch_add(missed, Ordering::Relaxed);
        self.subscriptions = subscriptions;
        Ok(())
    }

    /// Sends one subscription's view when it is this client's turn. Whoever does not take it at once has
    /// others go before.
    async fn push_one(
        &mut self,
        tick: u64,
        subscription: &mut Subscription,
    ) -> Result<(), FrameError> {
        let pushes = Arc::clone(&self.pushes);
        let turn = pushes.turn().await;
        let shown = pushes.shown(&self.shared, tick, &subscription.topic).await;
        subscription.sent_upto(shown.events_upto);
        let mut sending = pin!(self.send(subscription.id, &shown.payload));
        tokio::select! {
            biased;
            sent = &mut sending => return sent,
            () = ready(()) => drop(turn),
        }
        sending.await
    }

    async fn reply(&mut self, id: u64, reply: Reply) -> Result<(), FrameError> {
        self.send(id, &Payload::of(&reply)).await
    }

    async fn send(&mut self, id: u64, payload: &Payload) -> Result<(), FrameError> {
        match timeout(WRITE_MAX, self.write(id, payload)).await {
            Ok(written) => written,
            Err(_) => {
                let late = io::Error::new(io::ErrorKind::TimedOut, "the client does not read");
                Err(late.into())
            }
        }
    }

    /// A long payload is not copied into the buffer, which would be as long for as long as the client stays.
    async fn write(&mut self, id: u64, payload: &Payload) -> Result<(), FrameError> {
        if payload.len() <= BUFFERED_MAX {
            return self.frames.send((id, payload)).await;
        }
        // what was sent before has left the buffer
        for mut part in payload.frame(id) {
            self.frames.get_mut().write_all_buf(&mut part).await?;
        }
        Ok(())
    }
}

/// What comes of the capture next; never anything without one.
async fn next_step(capture: &mut Option<Running>) -> Step {
    match capture {
        Some(capture) => capture.next().await,
        None => std::future::pending().await,
    }
}

/// The connection broke while something was said on it: whatever is answered will not arrive.
fn gone(error: &FrameError) -> Refusal {
    Refusal::new(ErrorCode::Internal, error.to_string())
}
