//! A TCP connection through the box.

use std::collections::HashMap;

use units::{PerSegment, Segment};

use super::event::Events;
use super::host::{Host, Packet};
use super::spec::{Does, Fault, Hits, Leg, SEGMENT_BYTES, TcpSpec, Traffic};
use super::{Content, Passing, peer_of, sent_by};
use crate::Tcp;

/// Bytes of the one exchange before probes.
const PROBED_EXCHANGE: u32 = 100;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

enum Event {
    AtBox(Packet, Behind),
    Arrives(Packet),
    HostActs(Segment),
    ApplicationActs(Segment),
}

/// What is to happen to a packet behind the box.
#[derive(Clone, Copy, Default)]
struct Behind {
    lost: bool,
    late_ns: u64,
}

impl TcpSpec {
    /// The packets as they pass the box, from the SYN until both sides are silent.
    pub fn simulate(&self) -> Vec<Passing> {
        let mut connection = Connection {
            spec: self,
            events: Events::new(),
            hosts: PerSegment::from_fn(|side| Host::new(self, side)),
            hits: vec![0; self.faults.len()],
            packets: 0,
            passed: Vec::new(),
            places: HashMap::new(),
            highest: PerSegment::default(),
            requests: 0,
            answered: 0,
            concluded: 0,
        };
        connection.events.add(0, Event::ApplicationActs(self.opened_by));
        while let Some((now, event)) = connection.events.next() {
            connection.happen(now, event);
        }
        connection.passed
    }
}

struct Connection<'a> {
    spec: &'a TcpSpec,
    events: Events<Event>,
    hosts: PerSegment<Host>,
    /// By fault, the packets that it could have hit.
    hits: Vec<u32>,
    packets: usize,
    passed: Vec<Passing>,
    /// By id of a packet, its place among those that passed.
    places: HashMap<usize, usize>,
    /// By sender, the highest offset that passed.
    highest: PerSegment<u64>,
    /// Sent, answered by the other side, and answered to the end.
    requests: u64,
    answered: u64,
    concluded: u64,
}

impl Connection<'_> {
    fn happen(&mut self, now: u64, event: Event) {
        match event {
            Event::AtBox(packet, behind) => {
                self.pass(now, &packet);
                if !behind.lost {
                    let to = peer_of(packet.from);
                    let at = now + self.spec.delay_ns[to] + behind.late_ns;
                    self.events.add(at, Event::Arrives(packet));
                }
            }
            Event::Arrives(packet) => {
                let to = peer_of(packet.from);
                let was_established = self.hosts[to].is_established();
                self.hosts[to].receive(now, &packet);
                self.transmit(now, to);
                self.tell_application(now, to, was_established);
            }
            Event::HostActs(host) => {
                if self.hosts[host].deadline().is_some_and(|at| at <= now) {
                    self.hosts[host].on_time(now);
                    self.transmit(now, host);
                }
            }
            Event::ApplicationActs(host) => {
                self.act(now, host);
                self.transmit(now, host);
            }
        }
    }

    /// Sends what the host has to send, and wakes it when it next has something to do.
    fn transmit(&mut self, now: u64, host: Segment) {
        for mut packet in std::mem::take(&mut self.hosts[host].outbox) {
            packet.id = self.packets;
            self.packets += 1;
            let (mut lost, mut late_ns, mut behind) = (false, 0, Behind::default());
            for (fault, seen) in self.spec.faults.iter().zip(&mut self.hits) {
                match (is_hit(fault, seen, &packet), fault.leg, fault.does) {
                    (false, _, _) => {}
                    (true, Leg::BeforeBox, Does::Lose) => lost = true,
                    (true, Leg::BeforeBox, Does::Delay(ns)) => late_ns += ns,
                    (true, Leg::BehindBox, Does::Lose) => behind.lost = true,
                    (true, Leg::BehindBox, Does::Delay(ns)) => behind.late_ns += ns,
                }
            }
            if !lost {
                let at = now + self.spec.delay_ns[host] + late_ns;
                self.events.add(at, Event::AtBox(packet, behind));
            }
        }
        if let Some(at) = self.hosts[host].deadline() {
            self.events.add(at, Event::HostActs(host));
        }
    }

    fn pass(&mut self, now: u64, packet: &Packet) {
        self.places.insert(packet.id, self.passed.len());
        let highest = &mut self.highest[packet.from];
        let overtaken = packet.is_data() && !packet.sent_again && packet.start < *highest;
        let sent_again = packet.sent_again && packet.end() <= *highest;
        if packet.is_data() || packet.syn {
            *highest = packet.end().max(*highest);
        }
        let number =
            |of: Segment, offset: u64| self.spec.first_sequence[of].wrapping_add(offset as u32);
        let acknowledgement =
            packet.acknowledges.map_or(0, |offset| number(peer_of(packet.from), offset));
        let flags = if packet.syn { SYN } else { 0 };
        let flags = flags | if packet.acknowledges.is_some() { ACK } else { 0 };
        let mut tcp =
            Tcp::new(0, 0).numbers(number(packet.from, packet.start), acknowledgement).flags(flags);
        if let Some((value, echo)) = packet.timestamps {
            tcp = tcp.timestamps(value, echo);
        }
        self.passed.push(Passing {
            at_ns: now,
            direction: sent_by(packet.from),
            content: Content::Tcp(tcp, packet.length),
            answers: packet.answers.iter().filter_map(|id| self.places.get(id).copied()).collect(),
            sent_again,
            overtaken,
        });
    }

    /// What an application does when its time has come.
    fn act(&mut self, now: u64, host: Segment) {
        let opener = self.spec.opened_by == host;
        if opener && !self.hosts[host].is_established() {
            return self.hosts[host].open(now);
        }
        if now >= self.spec.lasts_ns && opener {
            return;
        }
        match self.spec.traffic {
            Traffic::Bulk { every_ns, burst, .. } => self.stream(now, host, every_ns, burst),
            Traffic::Both { every_ns } => self.stream(now, host, every_ns, 1),
            Traffic::Exchanges { request, .. } if opener => {
                self.requests += 1;
                self.hosts[host].write(now, request);
            }
            Traffic::Exchanges { response, .. } => self.hosts[host].write(now, response),
            Traffic::Probes { every_ns, bytes } if opener && self.requests > 0 => {
                self.hosts[host].probe(now, bytes);
                self.events.add(now + every_ns, Event::ApplicationActs(host));
            }
            Traffic::Probes { every_ns, .. } => {
                self.hosts[host].write(now, PROBED_EXCHANGE);
                if opener {
                    self.requests += 1;
                    self.events.add(now + every_ns, Event::ApplicationActs(host));
                }
            }
        }
    }

    fn stream(&mut self, now: u64, host: Segment, every_ns: u64, burst: u32) {
        if now < self.spec.lasts_ns {
            self.hosts[host].write(now, burst * SEGMENT_BYTES);
            self.events.add(now + every_ns, Event::ApplicationActs(host));
        }
    }

    /// Lets the application see what came, and that the connection stands.
    fn tell_application(&mut self, now: u64, host: Segment, was_established: bool) {
        let begins = self.hosts[host].is_established() && !was_established;
        let opener = self.spec.opened_by == host;
        let received = self.hosts[host].received_bytes();
        let again_at = match self.spec.traffic {
            Traffic::Bulk { from, .. } => (begins && host == from).then_some(now),
            Traffic::Both { .. } => begins.then_some(now),
            _ if opener && begins => Some(now),
            Traffic::Exchanges { request, think_ns, .. } if !opener => {
                self.answer(received / u64::from(request)).then_some(now + think_ns)
            }
            Traffic::Exchanges { response, pause_ns, .. } => {
                let complete = received == u64::from(response) * self.requests;
                let again = complete && self.concluded < self.requests;
                if again {
                    self.concluded = self.requests;
                }
                again.then_some(now + pause_ns)
            }
            Traffic::Probes { .. } if !opener => {
                self.answer(received / u64::from(PROBED_EXCHANGE)).then_some(now)
            }
            Traffic::Probes { .. } => None,
        };
        if let Some(at) = again_at {
            self.events.add(at, Event::ApplicationActs(host));
        }
    }

    /// Whether a request came that has not been answered.
    fn answer(&mut self, requests: u64) -> bool {
        let new = requests > self.answered;
        if new {
            self.answered = requests;
        }
        new
    }
}

/// Whether the fault hits the packet; `seen` counts those that it could have hit.
fn is_hit(fault: &Fault, seen: &mut u32, packet: &Packet) -> bool {
    if fault.from != packet.from {
        return false;
    }
    let concerned = match fault.hits {
        Hits::Syns(_) => packet.syn,
        Hits::Segments { .. } => packet.is_data() && !packet.sent_again,
        Hits::Retransmissions(_) => packet.is_data() && packet.sent_again,
        Hits::Acks(_) => packet.is_pure_ack(),
    };
    if !concerned {
        return false;
    }
    *seen += 1;
    match fault.hits {
        Hits::Syns(first) => *seen <= first,
        // In the middle of each group, so that neither the first nor the last are hit.
        Hits::Segments { run, of } => (of / 2..of / 2 + run).contains(&(*seen % of)),
        Hits::Retransmissions(every) | Hits::Acks(every) => seen.is_multiple_of(every),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Acks, MILLISECOND_NS, sender_of};
    use units::Direction;

    fn spec() -> TcpSpec {
        let delay_ns = PerSegment { customer: MILLISECOND_NS, internet: 10 * MILLISECOND_NS };
        TcpSpec { lasts_ns: 500 * MILLISECOND_NS, ..TcpSpec::new(delay_ns) }
    }

    /// The RTTs of all packets that answer others, by the segment that they answer for.
    fn truths(passed: &[Passing]) -> PerSegment<Vec<u64>> {
        let mut truths = PerSegment::default();
        for packet in passed {
            let rtts = packet.answers.iter().map(|answered| packet.at_ns - passed[*answered].at_ns);
            let truths: &mut Vec<u64> = &mut truths[sender_of(packet.direction)];
            truths.extend(rtts);
        }
        truths
    }

    fn sent_again(passed: &[Passing], direction: Direction) -> usize {
        passed.iter().filter(|packet| packet.direction == direction && packet.sent_again).count()
    }

    #[test]
    fn prompt_hosts_show_the_path() {
        let spec = spec();
        let passed = spec.simulate();
        let truths = truths(&passed);
        for side in Segment::ALL {
            assert!(truths[side].len() > 100);
            assert!(truths[side].iter().all(|rtt| *rtt == spec.path_ns()[side]), "{side}");
        }
        assert!(passed.iter().all(|packet| !packet.sent_again && !packet.overtaken));
        assert!(passed.is_sorted_by_key(|packet| packet.at_ns));
    }

    #[test]
    fn exchanges_go_on_to_the_end() {
        let traffic =
            Traffic::Exchanges { request: 300, response: 900, think_ns: 0, pause_ns: 1_000_000 };
        let passed = TcpSpec { traffic, ..spec() }.simulate();
        // An exchange takes a round trip of 22 ms and a pause of 1 ms.
        let requests = passed.iter().filter(|packet| {
            packet.direction == Direction::Upload && matches!(packet.content, Content::Tcp(_, 200))
        });
        assert_eq!(requests.count(), 500 / 23);
    }

    #[test]
    fn delayed_acknowledgements_take_longer() {
        let traffic =
            Traffic::Exchanges { request: 100, response: 100, think_ns: 0, pause_ns: 100_000_000 };
        let passed = TcpSpec { traffic, acks: Acks::Delayed, ..spec() }.simulate();
        let longest = truths(&passed).customer.into_iter().max();
        assert_eq!(longest, Some(42 * MILLISECOND_NS));
    }

    #[test]
    fn losses_are_repaired_and_seen_as_far_as_they_pass() {
        let traffic = Traffic::Bulk { from: Segment::Internet, every_ns: MILLISECOND_NS, burst: 1 };
        for leg in [Leg::BeforeBox, Leg::BehindBox] {
            let hits = Hits::Segments { run: 1, of: 50 };
            let faults = vec![Fault { from: Segment::Internet, hits, leg, does: Does::Lose }];
            let spec = TcpSpec { traffic, faults, ..spec() };
            let passed = spec.simulate();
            let lost = spec.lasts_ns / MILLISECOND_NS / 50;
            assert!(sent_again(&passed, Direction::Download).abs_diff(lost as usize) <= 1);
            assert_eq!(sent_again(&passed, Direction::Upload), 0);
            // All that was written is acknowledged in the end.
            let Content::Tcp(last, _) = &passed[passed.len() - 1].content else { panic!() };
            let highest = passed.iter().filter_map(|packet| match &packet.content {
                Content::Tcp(tcp, length) if packet.direction == Direction::Download => {
                    Some(tcp.sequence + length)
                }
                _ => None,
            });
            assert_eq!(Some(last.acknowledgement), highest.max());
        }
    }

    #[test]
    fn a_late_segment_is_overtaken_and_not_sent_again() {
        let does = Does::Delay(5 * MILLISECOND_NS);
        let hits = Hits::Segments { run: 1, of: 20 };
        let faults = vec![Fault { from: Segment::Customer, hits, leg: Leg::BeforeBox, does }];
        let passed = TcpSpec { faults, ..spec() }.simulate();
        let overtaken = passed.iter().filter(|packet| packet.overtaken).count();
        assert_eq!((overtaken, sent_again(&passed, Direction::Upload)), (6, 0));
    }

    #[test]
    fn lost_syns_are_sent_again() {
        let lost = |from, leg| Fault { from, hits: Hits::Syns(1), leg, does: Does::Lose };
        let faults =
            vec![lost(Segment::Customer, Leg::BehindBox), lost(Segment::Internet, Leg::BeforeBox)];
        let passed = TcpSpec { faults, lasts_ns: 1500 * MILLISECOND_NS, ..spec() }.simulate();
        assert!(sent_again(&passed, Direction::Upload) >= 1);
        // The SYN/ACK that passes is the first that the box sees.
        assert_eq!(sent_again(&passed, Direction::Download), 0);
        assert!(truths(&passed).internet.len() > 50);
    }
}
