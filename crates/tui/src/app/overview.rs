//! The box at a glance.

use std::collections::VecDeque;

use bus::{
    CircuitSort, CircuitsPage, CircuitsQuery, HistoryPoint, HistoryView, QueuesView, RttPage,
    RttQuery, StatusView, Topic,
};
use units::{PerDirection, PerSegment};

/// Ticks that are remembered: a quarter of an hour, as the daemon does.
const KEPT: usize = 900;

/// Circuits with fewer RTT samples on the customer's side are not called slow.
pub const SAMPLES_MIN: u32 = 20;

/// Rows of the worst circuits that are asked for.
const WORST: u32 = 20;

/// What makes a circuit the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worst {
    /// The highest RTTs on the customer's side.
    #[default]
    Rtt,
    /// The most drops a second.
    Drops,
    /// The largest share of the plan in use.
    Share,
    /// The largest share of segments sent again.
    SentAgain,
}

/// The box at a glance.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// The box over the last minutes, the oldest first.
    pub history: VecDeque<HistoryPoint>,
    /// RTTs with their histogram.
    pub rtt: Option<RttPage>,
    /// The queues.
    pub queues: Option<QueuesView>,
    /// The worst circuits.
    pub worst: Option<CircuitsPage>,
    /// What makes them the worst.
    pub worst_by: Worst,
}

impl Worst {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Rtt => Self::Drops,
            Self::Drops => Self::Share,
            Self::Share => Self::SentAgain,
            Self::SentAgain => Self::Rtt,
        }
    }
}

impl Overview {
    /// What to ask for to see the worst circuits.
    pub(super) fn worst_topic(&self) -> Topic {
        let (sort, rtt_samples_min) = match self.worst_by {
            Worst::Rtt => (CircuitSort::RttCustomer, SAMPLES_MIN),
            Worst::Drops => (CircuitSort::Drops, 0),
            Worst::Share => (CircuitSort::Share, 0),
            Worst::SentAgain => (CircuitSort::Retransmits, 0),
        };
        let limit = WORST;
        Topic::Circuits(CircuitsQuery {
            sort,
            rtt_samples_min,
            descending: true,
            limit,
            ..CircuitsQuery::default()
        })
    }

    /// What to ask for to see the box's RTTs.
    pub(super) fn rtt_topic() -> Topic {
        Topic::Rtt(RttQuery { histogram: true, ..RttQuery::default() })
    }

    /// Takes what the daemon remembers.
    pub(super) fn receive_history(&mut self, view: HistoryView) {
        self.history = view.points.into();
        self.bound();
    }

    /// Goes on with the history by one tick.
    pub(super) fn follow(&mut self, status: &StatusView) {
        let point = HistoryPoint {
            tick: status.tick,
            bypass: status.bypass,
            rate_bps: status.traffic.rate_bps,
            packets_per_sec: status.traffic.packets_per_sec,
            drops_per_sec: PerDirection::default(),
            rtt_p50_us: PerSegment::from_fn(|segment| status.rtt[segment].map(|rtt| rtt.p50_us)),
        };
        match self.history.back().map(|newest| newest.tick) {
            Some(newest) if newest == status.tick => {}
            // another daemon counts anew
            Some(newest) if newest > status.tick => self.history = [point].into(),
            _ => self.history.push_back(point),
        }
        self.bound();
        self.add_drops();
    }

    /// Takes the queues.
    pub(super) fn receive_queues(&mut self, view: QueuesView) {
        self.queues = Some(view);
        self.add_drops();
    }

    /// The status does not tell drops, the queues do.
    fn add_drops(&mut self) {
        let (Some(view), Some(newest)) = (&self.queues, self.history.back_mut()) else { return };
        if view.tick == newest.tick {
            newest.drops_per_sec = PerDirection::default();
            for queue in &view.queues {
                newest.drops_per_sec[queue.direction] += queue.drops_per_sec;
            }
        }
    }

    fn bound(&mut self) {
        let over = self.history.len().saturating_sub(KEPT);
        self.history.drain(..over);
    }
}
