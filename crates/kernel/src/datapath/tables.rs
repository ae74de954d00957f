//! The tables that the programs look things up in: control, circuits, addresses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libbpf_rs::{MapCore, MapFlags, MapHandle, Object};
use units::{CircuitSlot, CpuId, Direction, IpPrefix, PerDirection, QueueId, TcHandle};

use crate::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};

use super::load::{access, map_handle, mapped};
use super::mapped::Mapped;
use super::{DatapathError, MapSizes};

/// Entries written by one system call.
const BATCH: usize = 4096;

/// The number that stands for the target in the maps.
const fn code(target: AddressTarget) -> u32 {
    match target {
        AddressTarget::Circuit(slot) => slot.get(),
        AddressTarget::Ignored => abi::TARGET_IGNORED,
        AddressTarget::Customers => abi::TARGET_CUSTOMERS,
    }
}

/// The switches that all programs read, shared by whoever may turn them.
#[derive(Clone, Debug)]
pub struct Control(Arc<Mapped<abi::Control>>);

const BYPASS_AND_EPOCH: usize = 0;
const QUEUES: usize = 1;

impl Control {
    fn head(&self) -> abi::Control {
        self.0.read(0)
    }

    /// Passes everything unshaped, or not, from the next packet on.
    pub fn set_bypass(&self, on: bool) {
        self.update(|control| control.bypass = on.into());
    }

    /// Whether everything is passed unshaped.
    pub fn bypass(&self) -> bool {
        self.head().bypass != 0
    }

    /// The epoch of the address maps.
    pub fn epoch(&self) -> u32 {
        self.head().epoch
    }

    /// Which transmit queues carry a direction's unclaimed packets: a first one and a number.
    pub fn set_queues(&self, queues: PerDirection<(QueueId, u16)>) {
        self.update(|control| {
            control.queues = Direction::ALL.map(|direction| {
                let (first, count) = queues[direction];
                abi::Queues { first: first.get(), count }
            });
        });
    }

    fn advance_epoch(&self) {
        self.update(|control| control.epoch = control.epoch.checked_add(1).unwrap_or(1));
    }

    /// Changes the row; another writer's change of another field in the same word is not lost.
    fn update(&self, change: impl Fn(&mut abi::Control)) {
        for index in [BYPASS_AND_EPOCH, QUEUES] {
            let word = self.0.word(0, index);
            let changed = |old: u64| {
                let mut control = self.head();
                let bytes = bytemuck::bytes_of_mut(&mut control);
                bytes[index * 8..][..8].copy_from_slice(&old.to_ne_bytes());
                change(&mut control);
                let bytes = bytemuck::bytes_of(&control);
                Some(u64::from_ne_bytes(bytes[index * 8..][..8].try_into().ok()?))
            };
            let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
        }
    }
}

/// The tables, with what was written to them. There is one writer.
#[derive(Debug)]
pub struct MapTables {
    control: Control,
    circuits: Mapped<abi::Circuit>,
    hosts: MapHandle,
    prefixes: MapHandle,
    sizes: MapSizes,
    addresses: BTreeMap<IpPrefix, AddressTarget>,
}

impl MapTables {
    pub(super) fn new(object: &Object, sizes: &MapSizes) -> Result<Self, DatapathError> {
        let control = Control(Arc::new(mapped(object, "tg_control", 1)?));
        control.advance_epoch();
        Ok(Self {
            control,
            circuits: mapped(object, "tg_circuits", sizes.circuits.max(1) as usize)?,
            hosts: map_handle(object, "tg_hosts")?,
            prefixes: map_handle(object, "tg_prefixes")?,
            sizes: *sizes,
            addresses: BTreeMap::new(),
        })
    }

    /// The switches.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    fn write_circuits(
        &self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), DatapathError> {
        let last = rows.iter().map(|(slot, _)| slot.index() + 1).max().unwrap_or(0);
        if last > self.circuits.rows() {
            return Err(DatapathError::Full {
                map: "tg_circuits",
                wanted: last,
                capacity: self.sizes.circuits,
                key: "circuits",
            });
        }
        for (slot, place) in rows {
            self.circuits.write(slot.index(), &place.map(row).unwrap_or_default());
        }
        Ok(())
    }

    fn write_addresses(
        &mut self,
        wanted: &[(IpPrefix, AddressTarget)],
    ) -> Result<(), DatapathError> {
        let wanted: BTreeMap<_, _> = wanted.iter().copied().collect();
        self.check_room(&wanted)?;
        let gone: Vec<_> =
            self.addresses.keys().filter(|prefix| !wanted.contains_key(prefix)).copied().collect();
        let changed: Vec<_> = wanted
            .iter()
            .filter(|(prefix, target)| self.addresses.get(prefix) != Some(target))
            .map(|(prefix, target)| (*prefix, *target))
            .collect();
        // A full map takes no new entry until old ones are gone; then, and only then, remove first.
        let room = self.sizes.hosts.min(self.sizes.prefixes) as usize;
        let crowded = self.addresses.len() + changed.len() > room;
        if crowded {
            self.remove(&gone)?;
        }
        self.insert(&changed)?;
        if !crowded {
            self.remove(&gone)?;
        }
        self.control.advance_epoch();
        Ok(())
    }

    fn check_room(&self, wanted: &BTreeMap<IpPrefix, AddressTarget>) -> Result<(), DatapathError> {
        let hosts = wanted.keys().filter(|prefix| prefix.is_host()).count();
        for (map, key, wanted, capacity) in [
            ("tg_hosts", "hosts", hosts, self.sizes.hosts),
            ("tg_prefixes", "prefixes", wanted.len() - hosts, self.sizes.prefixes),
        ] {
            if wanted > capacity as usize {
                return Err(DatapathError::Full { map, wanted, capacity, key });
            }
        }
        Ok(())
    }

    fn insert(&mut self, entries: &[(IpPrefix, AddressTarget)]) -> Result<(), DatapathError> {
        for (is_host, map, name) in self.maps() {
            let entries: Vec<_> = entries.iter().filter(|(p, _)| p.is_host() == is_host).collect();
            for batch in entries.chunks(BATCH) {
                let keys: Vec<u8> = batch.iter().flat_map(|(prefix, _)| key(*prefix)).collect();
                let values: Vec<u8> =
                    batch.iter().flat_map(|(_, target)| code(*target).to_ne_bytes()).collect();
                map.update_batch(&keys, &values, batch.len() as u32, MapFlags::ANY, MapFlags::ANY)
                    .map_err(|source| access("write to", name, source))?;
            }
        }
        self.addresses.extend(entries.iter().copied());
        Ok(())
    }

    fn remove(&mut self, prefixes: &[IpPrefix]) -> Result<(), DatapathError> {
        for (is_host, map, name) in self.maps() {
            for prefix in prefixes.iter().filter(|prefix| prefix.is_host() == is_host) {
                map.delete(&key(*prefix)).map_err(|source| access("remove from", name, source))?;
            }
        }
        for prefix in prefixes {
            self.addresses.remove(prefix);
        }
        Ok(())
    }

    const fn maps(&self) -> [(bool, &MapHandle, &'static str); 2] {
        [(true, &self.hosts, "tg_hosts"), (false, &self.prefixes, "tg_prefixes")]
    }
}

impl Tables for MapTables {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.write_circuits(rows).map_err(|source| failed("write the circuits' places", source))
    }

    fn set_addresses(&mut self, wanted: &[(IpPrefix, AddressTarget)]) -> Result<(), TablesFailed> {
        self.write_addresses(wanted).map_err(|source| failed("write the addresses", source))
    }

    fn circuits(&mut self) -> Result<Vec<(CircuitSlot, CircuitPlace)>, TablesFailed> {
        let rows = (0..self.circuits.rows()).map(|slot| (slot, self.circuits.read(slot)));
        let used = rows.filter(|(_, row)| *row != abi::Circuit::default());
        Ok(used.map(|(slot, row)| (CircuitSlot::new(slot as u32), place(row))).collect())
    }

    fn addresses(&mut self) -> Result<Vec<(IpPrefix, AddressTarget)>, TablesFailed> {
        Ok(self.addresses.iter().map(|(prefix, target)| (*prefix, *target)).collect())
    }
}

fn failed(operation: &str, source: DatapathError) -> TablesFailed {
    TablesFailed { operation: operation.to_owned(), source: Box::new(source) }
}

fn row(place: CircuitPlace) -> abi::Circuit {
    abi::Circuit {
        place: Direction::ALL.map(|direction| abi::Place {
            class_handle: place.class[direction].raw(),
            queue: place.queue[direction].get(),
            cpu: place.cpu.get(),
        }),
    }
}

fn place(row: abi::Circuit) -> CircuitPlace {
    let [down, up] = row.place;
    CircuitPlace {
        class: PerDirection { down, up }.map(|place| TcHandle::from_raw(place.class_handle)),
        queue: PerDirection { down, up }.map(|place| QueueId::new(place.queue)),
        cpu: CpuId::new(down.cpu),
    }
}

/// The block's key in the map that holds its kind.
fn key(prefix: IpPrefix) -> Vec<u8> {
    let (address, length) = prefix.mapped();
    let address = abi::Address { bytes: address.octets() };
    if prefix.is_host() {
        bytemuck::bytes_of(&address).to_vec()
    } else {
        bytemuck::bytes_of(&abi::Prefix { length: length.into(), address }).to_vec()
    }
}
