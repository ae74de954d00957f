//! What the service manager is told (sd_notify(3)). Nothing where none has started this daemon.
//!
//! - here: the messages;
//! - [`Start`]: its patience while a start takes long;
//! - [`run`]: what it shows of the daemon, and its watchdog.

mod start;
mod status;
mod thread;

use std::process::Command;
use std::sync::Arc;

use bus::inert;
use sd_notify::NotifyState;
use tracing::warn;

use crate::shared::Shared;
pub use start::Start;
pub use thread::run;

/// By these names the service manager says where it listens, and for whom it is patient how long.
const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// Characters of a status that are shown.
const STATUS_MAX: usize = 240;

/// Whether a service manager listens.
pub fn is_there() -> bool {
    std::env::var_os(VARIABLES[0]).is_some()
}

/// Keeps a program from speaking to the service manager in our name.
pub fn keep_from(command: &mut Command) {
    for name in VARIABLES {
        command.env_remove(name);
    }
}

/// Clients are answered, and shaping is in force.
pub fn ready(shared: &Shared) {
    tell(&[NotifyState::Ready, NotifyState::Status(&line(&status::of(shared)))]);
}

/// What the daemon is about, for people: one line.
pub fn say(text: &str) {
    tell(&[NotifyState::Status(&line(text))]);
}

/// The end was asked for.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Another program takes over in this process, which tells that it is ready. Its threads are not there for a
/// while, so the watchdog is fed now.
pub fn handing_over() {
    tell_reloading(&[NotifyState::Watchdog, NotifyState::Status("handing over")]);
}

/// A reload that is under way; over when this is dropped, however it went.
#[derive(Debug)]
pub struct Reloading(Arc<Shared>);

impl Reloading {
    /// It begins.
    pub fn begin(shared: &Arc<Shared>) -> Self {
        tell_reloading(&[]);
        Self(Arc::clone(shared))
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        ready(&self.0);
    }
}

fn tell_reloading(more: &[NotifyState<'_>]) {
    let mut states = vec![NotifyState::Reloading];
    // by this it knows which reload one is, from systemd 253 on
    states.extend(NotifyState::monotonic_usec_now());
    states.extend_from_slice(more);
    tell(&states);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "could not tell the service manager");
    }
}

/// The first line of a text, inert: another line would be another message.
fn line(text: &str) -> String {
    let line = inert(text.lines().next().unwrap_or_default()).to_string();
    match line.char_indices().nth(STATUS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line_and_short() {
        assert_eq!(line("a\nREADY=1"), "a");
        assert!(!line("a\u{1b}[2Jb\rREADY=1").contains(['\u{1b}', '\r']));
        assert_eq!(line(&"ä".repeat(1_000)).chars().count(), STATUS_MAX + 3);
        assert_eq!(line(""), "");
    }

    #[test]
    fn a_program_is_kept_from_speaking_for_us() {
        let mut command = Command::new("env");
        command.env("NOTIFY_SOCKET", "/nowhere").env("WATCHDOG_USEC", "1");
        keep_from(&mut command);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(VARIABLES.iter().all(|name| !text.contains(name)), "{text}");
    }
}
