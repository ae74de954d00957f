//! One client that asks for little, and several that ask as fast as they can.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bus::{CircuitsQuery, Client, Topic};

use crate::network::{RATED, id};

/// Requests that are timed in one round,
const REQUESTS: u32 = 5_000;

/// and the time between them.
const PACE: Duration = Duration::from_millis(2);

/// Clients that ask as fast as they can, and for how long.
const FLOODING: usize = 4;
const FLOOD: Duration = Duration::from_secs(3);

/// How long answers took, in microseconds.
pub(super) struct Waited {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// One circuit: a small request, whatever the size of the network.
fn small() -> Topic {
    Topic::Circuits(CircuitsQuery { id: Some(id(RATED)), limit: 1, ..CircuitsQuery::default() })
}

/// Asks at fixed times.
pub(super) fn probe(client: &mut Client) -> Result<Waited> {
    let begun = Instant::now();
    let mut waited = Vec::with_capacity(REQUESTS as usize);
    for number in 0..REQUESTS {
        let due = begun + PACE * number;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            thread::sleep(early);
        }
        // a sleep that lasts too long is this side's, an answer that is late is the daemon's
        let due = if number > 0 && waited.last() > Some(&PACE) { due } else { Instant::now() };
        client.show(small())?;
        waited.push(due.elapsed());
    }
    waited.sort_unstable();
    let at = |percent: usize| waited[waited.len() * percent / 100].as_secs_f64() * 1e6;
    Ok(Waited { p50_us: at(50), p99_us: at(99) })
}

/// Requests a second of several clients that ask as fast as they can.
pub(super) fn flood(connect: impl Fn() -> Result<Client>) -> Result<f64> {
    let clients = (0..FLOODING).map(|_| connect()).collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    let asked: u64 = thread::scope(|scope| {
        let ask = |mut client: Client| -> Result<u64> {
            let mut asked = 0;
            while begun.elapsed() < FLOOD {
                client.show(small())?;
                asked += 1;
            }
            Ok(asked)
        };
        let asking: Vec<_> =
            clients.into_iter().map(|client| scope.spawn(move || ask(client))).collect();
        asking
            .into_iter()
            .map(|it| it.join().ok().context("a client panicked")?)
            .sum::<Result<u64>>()
    })?;
    Ok(asked as f64 / begun.elapsed().as_secs_f64())
}
