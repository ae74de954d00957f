//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long to rest between two looks.
const POLL: Duration = Duration::from_millis(5);

/// Looks again and again until `ready` gives a value.
///
/// # Errors
/// When `ready` fails, or when `deadline` passes first; the message names `what`.
pub fn wait_until<T>(
    what: &str,
    deadline: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            bail!("waited {:.1} s in vain for {what}", deadline.as_secs_f64());
        }
        std::thread::sleep(POLL);
    }
}
