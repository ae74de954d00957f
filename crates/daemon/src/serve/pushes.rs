//! What subscribers are sent each tick: made and encoded once, however many have asked for it.

use std::collections::HashMap;
use std::sync::Arc;

use bus::Topic;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::views::{self, Shown};
use crate::shared::Shared;

/// Bytes of a tick that are kept for other subscribers, with what they asked for. What is over is made for each.
const KEPT_MAX: usize = 64 * 1024 * 1024;

/// Subscribers that are served at the same time. Others wait in line, so that a request that comes in meanwhile
/// waits for these few and not for all of them.
const AT_ONCE: usize = 4;

/// The payloads of the newest tick.
#[derive(Debug)]
pub struct Pushes {
    made: Mutex<Made>,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Made {
    tick: u64,
    payloads: HashMap<Topic, Arc<OnceCell<Shown>>>,
    bytes: usize,
}

impl Default for Pushes {
    fn default() -> Self {
        Self { made: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Pushes {
    /// Waits for this subscriber's turn.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // it is never closed
        self.turns.acquire().await.ok()
    }

    /// What subscribers to `topic` are sent at `tick`.
    pub async fn shown(&self, shared: &Shared, tick: u64, topic: &Topic) -> Shown {
        let cell = self.cell(tick, topic);
        let make = || async {
            let shown = views::shown(shared, topic);
            self.made.lock().bytes += shown.payload.len();
            shown
        };
        match cell {
            Some(cell) => cell.get_or_init(make).await.clone(),
            None => make().await,
        }
    }

    /// Where the payload is kept; none when there is no more room.
    fn cell(&self, tick: u64, topic: &Topic) -> Option<Arc<OnceCell<Shown>>> {
        let mut made = self.made.lock();
        if made.tick < tick {
            *made = Made { tick, ..Made::default() };
        }
        if let Some(cell) = made.payloads.get(topic) {
            return Some(Arc::clone(cell));
        }
        let cell = (made.bytes < KEPT_MAX).then(Arc::default)?;
        made.bytes += taken(topic);
        made.payloads.insert(topic.clone(), Arc::clone(&cell));
        Some(cell)
    }
}

/// Bytes that a place takes before there is a payload: the topic with its texts, and the cell.
fn taken(topic: &Topic) -> usize {
    // a topic is written out as its texts and little more
    size_of::<(Topic, OnceCell<Shown>)>() + format!("{topic:?}").len()
}

#[cfg(test)]
mod tests {
    use bus::CircuitsQuery;

    use super::*;

    fn topic(filter: String) -> Topic {
        Topic::Circuits(CircuitsQuery { filter, ..CircuitsQuery::default() })
    }

    #[test]
    fn what_was_asked_for_counts_too() {
        let pushes = Pushes::default();
        let long = |n: usize| topic(format!("{n}{}", "x".repeat(1024 * 1024)));
        let kept = (0..100).take_while(|n| pushes.cell(1, &long(*n)).is_some()).count();
        assert!((60..=64).contains(&kept), "{kept}");
        assert!(pushes.cell(1, &long(0)).is_some(), "who is kept is found");
        assert!(pushes.cell(2, &long(99)).is_some(), "the next tick begins anew");
        assert!(taken(&topic(String::new())) > size_of::<Topic>());
    }
}
