//! A host that is far away.
//!
//! The addresses of one of the lab's hosts move into a namespace behind it, and a thread carries the
//! frames between the two, each held back for a while. It keeps frames whole and in order, needs no
//! kernel module, and is made for the rates of tests, not for speed.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{MsgFlags, recv, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{HOST_NIC, Lab, Namespace, Place, raw, topology};

/// The NIC between the near namespace and the far one.
const RELAY_NIC: &str = "relay0";
/// The largest frame.
const FRAME: usize = 65_536;
/// Frames that one direction holds; more are lost, as on a wire with a short queue.
const HELD_MAX: usize = 4096;
/// How long the thread may take to notice that it is to stop.
const STOP_LATENCY: Duration = Duration::from_millis(50);

/// A host moved away by a delay, until this is dropped (the lab then has one host less).
#[derive(Debug)]
pub struct DelayRelay {
    far: Namespace,
    held: Arc<Held>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How long frames were held, by direction: towards the host, from it.
type Held = [Mutex<Vec<Duration>>; 2];

impl DelayRelay {
    /// Moves a host with its addresses away: each frame takes `delay` longer, each way.
    ///
    /// # Errors
    /// When the namespace, its NICs or the sockets cannot be made.
    pub fn insert(lab: &Lab, place: Place, addresses: &[IpAddr], delay: Duration) -> Result<Self> {
        let near = lab.namespace(place);
        let far = Namespace::create(format!("{}-far", near.name()))?;
        topology::move_away(lab.folder(), near, &far, RELAY_NIC, addresses)?;
        let open = |nic: &str| near.inside(|| raw::open_socket(nic).map(|(fd, _)| fd));
        let wires = Wires { sockets: [open(HOST_NIC)?, open(RELAY_NIC)?], delay };
        let held = Arc::new(Held::default());
        let stop = Arc::new(AtomicBool::new(false));
        let (records, seen) = (Arc::clone(&held), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("delay-relay".to_owned())
            .spawn(move || {
                if let Err(error) = wires.carry(&records, &seen) {
                    eprintln!("the relay stopped: {error:#}");
                }
            })
            .context("could not start the relay")?;
        Ok(Self { far, held, stop, thread: Some(thread) })
    }

    /// Where the host is now.
    pub const fn namespace(&self) -> &Namespace {
        &self.far
    }

    /// What the relay really added to a round trip so far: the median of either direction.
    pub fn round_trip(&self) -> Duration {
        self.held.iter().map(median).sum()
    }
}

impl Drop for DelayRelay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed; the lab goes either way.
            let _ = thread.join();
        }
    }
}

fn median(held: &Mutex<Vec<Duration>>) -> Duration {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
    held.sort_unstable();
    held.get(held.len() / 2).copied().unwrap_or_default()
}

/// A frame that waits.
struct Waiting {
    arrived: Instant,
    frame: Vec<u8>,
}

/// The two sockets between which frames go.
struct Wires {
    sockets: [OwnedFd; 2],
    delay: Duration,
}

impl Wires {
    fn carry(&self, held: &Held, stop: &AtomicBool) -> Result<()> {
        let mut queues = [VecDeque::new(), VecDeque::new()];
        let mut buffer = vec![0; FRAME];
        while !stop.load(Ordering::Relaxed) {
            self.wait(&queues)?;
            for (socket, queue) in self.sockets.iter().zip(&mut queues) {
                receive_all(socket, queue, &mut buffer)?;
            }
            for (from, queue) in queues.iter_mut().enumerate() {
                self.send_due(&self.sockets[1 - from], queue, &held[from]);
            }
        }
        Ok(())
    }

    /// Until a frame comes or is due.
    fn wait(&self, queues: &[VecDeque<Waiting>; 2]) -> Result<()> {
        let due = queues.iter().filter_map(VecDeque::front).map(|first| first.arrived + self.delay);
        let left =
            due.min().map_or(STOP_LATENCY, |due| due.saturating_duration_since(Instant::now()));
        let left = left.min(STOP_LATENCY);
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut polled = [
            PollFd::from_borrowed_fd(self.sockets[0].as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.sockets[1].as_fd(), PollFlags::IN),
        ];
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("could not wait for frames"),
        }
    }

    /// A NIC that refuses a frame loses it, as a wire may.
    fn send_due(&self, to: &OwnedFd, queue: &mut VecDeque<Waiting>, held: &Mutex<Vec<Duration>>) {
        while let Some(first) = queue.front() {
            let waited = first.arrived.elapsed();
            if waited < self.delay {
                break;
            }
            if send(to.as_raw_fd(), &first.frame, MsgFlags::empty()).is_ok() {
                held.lock().unwrap_or_else(PoisonError::into_inner).push(waited);
            }
            queue.pop_front();
        }
    }
}

fn receive_all(socket: &OwnedFd, queue: &mut VecDeque<Waiting>, buffer: &mut [u8]) -> Result<()> {
    loop {
        match recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) if queue.len() < HELD_MAX => {
                let frame = buffer[..length].to_vec();
                queue.push_back(Waiting { arrived: Instant::now(), frame });
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(nix::Error::EAGAIN) => return Ok(()),
            Err(error) => return Err(error).context("could not receive a frame"),
        }
    }
}
