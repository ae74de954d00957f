//! A topic followed over as many connections as it takes: a daemon that is restarted or hands over comes back.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bus::{Client, ClientError, Topic, View};

use crate::failure::Failure;
use crate::output::Output;
use crate::reading::connect;
use crate::screen::end_on_signals;

/// For how long a daemon that has gone is waited for: one with 50,000 circuits takes three minutes to start.
const AWAY_MAX: Duration = Duration::from_secs(300);

/// Between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is shown the views.
pub(crate) trait Follower {
    /// What to subscribe to over this connection, which may be another daemon's than the last.
    fn topic(&mut self, client: &mut Client) -> Result<Topic, Failure>;
    /// The next view.
    fn take(&mut self, view: View) -> Result<(), Failure>;
}

/// Shows a view each tick until the program is ended, the daemon refuses, or stays away.
pub(crate) fn follow(
    socket: &Path,
    output: Output,
    follower: &mut impl Follower,
) -> Result<(), Failure> {
    let mut connected = Ok(connect(socket)?);
    end_on_signals()?;
    let mut patience = Patience::default();
    loop {
        let failure = match connected {
            Ok(client) => show(client, follower, &mut patience),
            Err(failure) => failure,
        };
        let is_told = patience.since.is_some();
        if !patience.bears(&failure, Instant::now()) {
            return Err(failure);
        }
        if !is_told {
            output.note(&format!("{failure}; waiting for it to come back"));
        }
        thread::sleep(PAUSE);
        connected = connect(socket);
    }
}

/// Shows what comes over one connection until that ends, and tells why it did.
fn show(mut client: Client, follower: &mut impl Follower, patience: &mut Patience) -> Failure {
    let mut views = || -> Result<(), Failure> {
        let topic = follower.topic(&mut client)?;
        for view in client.subscribe(topic)? {
            follower.take(view?)?;
            patience.shown();
        }
        Ok(())
    };
    // a subscription ends by an error alone
    views().err().unwrap_or_else(|| ClientError::Closed.into())
}

/// How long a daemon is waited for.
#[derive(Debug, Default)]
struct Patience {
    /// One that has never shown anything is not waited for.
    has_shown: bool,
    /// Since when it is away.
    since: Option<Instant>,
}

impl Patience {
    /// The daemon is there, and has shown something.
    fn shown(&mut self) {
        *self = Self { has_shown: true, since: None };
    }

    /// Whether to wait on after this failure.
    fn bears(&mut self, failure: &Failure, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        self.has_shown && is_away(failure) && now.duration_since(since) < AWAY_MAX
    }
}

/// Whether the daemon is away. While one starts, its socket is there before it is everybody's.
fn is_away(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Bus(
            ClientError::Closed
                | ClientError::Timeout { .. }
                | ClientError::NotRunning { .. }
                | ClientError::PermissionDenied { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use bus::{ErrorCode, Refusal};

    use super::*;

    #[test]
    fn a_daemon_that_was_there_is_waited_for_and_not_forever() {
        let (now, closed) = (Instant::now(), || ClientError::Closed.into());
        assert!(!Patience::default().bears(&closed(), now), "it has shown nothing");
        let mut patience = Patience::default();
        patience.shown();
        assert!(patience.bears(&closed(), now));
        assert!(patience.bears(&closed(), now + AWAY_MAX - PAUSE));
        assert!(!patience.bears(&closed(), now + AWAY_MAX));
        patience.shown();
        assert!(patience.bears(&closed(), now + AWAY_MAX), "it was there meanwhile");
        let refusal = Refusal::new(ErrorCode::NotFound, "no such node");
        assert!(!patience.bears(&ClientError::Refused(refusal).into(), now + AWAY_MAX));
    }
}
