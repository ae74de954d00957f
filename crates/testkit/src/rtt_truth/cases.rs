//! The cases: delays crossed with what makes RTTs hard to measure.
//!
//! A name begins with the RTT of both segments, or with the customer's side's and the Internet's.

use std::net::Ipv4Addr;

use units::{Direction, PerSegment, Segment};

use crate::connection::{
    Acks, Does, Ends, Fault, Hits, Leg, MILLISECOND_NS as MS, Passing, Spin, SpinSpec, TcpSpec,
    Timestamps, Traffic,
};

/// One connection.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub name: String,
    /// Whether it is QUIC.
    pub is_quic: bool,
    /// The packets.
    pub packets: Vec<Passing>,
    /// RTTs of the path, without what hosts add.
    pub path_ns: PerSegment<u64>,
    /// What is to be measured.
    pub expected: Expected,
}

impl Case {
    /// A TCP connection.
    pub fn tcp(name: &str, tcp: &TcpSpec, expected: Expected) -> Self {
        Self {
            name: name.to_owned(),
            is_quic: false,
            packets: tcp.simulate(),
            path_ns: tcp.path_ns(),
            expected,
        }
    }

    /// The address of the customer of the `n`th case, who has a circuit of their own.
    pub fn customer(n: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(FIRST_CUSTOMER.to_bits() + n as u32)
    }

    /// Whose packets they are, in the `n`th case.
    pub fn ends(&self, n: usize) -> Ends {
        let (protocol, internet_port) = if self.is_quic { (UDP, HTTPS) } else { (TCP, HTTP) };
        Ends {
            protocol,
            customer: Self::customer(n),
            customer_port: CUSTOMER_PORT,
            internet: INTERNET,
            internet_port,
        }
    }
}

/// What is to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// What the packets show.
    Truth,
    /// Nothing at all.
    Nothing,
    /// Next to nothing, from packets that look as if they showed something.
    Noise,
}

/// What a case changes in a connection.
type Change = fn(&mut TcpSpec);

/// Delays at which each condition is tried: RTTs in milliseconds, the customer's side first.
const DELAYS: [(u64, u64); 2] = [(20, 20), (300, 1)];
/// Delays at which plain connections are tried besides.
const PLAIN_DELAYS: [(u64, u64); 9] =
    [(1, 1), (5, 5), (80, 80), (300, 300), (1, 300), (80, 5), (5, 80), (1, 20), (20, 1)];

const FIRST_CUSTOMER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
/// In the range for documentation.
const INTERNET: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const CUSTOMER_PORT: u16 = 40_000;
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// IP protocols.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// How long a connection lasts.
const LASTS_NS: u64 = 3000 * MS;
/// The same where round trips are long.
const LASTS_LONG_NS: u64 = 6000 * MS;

/// Conditions under which hosts answer at once, and nothing gets lost.
const PROMPT: [(&str, Change); 13] = [
    ("timestamps", |_| {}),
    ("timestamps-4ms", |tcp| tcp.timestamps = ticking(4)),
    ("timestamps-10ms", |tcp| tcp.timestamps = ticking(10)),
    ("timestamps-wrap", |tcp| {
        tcp.timestamps = Some(Timestamps { tick_ns: MS, start: 0u32.wrapping_sub(1500) });
    }),
    ("no-timestamps", |tcp| tcp.timestamps = None),
    ("sequence-wrap", |tcp| {
        tcp.timestamps = None;
        tcp.first_sequence = PerSegment { customer: u32::MAX - 30_000, internet: u32::MAX };
    }),
    ("download", |tcp| tcp.traffic = bulk(Segment::Internet)),
    ("upload", |tcp| tcp.traffic = bulk(Segment::Customer)),
    ("download-no-timestamps", |tcp| {
        tcp.traffic = bulk(Segment::Internet);
        tcp.timestamps = None;
    }),
    ("upload-no-timestamps", |tcp| {
        tcp.traffic = bulk(Segment::Customer);
        tcp.timestamps = None;
    }),
    ("exchanges", |tcp| tcp.traffic = exchanges(15)),
    ("exchanges-no-timestamps", |tcp| {
        tcp.traffic = exchanges(15);
        tcp.timestamps = None;
    }),
    ("opened-by-the-internet", |tcp| {
        tcp.opened_by = Segment::Internet;
        tcp.traffic = exchanges(50);
    }),
];

/// Conditions under which hosts answer late or the wires are bad.
const HARD: [(&str, Change); 16] = [
    ("delayed-acks", |tcp| {
        tcp.acks = Acks::Delayed;
        tcp.traffic = bulk(Segment::Internet);
    }),
    ("delayed-acks-exchanges", |tcp| {
        tcp.acks = Acks::Delayed;
        tcp.traffic = exchanges(100);
    }),
    ("delayed-acks-no-timestamps", |tcp| {
        tcp.acks = Acks::Delayed;
        tcp.traffic = exchanges(100);
        tcp.timestamps = None;
    }),
    ("loss-before", |tcp| tcp.faults = loses(Leg::BeforeBox)),
    ("loss-behind", |tcp| tcp.faults = loses(Leg::BehindBox)),
    ("loss-before-no-timestamps", |tcp| {
        tcp.faults = loses(Leg::BeforeBox);
        tcp.timestamps = None;
    }),
    ("loss-behind-no-timestamps", |tcp| {
        tcp.faults = loses(Leg::BehindBox);
        tcp.timestamps = None;
    }),
    ("exchanges-loss-behind", |tcp| {
        tcp.traffic = exchanges(15);
        tcp.faults = loses_often(Leg::BehindBox);
    }),
    ("exchanges-loss-behind-no-timestamps", |tcp| {
        tcp.traffic = exchanges(15);
        tcp.faults = loses_often(Leg::BehindBox);
        tcp.timestamps = None;
    }),
    ("exchanges-loss-before-no-timestamps", |tcp| {
        tcp.traffic = exchanges(15);
        tcp.faults = loses_often(Leg::BeforeBox);
        tcp.timestamps = None;
    }),
    ("lost-acks", |tcp| {
        tcp.traffic = exchanges(30);
        tcp.faults = both(Hits::Acks(7), Leg::BeforeBox, Does::Lose);
    }),
    ("reordering", |tcp| reorders(tcp, Leg::BeforeBox)),
    ("reordering-no-timestamps", |tcp| {
        reorders(tcp, Leg::BeforeBox);
        tcp.timestamps = None;
    }),
    ("reordering-behind-no-timestamps", |tcp| {
        reorders(tcp, Leg::BehindBox);
        tcp.timestamps = None;
    }),
    ("thinking-2s", |tcp| {
        tcp.traffic =
            Traffic::Exchanges { request: 300, response: 700, think_ns: 2000 * MS, pause_ns: MS };
    }),
    ("pause-2s-delayed-acks", |tcp| {
        tcp.acks = Acks::Delayed;
        tcp.traffic =
            Traffic::Exchanges { request: 300, response: 700, think_ns: 0, pause_ns: 2000 * MS };
    }),
];

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for delay in PLAIN_DELAYS {
        for (name, change) in [PROMPT[0], PROMPT[4], PROMPT[10]] {
            cases.push(tcp_case(delay, name, change, Expected::Truth));
        }
        cases.push(spin_case(delay, "quic", Spin::Takes, Expected::Truth));
    }
    for delay in DELAYS {
        cases.extend(PROMPT.map(|(name, change)| tcp_case(delay, name, change, Expected::Truth)));
        cases.extend(HARD.map(|(name, change)| tcp_case(delay, name, change, Expected::Truth)));
        cases.push(spin_case(delay, "quic", Spin::Takes, Expected::Truth));
        cases.push(spin_case(delay, "quic-without-spin", Spin::Zero, Expected::Nothing));
        cases.push(spin_case(delay, "quic-random-spin", Spin::Random(1), Expected::Noise));
    }
    cases.extend(silent_cases());
    cases
}

/// Cases in which nothing can be measured.
fn silent_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for direction in Direction::ALL {
        for (condition, change) in [PROMPT[0], PROMPT[4], PROMPT[10], PROMPT[11]] {
            let name = format!("only-{direction}-{condition}");
            let mut case = tcp_case((20, 20), &name, change, Expected::Nothing);
            keep_only(&mut case.packets, direction);
            cases.push(case);
        }
        let mut case =
            spin_case((20, 20), &format!("only-{direction}-quic"), Spin::Takes, Expected::Nothing);
        keep_only(&mut case.packets, direction);
        cases.push(case);
    }
    for (name, change) in [
        ("probes", (|tcp| tcp.traffic = probes(0)) as Change),
        ("probes-no-timestamps", |tcp| {
            tcp.traffic = probes(0);
            tcp.timestamps = None;
        }),
    ] {
        let mut case = tcp_case((20, 20), name, change, Expected::Nothing);
        // What opens the connection and the one exchange have RTTs of their own: without them, as
        // if the box came to see the connection later.
        let begin = case.packets.partition_point(|packet| packet.at_ns < 200 * MS);
        case.packets.drain(..begin);
        for packet in &mut case.packets {
            packet.answers.clear();
        }
        cases.push(case);
    }
    cases
}

fn tcp_case(delay: (u64, u64), name: &str, change: Change, expected: Expected) -> Case {
    let mut tcp = TcpSpec::new(half_ns(delay));
    tcp.lasts_ns = lasts_ns(delay);
    tcp.traffic = Traffic::Both { every_ns: 20 * MS };
    change(&mut tcp);
    Case::tcp(&full_name(delay, name), &tcp, expected)
}

fn spin_case(delay: (u64, u64), name: &str, spin: Spin, expected: Expected) -> Case {
    let delay_ns = half_ns(delay);
    let internet = if let Spin::Random(seed) = spin { Spin::Random(seed + 1) } else { spin };
    let spec = SpinSpec {
        delay_ns,
        every_ns: 5 * MS,
        lasts_ns: lasts_ns(delay),
        spin: PerSegment { customer: spin, internet },
    };
    Case {
        name: full_name(delay, name),
        is_quic: true,
        packets: spec.simulate(),
        path_ns: delay_ns.map(|delay| 2 * delay),
        expected,
    }
}

fn full_name((customer, internet): (u64, u64), name: &str) -> String {
    if customer == internet {
        format!("{customer}ms-{name}")
    } else {
        format!("{customer}-{internet}ms-{name}")
    }
}

fn half_ns((customer, internet): (u64, u64)) -> PerSegment<u64> {
    PerSegment { customer, internet }.map(|rtt_ms| rtt_ms * MS / 2)
}

const fn lasts_ns((customer, internet): (u64, u64)) -> u64 {
    if customer + internet > 100 { LASTS_LONG_NS } else { LASTS_NS }
}

const fn ticking(tick_ms: u64) -> Option<Timestamps> {
    Some(Timestamps { tick_ns: tick_ms * MS, start: 77_000 })
}

const fn bulk(from: Segment) -> Traffic {
    Traffic::Bulk { from, every_ns: 20 * MS, burst: 3 }
}

const fn exchanges(pause_ms: u64) -> Traffic {
    Traffic::Exchanges { request: 300, response: 700, think_ns: 0, pause_ns: pause_ms * MS }
}

const fn probes(bytes: u32) -> Traffic {
    Traffic::Probes { every_ns: 300 * MS, bytes }
}

fn both(hits: Hits, leg: Leg, does: Does) -> Vec<Fault> {
    Segment::ALL.map(|from| Fault { from, hits, leg, does }).to_vec()
}

fn loses(leg: Leg) -> Vec<Fault> {
    both(Hits::Segments { run: 1, of: 60 }, leg, Does::Lose)
}

fn loses_often(leg: Leg) -> Vec<Fault> {
    both(Hits::Segments { run: 1, of: 9 }, leg, Does::Lose)
}

fn reorders(tcp: &mut TcpSpec, leg: Leg) {
    tcp.traffic = Traffic::Both { every_ns: 4 * MS };
    tcp.faults = both(Hits::Segments { run: 1, of: 20 }, leg, Does::Delay(6 * MS));
}

/// What is left when the box sees but one direction.
fn keep_only(packets: &mut Vec<Passing>, direction: Direction) {
    packets.retain(|packet| packet.direction == direction);
    for packet in packets {
        packet.answers.clear();
    }
}
