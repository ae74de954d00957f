//! The one way to ask a thread or task to end.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use parking_lot::Mutex;
use tokio::sync::watch;

/// A message that is never sent: the channel of a [`Stop`] only ever disconnects.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

/// Asks for the end, once and for good. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Dropped to stop: every receiver then wakes.
    sender: Arc<Mutex<Option<Sender<Never>>>>,
    receiver: Receiver<Never>,
    stopped: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// One that has not been raised.
    pub fn new() -> Self {
        let (sender, receiver) = bounded(0);
        let sender = Arc::new(Mutex::new(Some(sender)));
        Self { sender, receiver, stopped: Arc::new(watch::Sender::new(false)) }
    }

    /// Asks for the end. Again is as good as once.
    pub fn stop(&self) {
        self.sender.lock().take();
        self.stopped.send_replace(true);
    }

    /// Whether the end was asked for.
    pub fn is_stopped(&self) -> bool {
        matches!(self.receiver.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Waits for `time`, or until the end is asked for; tells whether it was.
    pub fn sleep(&self, time: Duration) -> bool {
        matches!(self.receiver.recv_timeout(time), Err(RecvTimeoutError::Disconnected))
    }

    /// Waits until the end is asked for, on a thread.
    pub fn wait(&self) {
        // no message can come, so this returns when the channel disconnects
        let _ = self.receiver.recv();
    }

    /// Waits until the end is asked for, in a task.
    pub async fn stopped(&self) {
        // this value holds the sender, so the channel cannot close before the value is true
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// A channel that disconnects when the end is asked for, to select on.
    pub fn channel(&self) -> &Receiver<Never> {
        &self.receiver
    }
}
