//! Loaded programs that packets are run through, and what came of each by the change in counters.

use std::collections::BTreeMap;
use std::net::IpAddr;

use abi::{Count, Direction, Egress, Event, Mode, Protocol, Totals, Verdict};
use kernel::datapath::{Control, Counters, Loaded, MapTables, Options, Trial, UnknownHost};
use kernel::privileges::missing_capabilities;
use rustix::thread::{CpuSet, sched_setaffinity};
use units::{CircuitSlot, CpuId, IfIndex, TcHandle};

use crate::network;
use crate::outcome::{Counted, Ingress, Outcome};

/// Packets of a trial seem to come in and go out by the loopback interface.
const HERE: IfIndex = IfIndex::new(1);
/// An interface that no trial's packet uses.
const ELSEWHERE: IfIndex = IfIndex::new(0xffff);
/// What fits a page beside what the kernel puts around a frame.
const TC_LONGEST: usize = 3_400;
const PASS: u32 = 2;
const REDIRECT: u32 = 4;

/// How the box is set up when the packet arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    /// Two NICs and a bridge.
    Bridge,
    /// Likewise, but only observing.
    Observe,
    /// One NIC with two VLANs.
    Stick,
    /// A bridge, and the packet comes in by a NIC that is not part of it.
    OtherNic,
    /// A bridge with the bypass on.
    Bypass,
    /// A bridge whose list of unknown hosts is full.
    UnknownFull,
}

impl Setting {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Bridge, Self::Observe, Self::Stick, Self::OtherNic, Self::Bypass, Self::UnknownFull];

    /// Its name in the tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Observe => "observe",
            Self::Stick => "stick",
            Self::OtherNic => "other-nic",
            Self::Bypass => "bypass",
            Self::UnknownFull => "unknown-full",
        }
    }

    const fn mode(self) -> Mode {
        match self {
            Self::Observe => Mode::Observe,
            Self::Stick => Mode::Stick,
            _ => Mode::Bridge,
        }
    }
}

/// Why no packet can be tried here.
pub(crate) fn obstacle() -> Option<String> {
    let missing = missing_capabilities().unwrap();
    if !missing.is_empty() {
        return Some(format!("lacks {}", missing.join(", ")));
    }
    // circuits are served by CPU 0, and a packet that is there already is not handed on to it
    let mut elsewhere = CpuSet::new();
    elsewhere.set(1);
    sched_setaffinity(None, &elsewhere).err().map(|error| format!("no second CPU: {error}"))
}

/// Whether the kernel tries this frame on tc programs: it refuses frames of several pages, and
/// those that do not hold the header that the type of an untagged one promises.
fn tc_takes(frame: &[u8]) -> bool {
    let header = match frame.get(12..14) {
        Some([0x08, 0x00]) => 20,
        Some([0x86, 0xdd]) => 40,
        _ => 1,
    };
    (14 + header..=TC_LONGEST).contains(&frame.len())
}

/// The programs in every setting that was asked for, each loaded once.
pub(crate) struct Stage {
    unknown_hosts: u32,
    rigs: BTreeMap<(Setting, Side), Rig>,
}

/// Which NIC the loopback interface stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Internet,
    Customers,
    Both,
    Neither,
}

impl Side {
    /// Where packets of this direction come in.
    const fn entry(setting: Setting, direction: Direction) -> Self {
        match (setting, direction) {
            (Setting::Stick, _) => Self::Both,
            (Setting::OtherNic, _) => Self::Neither,
            (_, Direction::Download) => Self::Internet,
            (_, Direction::Upload) => Self::Customers,
        }
    }

    /// Where they leave.
    const fn exit(setting: Setting, direction: Direction) -> Self {
        match direction {
            Direction::Download => Self::entry(setting, Direction::Upload),
            Direction::Upload => Self::entry(setting, Direction::Download),
        }
    }
}

impl Stage {
    /// Nothing is loaded yet. There will be room for so many unknown hosts.
    pub(crate) const fn new(unknown_hosts: u32) -> Self {
        Self { unknown_hosts, rigs: BTreeMap::new() }
    }

    /// Sends a packet through the box, in by one NIC and out by the other.
    pub(crate) fn run(&mut self, setting: Setting, direction: Direction, frame: &[u8]) -> Outcome {
        let ingress = self.rig(setting, Side::entry(setting, direction)).ingress(frame);
        let egress = tc_takes(frame)
            .then(|| self.rig(setting, Side::exit(setting, direction)).egress(frame));
        Outcome { ingress, egress }
    }

    /// Empties every list of unknown hosts but a full one, which is left with who fills it.
    pub(crate) fn forget_unknown(&self) {
        for rig in self.rigs.values() {
            let hosts: Vec<_> = rig.unknown_hosts().iter().map(|host| host.address).collect();
            rig.counters.forget_unknown(&hosts).unwrap();
        }
    }

    /// Unknown hosts that are listed in a setting, with their packets by direction.
    pub(crate) fn unknown(&self, setting: Setting) -> BTreeMap<IpAddr, [u64; 2]> {
        let mut packets = BTreeMap::new();
        for (_, rig) in self.rigs.iter().filter(|((of, _), _)| *of == setting) {
            for host in rig.unknown_hosts() {
                let sum: &mut [u64; 2] = packets.entry(host.address).or_default();
                sum[0] += host.counts.down.packets;
                sum[1] += host.counts.up.packets;
            }
        }
        packets
    }

    fn rig(&mut self, setting: Setting, side: Side) -> &mut Rig {
        let room = if setting == Setting::UnknownFull { 1 } else { self.unknown_hosts };
        self.rigs.entry((setting, side)).or_insert_with(|| Rig::new(setting, side, room))
    }
}

/// One load of the programs.
struct Rig {
    loaded: Loaded,
    counters: Counters,
    control: Control,
    /// Keeps the tables' memory.
    _tables: MapTables,
    /// The unknown host that was listed before the first packet.
    filler: Option<IpAddr>,
    totals: Totals,
    circuits: Vec<[Count; 8]>,
}

impl Rig {
    fn new(setting: Setting, side: Side, unknown_hosts: u32) -> Self {
        let on = |yes: bool| if yes { HERE } else { ELSEWHERE };
        let stick = setting == Setting::Stick;
        let options = Options {
            tcx: true,
            mode: setting.mode(),
            internet: on(matches!(side, Side::Internet | Side::Both)),
            customers: on(matches!(side, Side::Customers | Side::Both)),
            vlans: stick.then_some((network::INTERNET_VLAN, network::CUSTOMERS_VLAN)),
            cpus: vec![CpuId::new(0)],
            sizes: network::sizes(unknown_hosts),
        };
        let mut loaded = Loaded::new(options).unwrap();
        let counters = loaded.take_readers().unwrap().counters;
        let mut tables = loaded.take_tables().unwrap();
        network::fill(&mut tables);
        let control = tables.control().clone();
        let totals = counters.totals();
        let circuits = vec![[Count::default(); 8]; network::CIRCUITS as usize];
        let mut rig =
            Self { loaded, counters, control, _tables: tables, filler: None, totals, circuits };
        if setting == Setting::UnknownFull {
            rig.fill_unknown();
        }
        rig.control.set_bypass(setting == Setting::Bypass);
        rig
    }

    /// Takes the one place in the list. Source and destination are the same unknown host, so that
    /// the direction does not matter.
    fn fill_unknown(&mut self) {
        let host = [100, 64, 99, 99];
        let ip = testkit::Ipv4::new(host, host);
        let frame = testkit::Frame::ethernet().ipv4(ip).udp(1, 2).build();
        self.loaded.xdp_ingress(&frame).unwrap();
        self.filler = Some(host.into());
        self.totals = self.counters.totals();
    }

    fn unknown_hosts(&self) -> Vec<UnknownHost> {
        let mut hosts = self.counters.unknown_hosts().unwrap();
        hosts.retain(|host| Some(host.address) != self.filler);
        hosts
    }

    fn ingress(&mut self, frame: &[u8]) -> Ingress {
        let out = self.loaded.xdp_ingress(frame).unwrap();
        assert!(out.packet == frame, "xdp_ingress changed the packet");
        let change = self.change();
        assert_eq!(change.egress, [0; 4], "xdp_ingress counted what is tc_egress's");
        let verdict = one_of(Verdict::ALL, &change.verdicts).expect("a verdict");
        let circuit = self.circuit(&change.counts);
        Ingress {
            redirected: match out.action {
                PASS => false,
                REDIRECT => true,
                other => panic!("action {other}"),
            },
            metadata: out.metadata.map(|metadata| {
                assert_eq!(metadata.epoch, self.control.epoch());
                metadata.slot
            }),
            verdict,
            counted: counted(&change.counts),
            circuit,
            unknown: None,
            events: Event::ALL
                .iter()
                .copied()
                .filter(|event| match change.events[*event as usize] {
                    0 => false,
                    1 => true,
                    more => panic!("{more} times {}", event.name()),
                })
                .collect(),
        }
    }

    fn egress(&mut self, frame: &[u8]) -> (Egress, TcHandle) {
        let out = self.loaded.tc_egress_whole(frame).unwrap_or_else(|error| {
            panic!("{error}, {} bytes: {}", frame.len(), testkit::to_hex(frame))
        });
        assert!(out.packet == frame, "tc_egress changed the packet");
        let change = self.change();
        assert_eq!(
            (change.verdicts, change.events),
            ([0; Verdict::COUNT], [0; Event::COUNT]),
            "not tc_egress's to count"
        );
        let egress = one_of(Egress::ALL, &change.egress).expect("a way out");
        (egress, out.class)
    }

    fn circuits(&self) -> Vec<[Count; 8]> {
        let slots = (0..network::CIRCUITS).map(CircuitSlot::new);
        slots.map(|slot| self.counters.traffic(slot)).collect()
    }

    /// The one circuit whose counters moved; it counts just what the box counts.
    fn circuit(&mut self, boxed: &[Count; 8]) -> Option<u32> {
        let now = self.circuits();
        let before = std::mem::replace(&mut self.circuits, now);
        let mut moved = None;
        for (slot, (after, before)) in self.circuits.iter().zip(&before).enumerate() {
            if after != before {
                assert_eq!(moved, None, "two circuits counted the packet");
                assert_eq!(difference(after, before), *boxed, "circuit and box differ");
                moved = Some(slot as u32);
            }
        }
        moved
    }

    /// What the counters gained since the last time.
    fn change(&mut self) -> Totals {
        let now = self.counters.totals();
        let before = std::mem::replace(&mut self.totals, now);
        Totals {
            counts: difference(&now.counts, &before.counts),
            verdicts: std::array::from_fn(|i| now.verdicts[i] - before.verdicts[i]),
            egress: std::array::from_fn(|i| now.egress[i] - before.egress[i]),
            events: std::array::from_fn(|i| now.events[i] - before.events[i]),
            ..Totals::default()
        }
    }
}

fn difference(after: &[Count; 8], before: &[Count; 8]) -> [Count; 8] {
    std::array::from_fn(|i| Count {
        bytes: after[i].bytes - before[i].bytes,
        packets: after[i].packets - before[i].packets,
    })
}

/// The one code that was counted once.
fn one_of<C: Copy>(codes: &[C], counts: &[u64]) -> Option<C> {
    assert_eq!(counts.iter().sum::<u64>(), 1, "counted not just once: {counts:?}");
    counts.iter().position(|count| *count == 1).map(|i| codes[i])
}

fn counted(counts: &[Count; 8]) -> Option<Counted> {
    let packets: u64 = counts.iter().map(|count| count.packets).sum();
    assert!(packets <= 1, "counted {packets} times");
    let i = counts.iter().position(|count| count.packets == 1)?;
    Some(Counted {
        direction: Direction::ALL[i / Protocol::COUNT],
        protocol: Protocol::ALL[i % Protocol::COUNT],
        bytes: counts[i].bytes,
    })
}
