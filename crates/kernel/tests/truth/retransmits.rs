//! Segments that were sent again, and such that were overtaken: counted exactly.

use testkit::Frame;
use testkit::connection::{
    Content, Does, Fault, Hits, Leg, MILLISECOND_NS as MS, TcpSpec, Traffic, sent_by,
};
use testkit::rtt_truth::{Case, Expected, Observer, play};
use units::{CircuitSlot, Direction, PerDirection, PerSegment, Segment};

use crate::observer::{Programs, key, without_privileges};

/// What a case changes in a connection.
type Change = fn(&mut TcpSpec);

/// All at 80 ms on either side, so that a quarter of the path (the reordering window) is far from
/// both the 6 ms by which segments are late and the 160 ms that a repair takes.
const CONDITIONS: [(&str, Change); 17] = [
    ("nothing", |_| {}),
    ("loss-behind", |tcp| tcp.faults = data(1, 30, Leg::BehindBox, Does::Lose)),
    ("loss-before", |tcp| tcp.faults = data(1, 30, Leg::BeforeBox, Does::Lose)),
    ("two-lost-behind", |tcp| tcp.faults = data(2, 50, Leg::BehindBox, Does::Lose)),
    ("two-lost-before", |tcp| tcp.faults = data(2, 50, Leg::BeforeBox, Does::Lose)),
    ("overtaken", |tcp| tcp.faults = data(1, 20, Leg::BeforeBox, Does::Delay(6 * MS))),
    ("two-overtaken", |tcp| tcp.faults = data(2, 40, Leg::BeforeBox, Does::Delay(9 * MS))),
    ("late-behind", |tcp| tcp.faults = data(1, 20, Leg::BehindBox, Does::Delay(6 * MS))),
    ("lost-and-overtaken", |tcp| {
        tcp.faults = data(1, 60, Leg::BehindBox, Does::Lose);
        tcp.faults.extend(data(1, 17, Leg::BeforeBox, Does::Delay(6 * MS)));
    }),
    ("sequence-wrap-loss-behind", |tcp| {
        wrap(tcp);
        tcp.faults = data(1, 9, Leg::BehindBox, Does::Lose);
        tcp.traffic = Traffic::Both { every_ns: 50 * MS };
    }),
    ("sequence-wrap-loss-before", |tcp| {
        wrap(tcp);
        tcp.faults = data(1, 9, Leg::BeforeBox, Does::Lose);
        tcp.traffic = Traffic::Both { every_ns: 50 * MS };
    }),
    ("sequence-wrap-overtaken", |tcp| {
        wrap(tcp);
        tcp.faults = data(1, 10, Leg::BeforeBox, Does::Delay(6 * MS));
    }),
    ("exchanges-loss-behind", |tcp| {
        tcp.traffic = Traffic::Exchanges { request: 300, response: 900, think_ns: 0, pause_ns: MS };
        tcp.faults = data(1, 11, Leg::BehindBox, Does::Lose);
    }),
    ("lost-syns-behind", |tcp| tcp.faults = hit(Hits::Syns(2), Leg::BehindBox, Does::Lose)),
    ("lost-syns-before", |tcp| tcp.faults = hit(Hits::Syns(1), Leg::BeforeBox, Does::Lose)),
    ("probes", |tcp| tcp.traffic = Traffic::Probes { every_ns: 100 * MS, bytes: 0 }),
    ("probes-with-a-byte", |tcp| tcp.traffic = Traffic::Probes { every_ns: 100 * MS, bytes: 1 }),
];

fn hit(hits: Hits, leg: Leg, does: Does) -> Vec<Fault> {
    Segment::ALL.map(|from| Fault { from, hits, leg, does }).to_vec()
}

fn data(run: u32, of: u32, leg: Leg, does: Does) -> Vec<Fault> {
    hit(Hits::Segments { run, of }, leg, does)
}

fn wrap(tcp: &mut TcpSpec) {
    tcp.first_sequence = PerSegment { customer: u32::MAX - 2_000, internet: u32::MAX - 3_333 };
}

/// Each condition with timestamps and without.
fn cases() -> Vec<Case> {
    let with = |timestamps: bool| {
        CONDITIONS.map(|(name, change)| {
            let mut tcp = TcpSpec::new(PerSegment { customer: 40 * MS, internet: 40 * MS });
            tcp.traffic = Traffic::Both { every_ns: 4 * MS };
            tcp.lasts_ns = 2000 * MS;
            change(&mut tcp);
            let mut name = name.to_owned();
            if !timestamps {
                tcp.timestamps = None;
                name += "-no-timestamps";
            }
            Case::tcp(&name, &tcp, Expected::Truth)
        })
    };
    [with(true), with(false)].concat()
}

/// Segments sent again, and overtaken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    retransmits: u64,
    reordered: u64,
}

fn truth(case: &Case, direction: Direction) -> Counts {
    let packets = || case.packets.iter().filter(|packet| packet.direction == direction);
    Counts {
        retransmits: packets().filter(|packet| packet.sent_again).count() as u64,
        reordered: packets().filter(|packet| packet.overtaken).count() as u64,
    }
}

#[test]
fn retransmissions_and_reordering_are_counted_exactly() {
    if without_privileges() {
        return;
    }
    let cases = cases();
    let mut programs = Programs::new(&cases);
    play(&cases, &mut programs).unwrap();
    let mut complaints = Vec::new();
    let mut sums = PerDirection::<Counts>::default();
    for (n, case) in cases.iter().enumerate() {
        let history = programs.history(&case.ends(n)).unwrap();
        for direction in Direction::ALL {
            let truth = truth(case, direction);
            let history = &history.streams[direction as usize];
            let counted = Counts {
                retransmits: history.retransmits.into(),
                reordered: history.reordered.into(),
            };
            sums[direction].retransmits += counted.retransmits;
            sums[direction].reordered += counted.reordered;
            if counted != truth {
                complaints.push(format!("{}, {direction}: {counted:?}, not {truth:?}", case.name));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    check_sums(&programs, &cases, &sums);
    check_events(&programs, &cases);
}

/// The circuits' counters and the box's say the same as the flows'.
fn check_sums(programs: &Programs, cases: &[Case], sums: &PerDirection<Counts>) {
    let totals = programs.middle.readers.counters.totals();
    for direction in Direction::ALL {
        let boxed = Counts {
            retransmits: totals.retransmits[direction as usize],
            reordered: totals.reordered[direction as usize],
        };
        assert_eq!(boxed, sums[direction], "of the box, {direction}");
        let circuits = cases.iter().enumerate().map(|(n, _)| programs.quality_of(n));
        let circuits = circuits.fold(Counts::default(), |sum, quality| Counts {
            retransmits: sum.retransmits + quality.retransmits[direction as usize],
            reordered: sum.reordered + quality.reordered[direction as usize],
        });
        assert_eq!(circuits, sums[direction], "of the circuits, {direction}");
    }
}

/// Each retransmission has its event, with the right sequence number, in order.
fn check_events(programs: &Programs, cases: &[Case]) {
    let mut events = Vec::new();
    let reader = programs.middle.readers.retransmits.reader(|event| events.push(*event)).unwrap();
    reader.drain().unwrap();
    drop(reader);
    for (n, case) in cases.iter().enumerate() {
        let key = key(&case.ends(n));
        let told: Vec<(u32, u16, u8)> = events
            .iter()
            .filter(|event| event.key == key && event.target == n as u32)
            .map(|event| (event.sequence, event.length, event.direction))
            .collect();
        let sent = case.packets.iter().filter(|packet| packet.sent_again);
        let true_ones: Vec<(u32, u16, u8)> = sent
            .map(|packet| {
                let Content::Tcp(tcp, length) = &packet.content else { panic!("no TCP") };
                (tcp.sequence, *length as u16, packet.direction as u8)
            })
            .collect();
        assert_eq!(told, true_ones, "{}", case.name);
    }
}

/// More retransmissions than their ring holds, and nobody who reads it.
#[test]
fn counters_are_exact_when_the_ring_overflows() {
    const AGAIN: u64 = 20_000;
    if without_privileges() {
        return;
    }
    let mut tcp = TcpSpec::new(PerSegment { customer: MS, internet: MS });
    tcp.lasts_ns = 50 * MS;
    let case = Case::tcp("overflow", &tcp, Expected::Truth);
    let cases = [case];
    let mut programs = Programs::new(&cases);
    let ends = cases[0].ends(0);
    let upload = sent_by(Segment::Customer);
    let data = cases[0]
        .packets
        .iter()
        .find(|packet| packet.direction == upload && matches!(packet.content, Content::Tcp(_, 200)))
        .unwrap();
    let frame = data.frame(Frame::ethernet().vlan(programs.vlan(Segment::Customer)), &ends);
    for _ in 0..=AGAIN {
        programs.pass(&frame).unwrap();
    }
    let history = programs.history(&ends).unwrap();
    assert_eq!(u64::from(history.streams[upload as usize].retransmits), AGAIN);
    let quality = programs.middle.readers.quality.take(CircuitSlot::new(0)).unwrap();
    assert_eq!(quality.retransmits[upload as usize], AGAIN);
    let totals = programs.middle.readers.counters.totals();
    assert_eq!(totals.retransmits[upload as usize], AGAIN);
    let lost = totals.events[abi::Event::RetransmitLost as usize];
    let mut told = 0;
    let reader = programs.middle.readers.retransmits.reader(|_| told += 1).unwrap();
    reader.drain().unwrap();
    drop(reader);
    assert!(lost > 0 && told > 4_000, "{lost} lost, {told} told");
    assert_eq!(told + lost, AGAIN);
}
