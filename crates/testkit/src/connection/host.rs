//! One end of a TCP connection.
//!
//! It does what RFC 9293, 7323 and 6582 ask of sender and receiver as far as the wire shows it:
//! cumulative and delayed acknowledgements, timestamps, fast retransmit, retransmission timer. It
//! has no congestion control: applications pace themselves. Offsets count from the SYN, which is 0.

use std::collections::{BTreeMap, VecDeque};

use units::Segment;

use super::spec::{Acks, MILLISECOND_NS, SEGMENT_BYTES, TcpSpec};

/// How long a delayed acknowledgement waits, and after how many segments it does not.
const DELAYED_ACK_NS: u64 = 40 * MILLISECOND_NS;
const DELAYED_ACK_SEGMENTS: u32 = 2;
/// Duplicate acknowledgements that show a loss (RFC 5681, section 3.2).
const DUPLICATES: u32 = 3;
/// The least retransmission timeout, as Linux has it.
const TIMEOUT_NS: u64 = 200 * MILLISECOND_NS;

/// A segment on its way.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Unique among both hosts' packets.
    pub(super) id: usize,
    pub(super) from: Segment,
    pub(super) start: u64,
    pub(super) length: u32,
    pub(super) syn: bool,
    pub(super) acknowledges: Option<u64>,
    pub(super) timestamps: Option<(u32, u32)>,
    /// Ids of packets that made the host send this one.
    pub(super) answers: Vec<usize>,
    pub(super) sent_again: bool,
    /// A keep-alive probe.
    pub(super) probe: bool,
}

impl Packet {
    /// Offset behind it.
    pub(super) fn end(&self) -> u64 {
        self.start + u64::from(self.length) + u64::from(self.syn)
    }

    pub(super) const fn is_data(&self) -> bool {
        self.length > 0 && !self.probe
    }

    pub(super) const fn is_pure_ack(&self) -> bool {
        self.length == 0 && !self.syn && !self.probe
    }
}

/// One end.
#[derive(Debug)]
pub(super) struct Host {
    side: Segment,
    opens: bool,
    acks: Acks,
    clock: Option<(u32, u64)>,
    timeout_ns: u64,
    /// What it sends from now on; the connection takes it away.
    pub(super) outbox: Vec<Packet>,
    // sending
    written: u64,
    sent: u64,
    acknowledged: u64,
    in_flight: VecDeque<(u64, u64)>,
    duplicates: u32,
    /// Until this offset is acknowledged, each partial acknowledgement shows a further loss.
    recovers_until: Option<u64>,
    timeouts: u32,
    retry_at: Option<u64>,
    // receiving
    received: u64,
    later: BTreeMap<u64, u64>,
    newest_timestamp: u32,
    acknowledgement_sent: u64,
    unanswered: Vec<usize>,
    owed: u32,
    ack_at: Option<u64>,
}

impl Host {
    pub(super) fn new(spec: &TcpSpec, side: Segment) -> Self {
        let path = spec.path_ns();
        Self {
            side,
            opens: spec.opened_by == side,
            acks: spec.acks,
            clock: spec.timestamps.map(|timestamps| (timestamps.start, timestamps.tick_ns)),
            timeout_ns: (2 * (path.customer + path.internet) + DELAYED_ACK_NS).max(TIMEOUT_NS),
            outbox: Vec::new(),
            written: 0,
            sent: 0,
            acknowledged: 0,
            in_flight: VecDeque::new(),
            duplicates: 0,
            recovers_until: None,
            timeouts: 0,
            retry_at: None,
            received: 0,
            later: BTreeMap::new(),
            newest_timestamp: 0,
            acknowledgement_sent: 0,
            unanswered: Vec::new(),
            owed: 0,
            ack_at: None,
        }
    }

    /// Whether its SYN has been acknowledged.
    pub(super) const fn is_established(&self) -> bool {
        self.acknowledged > 0
    }

    /// Payload bytes received in order.
    pub(super) const fn received_bytes(&self) -> u64 {
        self.received.saturating_sub(1)
    }

    /// The next time at which it does something by itself.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.retry_at.into_iter().chain(self.ack_at).min()
    }

    /// Sends its SYN, or SYN/ACK.
    pub(super) fn open(&mut self, now: u64) {
        if self.sent == 0 {
            self.written = 1;
            self.sent = 1;
            self.in_flight.push_back((0, 1));
            self.send(now, 0, 1, false);
            self.start_timer(now);
        }
    }

    /// Takes bytes from the application and sends them.
    pub(super) fn write(&mut self, now: u64, bytes: u32) {
        self.written += u64::from(bytes);
        while self.sent < self.written {
            let (start, end) = (self.sent, self.written.min(self.sent + u64::from(SEGMENT_BYTES)));
            self.in_flight.push_back((start, end));
            self.sent = end;
            self.send(now, start, end, false);
        }
        if self.retry_at.is_none() {
            self.start_timer(now);
        }
    }

    /// Sends a keep-alive probe: the byte before the next one, or only its number.
    pub(super) fn probe(&mut self, now: u64, bytes: u32) {
        self.send(now, self.sent - 1, self.sent - 1 + u64::from(bytes), false);
        if let Some(packet) = self.outbox.last_mut() {
            packet.probe = true;
        }
    }

    /// What it does by itself when its time has come.
    pub(super) fn on_time(&mut self, now: u64) {
        if self.ack_at.is_some_and(|at| at <= now) {
            self.acknowledge(now);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.timeouts += 1;
            self.recovers_until = Some(self.sent);
            self.send_again(now);
            self.start_timer(now);
        }
    }

    /// What it does about a packet.
    pub(super) fn receive(&mut self, now: u64, packet: &Packet) {
        if let Some((value, _)) = packet.timestamps {
            let newer = value.wrapping_sub(self.newest_timestamp) as i32 >= 0;
            // What is to be echoed (RFC 7323, section 4.3).
            if packet.syn || newer && packet.start <= self.acknowledgement_sent {
                self.newest_timestamp = value;
            }
        }
        if let Some(offset) = packet.acknowledges {
            self.take_acknowledgement(now, offset, packet);
        }
        if packet.is_pure_ack() {
            return;
        }
        // Without bytes there is nothing of the probe that the answer's echo could belong to.
        if !packet.probe || packet.length > 0 {
            self.unanswered.push(packet.id);
        }
        let in_order = packet.start == self.received && !packet.probe;
        let fills = in_order && !self.later.is_empty();
        self.take_bytes(packet);
        if packet.syn && !self.opens {
            // The SYN/ACK acknowledges; a SYN that comes again shows that it was lost.
            if self.sent == 0 {
                self.open(now);
            } else if !self.is_established() {
                self.send_again(now);
            }
            return;
        }
        self.owed += 1;
        let at_once = self.acks == Acks::Prompt || packet.syn || !in_order || fills;
        if at_once || self.owed >= DELAYED_ACK_SEGMENTS {
            self.acknowledge(now);
        } else if self.ack_at.is_none() {
            self.ack_at = Some(now + DELAYED_ACK_NS);
        }
    }

    fn take_bytes(&mut self, packet: &Packet) {
        if packet.start <= self.received {
            self.received = self.received.max(packet.end());
        } else {
            self.later.insert(packet.start, packet.end());
        }
        while let Some((&start, &end)) = self.later.first_key_value() {
            if start > self.received {
                break;
            }
            self.received = self.received.max(end);
            self.later.pop_first();
        }
    }

    fn take_acknowledgement(&mut self, now: u64, offset: u64, packet: &Packet) {
        if offset > self.acknowledged {
            self.acknowledged = offset;
            self.duplicates = 0;
            self.timeouts = 0;
            while self.in_flight.front().is_some_and(|(_, end)| *end <= offset) {
                self.in_flight.pop_front();
            }
            match self.recovers_until {
                Some(until) if offset < until => self.send_again(now),
                _ => self.recovers_until = None,
            }
            self.start_timer(now);
        } else if packet.is_pure_ack() && !self.in_flight.is_empty() {
            self.duplicates += 1;
            if self.duplicates == DUPLICATES && self.recovers_until.is_none() {
                self.recovers_until = Some(self.sent);
                self.send_again(now);
            }
        }
    }

    fn send_again(&mut self, now: u64) {
        if let Some((start, end)) = self.in_flight.front().copied() {
            self.send(now, start, end, true);
        }
    }

    fn start_timer(&mut self, now: u64) {
        let wait = self.timeout_ns << self.timeouts.min(6);
        self.retry_at = (!self.in_flight.is_empty()).then_some(now + wait);
    }

    fn acknowledge(&mut self, now: u64) {
        self.send(now, self.sent, self.sent, false);
    }

    fn send(&mut self, now: u64, start: u64, end: u64, sent_again: bool) {
        let syn = start == 0;
        let knows_peer = self.received > 0;
        if knows_peer {
            self.acknowledgement_sent = self.received;
            self.owed = 0;
            self.ack_at = None;
        }
        self.outbox.push(Packet {
            id: 0,
            from: self.side,
            start,
            length: (end - start) as u32 - u32::from(syn),
            syn,
            acknowledges: knows_peer.then_some(self.received),
            timestamps: self.clock.map(|(first, tick_ns)| {
                (first.wrapping_add((now / tick_ns) as u32), self.newest_timestamp)
            }),
            answers: std::mem::take(&mut self.unanswered),
            sent_again,
            probe: false,
        });
    }
}
