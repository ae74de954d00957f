//! What signals ask for: SIGTERM and SIGINT the end of everything, SIGUSR1 that of the daemon alone, SIGHUP a
//! reload.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals as Caught};
use supervisor::Stop;
use tokio::sync::Notify;
use tracing::info;

/// The signals, for `--help`.
pub const HELP: &str = "\
Signals:
  SIGHUP           read the configuration again
  SIGTERM, SIGINT  stop, and take programs, queues and settings of the NICs down
  SIGUSR1          stop, and leave them at work for the next daemon; the service's unit sends this";

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Signals {
    reload: Arc<Notify>,
    ends: Arc<AtomicBool>,
    leaves: Arc<AtomicBool>,
    handle: Handle,
    listener: Option<JoinHandle<()>>,
}

impl Signals {
    /// Listens, and raises `stop` when asked for the end.
    ///
    /// # Errors
    /// When the system gives no handler or thread.
    pub fn start(stop: Stop) -> io::Result<Self> {
        let mut caught = Caught::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1])?;
        let handle = caught.handle();
        let reload = Arc::new(Notify::new());
        let asked = Arc::clone(&reload);
        let (ends, leaves) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (end, leave) = (Arc::clone(&ends), Arc::clone(&leaves));
        let listen = move || {
            let mut all_gone = false;
            for signal in &mut caught {
                if signal == SIGHUP {
                    asked.notify_one();
                } else {
                    info!(signal, "asked to stop");
                    // whoever wants all gone has the last word
                    all_gone |= signal != SIGUSR1;
                    leave.store(!all_gone, Ordering::Release);
                    end.store(true, Ordering::Release);
                    stop.stop();
                }
            }
        };
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(Self { reload, ends, leaves, handle, listener: Some(listener) })
    }

    /// Whether the end was asked for.
    pub fn end_asked(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// Whether what is in the kernel is to stay at work when the daemon has ended.
    pub fn leave_all(&self) -> bool {
        self.leaves.load(Ordering::Acquire)
    }

    /// Waits until a reload is asked for, or was since the last time.
    pub async fn reload_asked(&self) {
        self.reload.notified().await;
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(listener) = self.listener.take() {
            // its loop ends with the handle and cannot panic
            let _ = listener.join();
        }
    }
}
