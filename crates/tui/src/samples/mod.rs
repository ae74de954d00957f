//! A made-up provider, the same at each call, and a daemon that serves it: for tests, screenshots and
//! benchmarks.

mod circuits;
mod daemon;
mod flows;
mod screens;
mod status;
mod tree;

use bus::{HistoryPoint, HistoryView, Refusal, Topic, View};
use units::{PerDirection, PerSegment};

pub use daemon::StandIn;
pub use screens::{Screen, Viewer, keys_table, screens, text, viewer, viewer_of};

/// A name that clears the screen, turns the writing direction and breaks the line.
pub const HOSTILE: &str = "Mallory\x1b[2J\u{9b}31m\u{202e}evil\r\nline";

/// Ticks that the daemon remembers.
const HISTORY: u64 = 900;

/// A provider with so many subscribers.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    circuits: u32,
}

impl Provider {
    /// A provider with so many subscribers.
    pub fn new(circuits: u32) -> Self {
        Self { circuits }
    }

    /// What the daemon would show of it.
    ///
    /// # Errors
    /// When the query names a circuit that does not exist.
    pub fn view(&self, topic: &Topic, tick: u64) -> Result<View, Refusal> {
        Ok(match topic {
            Topic::Status => View::Status(Box::new(status::status(self.circuits, tick))),
            Topic::Tree(_) => View::Tree(tree::tree(self.circuits, tick)),
            Topic::Circuits(query) => View::Circuits(circuits::page(self.circuits, query, tick)?),
            Topic::Queues => View::Queues(status::queues(tick)),
            Topic::Unknown(query) => View::Unknown(flows::unknown(query, tick)),
            Topic::Flows(query) => View::Flows(flows::page(query, tick)),
            Topic::Hosts(query) => View::Hosts(flows::hosts(query, tick)),
            Topic::Rtt(_) => View::Rtt(status::rtt(tick)),
            Topic::Events(query) => View::Events(status::events(query, tick)),
            Topic::History => View::History(history(tick)),
            Topic::Origins(_) => View::Origins(bus::OriginsPage::default()),
            Topic::Retransmits(_) => View::Retransmits(bus::RetransmitsPage::default()),
        })
    }
}

fn history(tick: u64) -> HistoryView {
    let points = (tick.saturating_sub(HISTORY - 1)..=tick).map(|tick| HistoryPoint {
        tick,
        bypass: false,
        rate_bps: rate(tick),
        packets_per_sec: rate(tick).map(|bps| bps / 8_000),
        drops_per_sec: pair(drops(tick), drops(tick + 7) / 4),
        rtt_p50_us: PerSegment {
            customer: Some(scaled(9_000, wave(1, tick))),
            internet: Some(scaled(21_000, wave(2, tick))),
        },
    });
    HistoryView { tick, points: points.collect() }
}

/// What crosses the box.
fn rate(tick: u64) -> PerDirection<u64> {
    let swell = 0.6 + 0.4 * (tick as f64 / 140.0).sin();
    let down = swell * (0.8 + 0.2 * wave(3, tick));
    pair(scaled(7_400_000_000, down), scaled(880_000_000, 0.5 * swell + 0.5 * wave(4, tick)))
}

/// Drops a second.
fn drops(tick: u64) -> u64 {
    let burst = if tick % 90 < 12 { 1.0 } else { 0.02 };
    scaled(430, burst * wave(5, tick))
}

/// Between 0 and 1, smooth in time and different for each `seed`.
fn wave(seed: u32, tick: u64) -> f64 {
    let (phase, time) = (f64::from(seed) * 2.399, tick as f64);
    0.5 + 0.3 * (time / 9.0 + phase).sin() + 0.2 * (time / 2.3 + 3.0 * phase).sin()
}

/// Between 0 and 1, the same for the same seed.
fn share(seed: u32) -> f64 {
    // Knuth's multiplicative hash
    f64::from(seed.wrapping_mul(2_654_435_761) >> 8) / f64::from(1u32 << 24)
}

fn scaled(value: u64, by: f64) -> u64 {
    (value as f64 * by.max(0.0)).round() as u64
}

fn pair<T>(down: T, up: T) -> PerDirection<T> {
    PerDirection { down, up }
}
