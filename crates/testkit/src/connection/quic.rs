//! QUIC's spin bit (RFC 9000, section 17.4) on datagrams that look like QUIC's.

use rand::Rng;
use units::{PerSegment, Segment};

use super::event::Events;
use super::{Content, Passing, peer_of, sent_by};
use crate::Seed;

/// First bytes: a long header's, and a short header's without and with the spin bit.
const LONG_HEADER: u8 = 0xc0;
const SHORT_HEADER: u8 = 0x40;
const SPIN_BIT: u8 = 0x20;
/// Datagrams with long headers, by which a connection begins.
const LONG_HEADERS: u32 = 2;
/// Bytes of a datagram: first byte, connection id and what is encrypted.
const DATAGRAM: usize = 60;

/// A connection on which both hosts send datagrams at a steady rate.
#[derive(Clone, Debug)]
pub struct SpinSpec {
    /// From the host to the box, and likewise back.
    pub delay_ns: PerSegment<u64>,
    /// From one datagram of a host to the next.
    pub every_ns: u64,
    /// When they stop.
    pub lasts_ns: u64,
    /// What they do with the bit. The customer is the client.
    pub spin: PerSegment<Spin>,
}

/// What a host does with the spin bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spin {
    /// It takes part.
    Takes,
    /// It always sends zero.
    Zero,
    /// It sends any value, drawn with this seed (as RFC 9000 advises hosts that take no part).
    Random(u64),
}

enum Event {
    Sends(Segment),
    AtBox(Segment, Datagram),
    Arrives(Segment, Datagram),
}

#[derive(Clone, Copy)]
struct Datagram {
    number: u32,
    first_byte: u8,
    /// By its place among those that passed: what brought the bit's change about.
    answers: Option<usize>,
    /// Its own place, once it has passed.
    place: usize,
}

/// One end.
struct Host {
    spin: Spin,
    random: Box<dyn rand::RngCore>,
    sent: u32,
    /// The value it sends, and who changed it.
    value: bool,
    changed_by: Option<usize>,
    highest: Option<u32>,
}

impl SpinSpec {
    /// The datagrams as they pass the box.
    pub fn simulate(&self) -> Vec<Passing> {
        let mut hosts = self.spin.map(Host::new);
        let mut events = Events::new();
        let mut passed: Vec<Passing> = Vec::new();
        // The server hears of the client before it speaks.
        events.add(0, Event::Sends(Segment::Customer));
        let path = self.delay_ns.customer + self.delay_ns.internet;
        events.add(path + self.every_ns / 2, Event::Sends(Segment::Internet));
        while let Some((now, event)) = events.next() {
            match event {
                Event::Sends(host) => {
                    let datagram = hosts[host].send();
                    events.add(now + self.delay_ns[host], Event::AtBox(host, datagram));
                    if now + self.every_ns < self.lasts_ns {
                        events.add(now + self.every_ns, Event::Sends(host));
                    }
                }
                Event::AtBox(host, mut datagram) => {
                    datagram.place = passed.len();
                    passed.push(datagram.passing(now, host));
                    let peer = peer_of(host);
                    events.add(now + self.delay_ns[peer], Event::Arrives(peer, datagram));
                }
                Event::Arrives(host, datagram) => hosts[host].receive(host, datagram),
            }
        }
        passed
    }
}

impl Datagram {
    fn passing(&self, now: u64, host: Segment) -> Passing {
        let mut payload = vec![0x5a; DATAGRAM];
        payload[0] = self.first_byte;
        Passing {
            at_ns: now,
            direction: sent_by(host),
            content: Content::Udp(payload),
            answers: self.answers.into_iter().collect(),
            sent_again: false,
            overtaken: false,
        }
    }
}

impl Host {
    fn new(spin: Spin) -> Self {
        let seed = if let Spin::Random(seed) = spin { seed } else { 0 };
        let random = Box::new(Seed::of(seed).rng());
        Self { spin, random, sent: 0, value: false, changed_by: None, highest: None }
    }

    fn send(&mut self) -> Datagram {
        let value = match self.spin {
            Spin::Takes => self.value,
            Spin::Zero => false,
            Spin::Random(_) => self.random.random(),
        };
        let number = self.sent;
        self.sent += 1;
        let first_byte = match (number < LONG_HEADERS, value) {
            (true, _) => LONG_HEADER,
            (false, false) => SHORT_HEADER,
            (false, true) => SHORT_HEADER | SPIN_BIT,
        };
        // Only the first datagram with the new value answers the one that brought it.
        let answers = if number < LONG_HEADERS { None } else { self.changed_by.take() };
        Datagram { number, first_byte, answers, place: 0 }
    }

    fn receive(&mut self, host: Segment, datagram: Datagram) {
        if datagram.number < LONG_HEADERS || self.highest >= Some(datagram.number) {
            return;
        }
        self.highest = Some(datagram.number);
        let theirs = datagram.first_byte & SPIN_BIT != 0;
        let value = if host == Segment::Customer { !theirs } else { theirs };
        if value != self.value {
            self.value = value;
            self.changed_by = (self.spin == Spin::Takes).then_some(datagram.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{MILLISECOND_NS, sender_of};

    #[test]
    fn edges_answer_edges_after_the_path_and_a_wait() {
        let spec = SpinSpec {
            delay_ns: PerSegment { customer: 5 * MILLISECOND_NS, internet: 10 * MILLISECOND_NS },
            every_ns: 2 * MILLISECOND_NS,
            lasts_ns: 1000 * MILLISECOND_NS,
            spin: PerSegment { customer: Spin::Takes, internet: Spin::Takes },
        };
        let passed = spec.simulate();
        let mut edges = 0;
        for packet in &passed {
            for answered in &packet.answers {
                let rtt = packet.at_ns - passed[*answered].at_ns;
                let path = 2 * spec.delay_ns[sender_of(packet.direction)];
                assert!((path..=path + spec.every_ns).contains(&rtt), "{rtt}");
                edges += 1;
            }
        }
        assert!((50..=70).contains(&edges), "{edges}");
    }
}
