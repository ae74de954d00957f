//! A second, independent account of the datapath: what should become of a packet, worked out in
//! plain Rust from the RFCs and from what the programs promise. It knows nothing of how they do it:
//! it cuts slices where they count offsets, and searches a list where they look into maps.

mod envelope;
mod internet;
mod transport;

use std::net::IpAddr;

use abi::{Direction, Egress, Event, Protocol, Verdict};
use kernel::tables::AddressTarget;
use units::{IpPrefix, TcHandle};

use crate::network;
use crate::outcome::{Counted, Ingress, Outcome};
use crate::stage::Setting;

use internet::Datagram;

/// Why nobody looks at a packet's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// Not IP, or wrapped in what is not understood.
    NotIp,
    /// It contradicts itself, or ends too early.
    Malformed,
}

/// What can be said of a frame without knowing the box.
struct Sighting<'a> {
    /// Of the outer tag.
    vlan: Option<u16>,
    datagram: Result<Datagram<'a>, Refusal>,
}

/// The box's side of the account.
pub(crate) struct Model {
    addresses: Vec<(IpPrefix, AddressTarget)>,
}

impl Model {
    /// The model of [`network`].
    pub(crate) fn new() -> Self {
        Self { addresses: network::addresses() }
    }

    /// What becomes of a frame that comes in as part of `direction`, which on a stick the VLAN
    /// decides. Where it leaves depends on where it came in.
    pub(crate) fn run(&self, setting: Setting, direction: Direction, frame: &[u8]) -> Outcome {
        let sighting = envelope::open(frame);
        Outcome {
            ingress: self.ingress(setting, direction, &sighting, frame.len() as u64),
            egress: Some(self.egress(setting, direction, &sighting)),
        }
    }

    fn ingress(
        &self,
        setting: Setting,
        direction: Direction,
        sighting: &Sighting<'_>,
        bytes: u64,
    ) -> Ingress {
        if setting == Setting::Bypass {
            return Ingress::passed(Verdict::Bypassed);
        }
        let datagram = match &sighting.datagram {
            Ok(datagram) => datagram,
            Err(Refusal::NotIp) => return Ingress::passed(Verdict::NotIp),
            Err(Refusal::Malformed) => return Ingress::passed(Verdict::Malformed),
        };
        let Some(direction) = travels(setting, direction, sighting.vlan, Gate::In) else {
            return Ingress::passed(Verdict::Foreign);
        };
        if !datagram.complete {
            return Ingress::passed(Verdict::Malformed);
        }
        let transport = transport::classify(datagram);
        let protocol = transport.unwrap_or(Protocol::Other);
        let customer = datagram.customer(direction);
        let mut ingress = Ingress {
            counted: Some(Counted { direction, protocol, bytes }),
            ..Ingress::passed(Verdict::Ignored)
        };
        ingress.events.extend(transport.err().map(|_| Event::L4Invalid));
        match self.target(customer) {
            AddressTarget::Ignored => {}
            AddressTarget::Customers => {
                ingress.verdict = Verdict::Unknown;
                if setting == Setting::UnknownFull {
                    ingress.events.push(Event::UnknownFull);
                } else {
                    ingress.unknown = Some(customer);
                }
            }
            AddressTarget::Circuit(slot) => {
                ingress.verdict = Verdict::Circuit;
                ingress.circuit = Some(slot.get());
                if setting != Setting::Observe {
                    ingress.metadata = Some(slot.get());
                    ingress.redirected = slot.get() != network::STRANDED;
                    ingress.events.extend((!ingress.redirected).then_some(Event::NoCpu));
                }
            }
        }
        ingress
    }

    /// On the way out a packet that lies about its length is still its circuit's: nobody gets
    /// round the shaper by lying.
    fn egress(
        &self,
        setting: Setting,
        direction: Direction,
        sighting: &Sighting<'_>,
    ) -> (Egress, TcHandle) {
        if setting == Setting::Bypass {
            return (Egress::Bypassed, TcHandle::from_raw(0));
        }
        let class = travels(setting, direction, sighting.vlan, Gate::Out).and_then(|direction| {
            let datagram = sighting.datagram.as_ref().ok()?;
            let AddressTarget::Circuit(slot) = self.target(datagram.customer(direction)) else {
                return None;
            };
            let class = network::place(slot.get())?.class;
            Some(match direction {
                Direction::Download => class.down,
                Direction::Upload => class.up,
            })
        });
        class.map_or((Egress::Unclaimed, TcHandle::from_raw(0)), |class| (Egress::Lookup, class))
    }

    /// Where the longest prefix that holds the address leads.
    fn target(&self, address: IpAddr) -> AddressTarget {
        self.addresses
            .iter()
            .filter(|(prefix, _)| prefix.contains(address))
            .max_by_key(|(prefix, _)| prefix.len())
            .map_or(AddressTarget::Ignored, |(_, target)| *target)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    In,
    Out,
}

/// Which way the packet travels, if it is one of ours. A packet of a trial leaves with the tag that
/// it came with: on a stick, the tag of the side that it came from would send it back there.
fn travels(
    setting: Setting,
    direction: Direction,
    vlan: Option<u16>,
    gate: Gate,
) -> Option<Direction> {
    match setting {
        Setting::OtherNic => None,
        Setting::Stick => {
            let internet = match vlan? {
                network::INTERNET_VLAN => true,
                network::CUSTOMERS_VLAN => false,
                _ => return None,
            };
            Some(if internet == (gate == Gate::In) {
                Direction::Download
            } else {
                Direction::Upload
            })
        }
        _ => Some(direction),
    }
}
