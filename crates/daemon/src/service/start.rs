//! The service manager's patience while a start takes long.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use supervisor::Stop;

use super::{is_there, tell};

/// How long a start may take: 50,000 circuits put into the kernel from nothing take three minutes.
const START_MAX: Duration = Duration::from_secs(15 * 60);

/// How often it is asked for more time.
const EVERY: Duration = Duration::from_secs(5);

/// How much more it is asked for each time, in microseconds.
const MORE_US: u32 = 30_000_000;

/// A start that is under way, until this is dropped. The service manager waits for it, within bounds; so
/// does its watchdog where the program before handed over to this one in the same process.
#[derive(Debug)]
pub struct Start {
    stop: Stop,
    asking: Option<JoinHandle<()>>,
}

impl Start {
    /// It begins.
    pub fn begin() -> Self {
        let stop = Stop::new();
        let asked = stop.clone();
        let ask = move || {
            let began = Instant::now();
            while began.elapsed() < START_MAX {
                tell(&[NotifyState::ExtendTimeoutUsec(MORE_US), NotifyState::Watchdog]);
                if asked.sleep(EVERY) {
                    return;
                }
            }
        };
        let ask = || thread::Builder::new().name("start".to_owned()).spawn(ask);
        // without the thread a start may take as long as the unit says
        let asking = is_there().then(ask).and_then(Result::ok);
        Self { stop, asking }
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(asking) = self.asking.take() {
            // it has no way to panic
            let _ = asking.join();
        }
    }
}
