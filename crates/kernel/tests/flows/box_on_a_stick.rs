//! Loaded programs on one NIC with two VLANs, so that packets of both directions meet in one table.

use std::collections::BTreeMap;

use kernel::datapath::{Control, FlowReport, Loaded, MapSizes, MapTables, Options, Readers, Trial};
use kernel::privileges::missing_capabilities;
use kernel::tables::{AddressTarget, CircuitPlace, Tables};
use testkit::{Frame, Ipv4, Tcp};
use units::{CircuitSlot, CpuId, IfIndex, IpPrefix, PerDirection, QueueId, TcHandle};

const INTERNET_VLAN: u16 = 100;
const CUSTOMERS_VLAN: u16 = 200;
pub(crate) const CUSTOMER: [u8; 4] = [100, 64, 1, 10];
pub(crate) const SERVER: [u8; 4] = [203, 0, 113, 1];

/// The programs and what they tell.
pub(crate) struct BoxOnAStick {
    loaded: Loaded,
    pub(crate) tables: MapTables,
    pub(crate) readers: Readers,
}

/// Why there can be no box here.
pub(crate) fn obstacle() -> Option<String> {
    let missing = missing_capabilities().unwrap();
    (!missing.is_empty()).then(|| format!("lacks {}", missing.join(", ")))
}

impl BoxOnAStick {
    /// With room for `flows`. `CUSTOMER` is circuit 3, all else in 100.64.0.0/10 is unknown.
    pub(crate) fn new(flows: u32) -> Self {
        let here = IfIndex::new(1);
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Stick,
            internet: here,
            customers: here,
            vlans: Some((INTERNET_VLAN, CUSTOMERS_VLAN)),
            tcx: true,
            cpus: vec![CpuId::new(0)],
            sizes: MapSizes { circuits: 8, hosts: 64, prefixes: 8, unknown_hosts: 64, flows },
        })
        .unwrap();
        let mut tables = loaded.take_tables().unwrap();
        let rows: Vec<_> = (0..8).map(|slot| (CircuitSlot::new(slot), Some(place()))).collect();
        tables.set_circuits(&rows).unwrap();
        let readers = loaded.take_readers().unwrap();
        let mut made = Self { loaded, tables, readers };
        made.map_customer_to(3);
        made
    }

    /// Makes `CUSTOMER` an address of this circuit.
    pub(crate) fn map_customer_to(&mut self, slot: u32) {
        let circuit = Some(AddressTarget::Circuit(CircuitSlot::new(slot)));
        let prefix = |text: &str| text.parse::<IpPrefix>().unwrap();
        self.tables
            .set_addresses(&[
                (prefix("100.64.1.10"), circuit),
                (prefix("2001:db8:1::/48"), circuit),
                (prefix("100.64.0.0/10"), Some(AddressTarget::Customers)),
            ])
            .unwrap();
    }

    pub(crate) fn control(&self) -> &Control {
        self.tables.control()
    }

    /// Lets a packet come in by the Internet's side; the slot that it was given comes back.
    pub(crate) fn download(&mut self, packet: &Frame) -> Option<u32> {
        self.ingress(INTERNET_VLAN, packet)
    }

    /// Lets a packet come in by the customers' side, likewise.
    pub(crate) fn upload(&mut self, packet: &Frame) -> Option<u32> {
        self.ingress(CUSTOMERS_VLAN, packet)
    }

    fn ingress(&mut self, vlan: u16, packet: &Frame) -> Option<u32> {
        let frame = packet.build();
        let mut tagged = frame[..12].to_vec();
        tagged.extend([0x81, 0x00]);
        tagged.extend(vlan.to_be_bytes());
        tagged.extend(&frame[12..]);
        self.loaded.xdp_ingress(&tagged).unwrap().metadata.map(|metadata| metadata.slot)
    }

    /// Flows that changed since the last time, by their keys' bytes.
    pub(crate) fn changed(&mut self) -> BTreeMap<Vec<u8>, FlowReport> {
        let mut flows = BTreeMap::new();
        let each = |report: &FlowReport, _| {
            flows.insert(bytemuck::bytes_of(&report.key).to_vec(), *report);
        };
        self.readers.flows.read_changed(each).unwrap();
        flows
    }

    /// The one flow that changed since the last time.
    pub(crate) fn the_changed(&mut self) -> FlowReport {
        let flows = self.changed();
        assert_eq!(flows.len(), 1, "{flows:?}");
        *flows.values().next().unwrap()
    }
}

fn place() -> CircuitPlace {
    CircuitPlace {
        class: PerDirection::both(TcHandle::new(1, 0x10)),
        queue: PerDirection::both(QueueId::new(0)),
        cpu: CpuId::new(0),
    }
}

/// From the server to the customer.
pub(crate) fn to_customer() -> Ipv4 {
    Ipv4::new(SERVER, CUSTOMER)
}

/// From the customer to the server.
pub(crate) fn to_server() -> Ipv4 {
    Ipv4::new(CUSTOMER, SERVER)
}

/// A TCP segment of the customer's connection to port 443, towards the customer.
pub(crate) fn segment_down(header: Tcp, payload: usize) -> Frame {
    Frame::ethernet().ipv4(to_customer()).tcp(header).payload(&vec![0; payload])
}

/// Likewise towards the server.
pub(crate) fn segment_up(header: Tcp, payload: usize) -> Frame {
    Frame::ethernet().ipv4(to_server()).tcp(header).payload(&vec![0; payload])
}
