//! What signals ask for: SIGTERM and SIGINT the end of everything, SIGUSR1 that of the daemon alone, SIGHUP a
//! reload.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
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

/// What is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The daemon with all that it has in the kernel.
    Everything,
    /// The daemon; what is in the kernel stays at work.
    DaemonAlone,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Signals {
    reload: Arc<Notify>,
    end: Arc<Mutex<Option<End>>>,
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
        let end = Arc::new(Mutex::new(None));
        let wanted = Arc::clone(&end);
        let listen = move || {
            for signal in &mut caught {
                if signal == SIGHUP {
                    asked.notify_one();
                } else {
                    info!(signal, "asked to stop");
                    wish(&mut wanted.lock(), signal);
                    stop.stop();
                }
            }
        };
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(Self { reload, end, handle, listener: Some(listener) })
    }

    /// What was asked to end by now.
    pub fn end(&self) -> Option<End> {
        *self.end.lock()
    }

    /// Waits until a reload is asked for, or was since the last time.
    pub async fn reload_asked(&self) {
        self.reload.notified().await;
    }
}

/// Whoever wants all gone has the last word.
fn wish(end: &mut Option<End>, signal: i32) {
    let alone = signal == SIGUSR1 && *end != Some(End::Everything);
    *end = Some(if alone { End::DaemonAlone } else { End::Everything });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_all_gone_has_the_last_word() {
        for (signals, end) in [
            (&[SIGUSR1][..], End::DaemonAlone),
            (&[SIGTERM], End::Everything),
            (&[SIGINT, SIGUSR1], End::Everything),
            (&[SIGUSR1, SIGTERM, SIGUSR1], End::Everything),
        ] {
            let mut wanted = None;
            signals.iter().for_each(|signal| wish(&mut wanted, *signal));
            assert_eq!(wanted, Some(end), "{signals:?}");
        }
    }
}
