//! A daemon that serves the made-up provider over a socket.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use bus::{Reply, Request, Role, ServerCodec, Topic, Welcome};
use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

use super::Provider;

/// The tick at which it is asked first, so that there is some history.
const FIRST_TICK: u64 = 1_000;

/// A daemon for as many clients as come. Dropping it ends their connections and removes its socket, as
/// when a daemon ends.
#[derive(Debug)]
pub struct StandIn {
    path: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    provider: Provider,
    period: Duration,
    began: Instant,
    over: AtomicBool,
    clients: Mutex<Vec<UnixStream>>,
    asked: Mutex<Vec<Request>>,
}

impl StandIn {
    /// Serves the provider on this socket, a tick each period.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(provider: Provider, path: &Path, period: Duration) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let shared = Arc::new(Shared {
            provider,
            period,
            began: Instant::now(),
            over: AtomicBool::new(false),
            clients: Mutex::default(),
            asked: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if accepting.over.load(Ordering::Acquire) {
                    return;
                }
                let Ok(own) = stream.try_clone() else { return };
                accepting.clients.lock().unwrap_or_else(PoisonError::into_inner).push(own);
                let serving = Arc::clone(&accepting);
                thread::spawn(move || serving.serve(stream));
            }
        });
        Ok(Self { path: path.to_owned(), shared })
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Request> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        let _ = fs::remove_file(&self.path);
        for client in self.shared.clients.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // one that went before needs no end
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Shared {
    fn tick(&self) -> u64 {
        let passed = self.began.elapsed().as_millis() / self.period.as_millis().max(1);
        FIRST_TICK + u64::try_from(passed).unwrap_or(0)
    }

    /// Serves one client until it goes.
    fn serve(&self, mut stream: UnixStream) {
        let mut subscribed: BTreeMap<u64, Topic> = BTreeMap::new();
        let (mut received, mut chunk) = (BytesMut::new(), [0; 4096]);
        let mut tick = self.tick();
        loop {
            let next = self.period * u32::try_from(tick + 1 - FIRST_TICK).unwrap_or(u32::MAX);
            let wait = next.saturating_sub(self.began.elapsed()).max(Duration::from_millis(1));
            let mut out = BytesMut::new();
            let read = stream.set_read_timeout(Some(wait)).and_then(|()| stream.read(&mut chunk));
            match read {
                Ok(0) => return,
                Ok(count) => received.extend_from_slice(&chunk[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
            while let Ok(Some(incoming)) = codec().decode(&mut received) {
                let Ok(request) = incoming.request else { return };
                let reply = self.answer(incoming.id, &request, &mut subscribed);
                self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                encode(incoming.id, &reply, &mut out);
            }
            if self.tick() > tick {
                tick = self.tick();
                // events come once, and nothing happens here
                let pushed =
                    subscribed.iter().filter(|(_, topic)| !matches!(topic, Topic::Events(_)));
                for (id, topic) in pushed {
                    encode(*id, &self.show(topic, tick), &mut out);
                }
            }
            if stream.write_all(&out).is_err() {
                return;
            }
        }
    }

    fn show(&self, topic: &Topic, tick: u64) -> Reply {
        self.provider.view(topic, tick).map_or_else(Reply::Error, Reply::View)
    }

    fn answer(&self, id: u64, request: &Request, subscribed: &mut BTreeMap<u64, Topic>) -> Reply {
        match request {
            Request::Hello(hello) => {
                Welcome::to(hello, Role::Read, "0.1.0").map_or_else(Reply::Error, Reply::Welcome)
            }
            Request::Show(topic) => self.show(topic, self.tick()),
            Request::Subscribe(topic) => {
                subscribed.insert(id, topic.clone());
                self.show(topic, self.tick())
            }
            Request::Unsubscribe(other) => {
                subscribed.remove(other);
                Reply::Done
            }
            other => {
                let text = format!("{} is for root and members of the admin group", other.name());
                Reply::Error(bus::Refusal::new(bus::ErrorCode::Denied, text))
            }
        }
    }
}

fn codec() -> ServerCodec {
    ServerCodec::serving(Some(Role::Read))
}

fn encode(id: u64, reply: &Reply, out: &mut BytesMut) {
    // a view too large for a frame is none that this provider has
    let _ = codec().encode((id, reply), out);
}
