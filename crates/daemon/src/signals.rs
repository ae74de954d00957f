//! What signals ask for: SIGTERM and SIGINT the end, SIGHUP a reload.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Caught};
use supervisor::Stop;
use tokio::sync::Notify;
use tracing::info;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Signals {
    reload: Arc<Notify>,
    handle: Handle,
    listener: Option<JoinHandle<()>>,
}

impl Signals {
    /// Listens, and raises `stop` when asked for the end.
    ///
    /// # Errors
    /// When the system gives no handler or thread.
    pub fn start(stop: Stop) -> io::Result<Self> {
        let mut caught = Caught::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = caught.handle();
        let reload = Arc::new(Notify::new());
        let asked = Arc::clone(&reload);
        let listen = move || {
            for signal in &mut caught {
                if signal == SIGHUP {
                    asked.notify_one();
                } else {
                    info!(signal, "asked to stop");
                    stop.stop();
                }
            }
        };
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(Self { reload, handle, listener: Some(listener) })
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
