//! Flows: what the programs remember of them, tell of them, and do when there are too many.

mod box_on_a_stick;

use std::net::Ipv6Addr;
use std::thread::sleep;
use std::time::Duration;

use abi::{Direction, Event, Segment};
use box_on_a_stick::{
    BoxOnAStick, CUSTOMER, SERVER, obstacle, segment_down, segment_up, to_customer, to_server,
};
use kernel::datapath::CaptureTarget;
use testkit::{Frame, Ipv4, Ipv6, Tcp};
use units::CircuitSlot;

const DOWN: usize = Direction::Download as usize;
const UP: usize = Direction::Upload as usize;
const FIN: u8 = 0x11;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const TAG: u64 = 4;

macro_rules! box_or_skip {
    ($flows:expr) => {{
        if let Some(why) = obstacle() {
            eprintln!("skipped: {why}");
            return;
        }
        BoxOnAStick::new($flows)
    }};
}

#[test]
fn both_directions_are_one_flow() {
    let mut stick = box_or_skip!(64);
    let up = Ipv4 { tos: 0xb8, ..to_server() };
    let ce = Ipv4 { tos: 0x03, ..to_customer() };
    assert_eq!(stick.upload(&Frame::ethernet().ipv4(up).udp(5000, 53).payload(&[0; 10])), Some(3));
    assert_eq!(
        stick.download(&Frame::ethernet().ipv4(ce).udp(53, 5000).payload(&[0; 100])),
        Some(3)
    );
    assert_eq!(stick.download(&Frame::ethernet().ipv4(to_customer()).udp(53, 5000)), Some(3));

    let flow = stick.the_changed();
    assert_eq!(&flow.key.customer.bytes[12..], CUSTOMER);
    assert_eq!(&flow.key.internet.bytes[12..], SERVER);
    assert_eq!(u16::from_be(flow.key.customer_port), 5000);
    assert_eq!(u16::from_be(flow.key.internet_port), 53);
    assert_eq!((flow.key.protocol, flow.target), (17, 3));
    let [down, up] = flow.streams;
    assert_eq!((down.packets, down.bytes), (2, 14 + TAG + 28 + 100 + 14 + TAG + 28));
    assert_eq!((up.packets, up.bytes), (1, 14 + TAG + 28 + 10));
    assert_eq!((down.ect_packets, down.ce_packets, up.ect_packets), (1, 1, 0));
    assert_eq!((up.tos, down.tos), (0xb8, 0));
    assert!(flow.first_seen > 0 && flow.first_seen <= down.last_seen);
}

#[test]
fn every_protocol_with_ends_has_flows() {
    let mut stick = box_or_skip!(64);
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let v6 = || Ipv6::new(address("2001:db8:1::7"), address("2001:db8:ffff::1"));
    stick.upload(&segment_up(Tcp::new(40_000, 443), 0));
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(1, 2));
    stick.upload(&Frame::ethernet().ipv4(to_server()).echo(77, 1));
    stick.upload(&Frame::ethernet().ipv4(to_server()).echo(77, 2));
    stick.upload(&Frame::ethernet().ipv6(v6()).tcp(Tcp::new(40_000, 443)));
    stick.upload(&Frame::ethernet().ipv6(v6()).echo(77, 1));
    // an unknown host has flows; one that nobody asks about has none
    let unknown = Ipv4::new([100, 64, 9, 9], SERVER);
    let stranger = Ipv4::new([192, 0, 2, 1], SERVER);
    assert_eq!(stick.upload(&Frame::ethernet().ipv4(unknown).udp(1, 2)), None);
    assert_eq!(stick.upload(&Frame::ethernet().ipv4(stranger).udp(1, 2)), None);
    // neither have later fragments and other protocols, which have no ports
    stick.upload(&Frame::ethernet().ipv4(to_server().fragment(8, false)).payload(&[0; 40]));
    stick.upload(&Frame::ethernet().ipv4(to_server()).gre());

    let flows = stick.changed();
    let mut seen: Vec<_> = flows
        .values()
        .map(|flow| (flow.key.protocol, flow.target, u16::from_be(flow.key.customer_port)))
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (1, 3, 77),
            (6, 3, 40_000),
            (6, 3, 40_000),
            (17, 3, 1),
            (17, abi::TARGET_CUSTOMERS, 1),
            (58, 3, 77),
        ]
    );
}

#[test]
fn only_what_changed_is_told() {
    let mut stick = box_or_skip!(64);
    for port in 1..=10 {
        stick.upload(&Frame::ethernet().ipv4(to_server()).udp(port, 53));
    }
    assert_eq!(stick.changed().len(), 10);
    assert_eq!(stick.changed().len(), 0);
    stick.download(&Frame::ethernet().ipv4(to_customer()).udp(53, 7));
    let flow = stick.the_changed();
    assert_eq!((flow.streams[UP].packets, flow.streams[DOWN].packets), (1, 1));

    stick.readers.flows.forget(&[flow.key, flow.key]);
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(7, 53));
    assert_eq!(stick.the_changed().streams[UP].packets, 1, "it begins anew");
}

#[test]
fn dates_are_those_of_the_monotonic_clock() {
    let mut stick = box_or_skip!(64);
    let clock = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    };
    let before = clock();
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(1, 53));
    sleep(Duration::from_millis(100));
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(1, 53));
    let after = clock();
    let mut seen = None;
    stick
        .readers
        .flows
        .read_changed(|flow, dates| {
            seen = Some((dates.ns(flow.first_seen), dates.ns(flow.streams[UP].last_seen)));
            assert_eq!(dates.ns(flow.streams[DOWN].last_seen), 0, "there was none");
        })
        .unwrap();
    let (first, last) = seen.unwrap();
    let slack = 15_000_000;
    assert!(first + slack >= before && last <= after + slack, "{before} {first} {last} {after}");
    assert!(last - first >= 100_000_000 - 2 * slack, "{first} {last}");
}

#[test]
fn a_changed_mapping_reaches_flows_that_are_known() {
    let mut stick = box_or_skip!(64);
    let packet = || Frame::ethernet().ipv4(to_server()).udp(1, 53);
    assert_eq!(stick.upload(&packet()), Some(3));
    stick.map_customer_to(5);
    assert_eq!(stick.upload(&packet()), Some(5));
    assert_eq!(stick.the_changed().target, 5);
}

#[test]
fn fault_10_a_full_table_costs_flows_but_no_packet_its_circuit() {
    let mut stick = box_or_skip!(16);
    let room = stick.readers.flows.capacity();
    let packet = |port| Frame::ethernet().ipv4(to_server()).udp(port, 53);
    for port in 1..=1000 {
        assert_eq!(stick.upload(&packet(port)), Some(3));
    }
    let flows = stick.changed();
    assert_eq!((room, flows.len()), (16, 16));
    let full = stick.readers.counters.totals().events[Event::FlowsFull as usize];
    assert_eq!(full, 1000 - room as u64);
    // those that are known go on being counted
    let known = *flows.values().next().unwrap();
    let port = u16::from_be(known.key.customer_port);
    stick.upload(&packet(port));
    assert_eq!(stick.the_changed().streams[UP].packets, 2);
    // and where there is room again there are new ones, but not before the next reading
    stick.readers.flows.forget(&[known.key]);
    for port in 2001..=2100 {
        stick.upload(&packet(port));
    }
    assert_eq!(stick.changed().len(), 0);
    for port in 2001..=2100 {
        stick.upload(&packet(port));
    }
    assert!((2001..=2100).contains(&u16::from_be(stick.the_changed().key.customer_port)));
}

#[test]
fn rows_and_places_come_back() {
    // roomy, so that both places of no flow are taken
    let mut stick = box_or_skip!(400);
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let v6 = Ipv6::new(address("2001:db8:1::7"), address("2001:db8:ffff::1"));
    for round in 0..20_u16 {
        for port in 0..50 {
            let port = 1 + round * 50 + port;
            stick.upload(&Frame::ethernet().ipv4(to_server()).udp(port, 53));
            stick.upload(&Frame::ethernet().ipv6(v6.clone()).udp(port, 53));
        }
        let flows = stick.changed();
        assert_eq!(flows.len(), 100, "round {round}");
        assert!(flows.values().all(|flow| flow.streams[UP].packets == 1), "round {round}");
        let keys: Vec<_> = flows.values().map(|flow| flow.key).collect();
        stick.readers.flows.forget(&keys);
        assert_eq!(stick.changed().len(), 0);
    }
    assert_eq!(stick.readers.counters.totals().events[Event::FlowsFull as usize], 0);
}

#[test]
fn a_reader_that_lost_its_place_is_told_of_all_flows() {
    let mut stick = box_or_skip!(64);
    for port in 1..=10 {
        stick.upload(&Frame::ethernet().ipv4(to_server()).udp(port, 53));
    }
    assert_eq!(stick.changed().len(), 10);
    stick.readers.flows.tell_all();
    assert_eq!(stick.changed().len(), 10);
    assert_eq!(stick.changed().len(), 0);
}

#[test]
fn what_comes_for_a_flow_on_its_way_out_begins_another() {
    let mut stick = box_or_skip!(16);
    let packet = || Frame::ethernet().ipv4(to_server()).udp(1, 53);
    stick.upload(&packet());
    stick.upload(&packet());
    let key = stick.the_changed().key;
    stick.readers.flows.forget(&[key]);
    stick.upload(&packet());
    let again = stick.the_changed();
    assert_eq!((again.key, again.streams[UP].packets), (key, 1));
    stick.upload(&packet());
    assert_eq!(stick.the_changed().streams[UP].packets, 2);
}

#[test]
fn a_connection_tells_its_round_trips() {
    let mut stick = box_or_skip!(16);
    let wait = |ms| sleep(Duration::from_millis(ms));
    stick.upload(&segment_up(Tcp::new(40_000, 443).numbers(99, 0).flags(SYN), 0));
    wait(30);
    stick.download(&segment_down(Tcp::new(443, 40_000).numbers(499, 100).flags(SYN | ACK), 0));
    wait(10);
    stick.upload(&segment_up(Tcp::new(40_000, 443).numbers(100, 500).timestamps(1000, 7), 0));
    let flow = stick.the_changed();
    let ms = |units: u32| f64::from(units) * f64::from(abi::RTT_UNIT_NS) / 1e6;
    let [internet, customer] = [flow.streams[DOWN], flow.streams[UP]];
    assert_eq!((internet.rtt_samples, customer.rtt_samples), (1, 1));
    assert!((29.9..40.0).contains(&ms(internet.rtt_last)), "{}", ms(internet.rtt_last));
    assert!((9.9..20.0).contains(&ms(customer.rtt_last)), "{}", ms(customer.rtt_last));
    assert_eq!(customer.tcp_flags, SYN | ACK);

    let quality = stick.readers.quality.take(CircuitSlot::new(3)).unwrap();
    assert_eq!(quality.samples, [1, 1]);
    let bins = |segment: Segment| {
        let first = segment as usize * abi::RTT_BINS as usize;
        quality.bins[first..first + abi::RTT_BINS as usize].iter().sum::<u32>()
    };
    assert_eq!((bins(Segment::CustomerSide), bins(Segment::InternetSide)), (1, 1));
    assert_eq!(stick.readers.quality.take(CircuitSlot::new(3)), None, "taken is taken");
    assert_eq!(stick.readers.quality.take(CircuitSlot::new(99)), None, "there is no such row");
}

#[test]
fn a_segment_that_comes_again_is_told() {
    let mut stick = box_or_skip!(16);
    let segment = |sequence| segment_down(Tcp::new(443, 40_000).numbers(sequence, 1), 100);
    for sequence in [u32::MAX - 149, u32::MAX - 49, 50, u32::MAX - 49] {
        stick.download(&segment(sequence));
    }
    // a keep-alive is none
    stick.download(&segment_down(Tcp::new(443, 40_000).numbers(149, 1), 1));
    let mut events = Vec::new();
    stick.readers.retransmits.reader(|event| events.push(*event)).unwrap().drain().unwrap();
    let [event] = events[..] else { panic!("{events:?}") };
    assert_eq!((event.sequence, event.length, event.target), (u32::MAX - 49, 100, 3));
    assert_eq!(event.direction, DOWN as u8);
    let stream = stick.the_changed().streams[DOWN];
    assert_eq!((stream.retransmits, stream.reordered), (1, 0));
    assert_eq!(stick.readers.counters.totals().retransmits, [1, 0]);
    let quality = stick.readers.quality.take(CircuitSlot::new(3)).unwrap();
    assert_eq!((quality.retransmits, quality.reordered), ([1, 0], [0, 0]));
}

#[test]
fn the_same_ends_may_connect_again() {
    let mut stick = box_or_skip!(16);
    let down = |sequence, flags, payload| {
        segment_down(Tcp::new(443, 40_000).numbers(sequence, 1).flags(flags), payload)
    };
    stick.download(&down(3_000_000_000, ACK, 100));
    stick.download(&down(3_000_000_100, FIN, 0));
    stick.download(&down(1_000, SYN | ACK, 0));
    stick.download(&down(1_001, ACK, 100));
    let stream = stick.the_changed().streams[DOWN];
    assert_eq!((stream.retransmits, stream.reordered), (0, 0));
    assert_eq!(stream.tcp_flags & 1, 0, "the FIN was the other connection's");
}

#[test]
fn captures_take_headers_and_nothing_else() {
    let mut stick = box_or_skip!(16);
    let captures = &stick.readers.captures;
    let circuit = captures.start(CaptureTarget::Circuit(CircuitSlot::new(3)), 128).unwrap();
    let host = captures.start(CaptureTarget::Host(SERVER.into()), 30).unwrap();
    let other = captures.start(CaptureTarget::Host([9, 9, 9, 9].into()), 128).unwrap();
    let secret = b"payload that stays where it is";
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(1, 53).payload(secret));
    stick.readers.captures.stop(circuit);
    stick.upload(&Frame::ethernet().ipv4(to_server()).udp(2, 53).payload(secret));

    let mut packets = Vec::new();
    let ring = stick.readers.captures.ring();
    ring.reader(|packet: &abi::Captured| packets.push(*packet)).unwrap().drain().unwrap();
    let [both, one] = packets[..] else { panic!("{} packets", packets.len()) };
    let whole = 14 + TAG as u32 + 28 + secret.len() as u32;
    assert_eq!((both.captures, both.length), (1 << circuit | 1 << host, whole));
    assert_eq!(both.captured, 14 + TAG as u16 + 28, "the headers are shorter than 128 bytes");
    assert_eq!((one.captures, one.captured), (1 << host, 30));
    assert_eq!(both.direction, UP as u8);
    assert_eq!(&both.bytes[12..16], [0x81, 0, 0, 200]);
    let counts = |number| stick.readers.captures.counts(number).captured;
    assert_eq!((counts(circuit), counts(host), counts(other)), (1, 2, 0));
}

#[test]
fn captures_are_bounded() {
    let stick = box_or_skip!(16);
    let captures = &stick.readers.captures;
    let target = CaptureTarget::Circuit(CircuitSlot::new(0));
    let running: Vec<_> = (0..9).map(|_| captures.start(target, 64)).collect();
    assert_eq!(running[7], Some(7));
    assert_eq!(running[8], None);
    captures.stop(2);
    assert_eq!(captures.start(target, 64), Some(2));
    assert!(!stick.control().bypass());
}
