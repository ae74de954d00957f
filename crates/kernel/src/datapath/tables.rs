//! The tables that the programs look things up in: control, circuits, addresses.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle, Object};
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

/// The target that a number in the maps stands for.
const fn target(code: u32) -> AddressTarget {
    match code {
        abi::TARGET_IGNORED => AddressTarget::Ignored,
        abi::TARGET_CUSTOMERS => AddressTarget::Customers,
        slot => AddressTarget::Circuit(CircuitSlot::new(slot)),
    }
}

/// The switches that all programs read, shared by whoever may turn them.
#[derive(Clone, Debug)]
pub struct Control(Arc<Mapped<abi::Control>>);

const BYPASS_AND_EPOCH: usize = 0;
const QUEUES: usize = 1;
const CAPTURES: usize = 2;

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

    /// The bits of the captures that are running.
    pub(super) fn captures(&self) -> u32 {
        self.head().captures
    }

    pub(super) fn set_captures(&self, captures: u32) {
        self.update(|control| control.captures = captures);
    }

    fn advance_epoch(&self) {
        self.update(|control| control.epoch = control.epoch.checked_add(1).unwrap_or(1));
    }

    /// Changes the row; another writer's change of another field in the same word is not lost.
    fn update(&self, change: impl Fn(&mut abi::Control)) {
        for index in [BYPASS_AND_EPOCH, QUEUES, CAPTURES] {
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

/// The tables. There is one writer.
#[derive(Debug)]
pub struct MapTables {
    control: Control,
    circuits: Mapped<abi::Circuit>,
    hosts: MapHandle,
    prefixes: MapHandle,
    sizes: MapSizes,
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

    /// What the maps hold is read, not remembered: after a failure half-way that is the only truth.
    fn write_addresses(&self, wanted: &[(IpPrefix, AddressTarget)]) -> Result<(), DatapathError> {
        let wanted: BTreeMap<_, _> = wanted.iter().copied().collect();
        self.check_room(&wanted)?;
        let changes = self.changes(&wanted);
        let written = changes.and_then(|changes| Self::carry_out(&changes));
        // Even what was written before a failure is what flows have to follow.
        self.control.advance_epoch();
        written
    }

    /// What each map lacks and has too much.
    fn changes(
        &self,
        wanted: &BTreeMap<IpPrefix, AddressTarget>,
    ) -> Result<Vec<Changes<'_>>, DatapathError> {
        let mut all = Vec::new();
        for map in self.maps() {
            let found = map.read()?;
            let changed: Vec<_> = wanted
                .iter()
                .filter(|(prefix, _)| prefix.is_host() == map.of_hosts)
                .filter(|(prefix, target)| found.get(prefix) != Some(target))
                .map(|(prefix, target)| (*prefix, *target))
                .collect();
            let new = changed.iter().filter(|(prefix, _)| !found.contains_key(prefix)).count();
            let crowded = found.len() + new > map.capacity as usize;
            let gone = found.into_keys().filter(|prefix| !wanted.contains_key(prefix)).collect();
            all.push(Changes { map, changed, gone, crowded });
        }
        Ok(all)
    }

    /// Inserts and overwrites in both maps before it removes from either, so that a host that gives
    /// way to a block is never without one. A map that cannot take the new entries until old ones
    /// are gone has those removed first.
    fn carry_out(changes: &[Changes<'_>]) -> Result<(), DatapathError> {
        for Changes { map, gone, .. } in changes.iter().filter(|changes| changes.crowded) {
            map.remove(gone)?;
        }
        for Changes { map, changed, .. } in changes {
            map.insert(changed)?;
        }
        for Changes { map, gone, .. } in changes.iter().filter(|changes| !changes.crowded) {
            map.remove(gone)?;
        }
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

    const fn maps(&self) -> [AddressMap<'_>; 2] {
        let Self { hosts, prefixes, sizes, .. } = self;
        [
            AddressMap { of_hosts: true, map: hosts, name: "tg_hosts", capacity: sizes.hosts },
            AddressMap {
                of_hosts: false,
                map: prefixes,
                name: "tg_prefixes",
                capacity: sizes.prefixes,
            },
        ]
    }
}

/// One of the two maps of addresses.
#[derive(Clone, Copy)]
struct AddressMap<'a> {
    of_hosts: bool,
    map: &'a MapHandle,
    name: &'static str,
    capacity: u32,
}

/// What one map lacks and has too much.
struct Changes<'a> {
    map: AddressMap<'a>,
    /// New entries, and those that lead elsewhere.
    changed: Vec<(IpPrefix, AddressTarget)>,
    gone: Vec<IpPrefix>,
    /// Whether the new entries find no room beside those that go.
    crowded: bool,
}

impl AddressMap<'_> {
    fn read(&self) -> Result<BTreeMap<IpPrefix, AddressTarget>, DatapathError> {
        // One batch for all. The kernel cuts a batch short where a hash bucket does not fit into
        // the rest of it, and the iterator takes a short batch for the last.
        let entries = self
            .map
            .lookup_batch(self.capacity.max(1), MapFlags::ANY, MapFlags::ANY)
            .map_err(|source| access("read", self.name, source))?;
        let entry = |(key, value): (Vec<u8>, Vec<u8>)| {
            Some((self.prefix(&key)?, target(u32::from_ne_bytes(value.try_into().ok()?))))
        };
        let strange = || io::Error::new(io::ErrorKind::InvalidData, "a key is no address block");
        entries
            .map(|found| entry(found).ok_or_else(|| access("read", self.name, strange().into())))
            .collect()
    }

    /// The block that a key stands for.
    fn prefix(&self, key: &[u8]) -> Option<IpPrefix> {
        let (address, length) = if self.of_hosts {
            (bytemuck::try_pod_read_unaligned::<abi::Address>(key).ok()?, 128)
        } else {
            let key: abi::Prefix = bytemuck::try_pod_read_unaligned(key).ok()?;
            (key.address, u8::try_from(key.length).ok()?)
        };
        let address = Ipv6Addr::from(address.bytes);
        match (address.to_ipv4_mapped(), length.checked_sub(96)) {
            (Some(v4), Some(length)) => IpPrefix::new(v4.into(), length).ok(),
            _ => IpPrefix::new(address.into(), length).ok(),
        }
    }

    fn insert(&self, entries: &[(IpPrefix, AddressTarget)]) -> Result<(), DatapathError> {
        for batch in entries.chunks(BATCH) {
            let keys: Vec<u8> = batch.iter().flat_map(|(prefix, _)| key(*prefix)).collect();
            let values: Vec<u8> =
                batch.iter().flat_map(|(_, target)| code(*target).to_ne_bytes()).collect();
            self.map
                .update_batch(&keys, &values, batch.len() as u32, MapFlags::ANY, MapFlags::ANY)
                .map_err(|source| access("write to", self.name, source))?;
        }
        Ok(())
    }

    fn remove(&self, prefixes: &[IpPrefix]) -> Result<(), DatapathError> {
        for prefix in prefixes {
            match self.map.delete(&key(*prefix)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(|source| access("remove from", self.name, source))?,
            }
        }
        Ok(())
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
        let mut all = BTreeMap::new();
        for map in self.maps() {
            all.extend(map.read().map_err(|source| failed("read the addresses", source))?);
        }
        Ok(all.into_iter().collect())
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use units::IfIndex;

    use super::*;
    use crate::datapath::{Loaded, Options};
    use crate::privileges::missing_capabilities;

    /// Tables for so many hosts and prefixes, or why not.
    fn new_tables(hosts: u32, prefixes: u32) -> Option<MapTables> {
        let missing = missing_capabilities().unwrap();
        if !missing.is_empty() {
            println!("skipped: lacks {}", missing.join(", "));
            return None;
        }
        let mut loaded = Loaded::new(Options {
            mode: abi::Mode::Bridge,
            internet: IfIndex::new(0xfffe),
            customers: IfIndex::new(0xffff),
            vlans: None,
            tcx: false,
            cpus: vec![CpuId::new(0)],
            sizes: MapSizes { circuits: 16, hosts, prefixes, unknown_hosts: 16, flows: 16 },
        });
        loaded.as_mut().unwrap().take_tables()
    }

    fn entries(texts: &[&str]) -> Vec<(IpPrefix, AddressTarget)> {
        let slot = |index| AddressTarget::Circuit(CircuitSlot::new(index as u32));
        texts.iter().enumerate().map(|(i, text)| (text.parse().unwrap(), slot(i))).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let Some(mut tables) = new_tables(10_000, 8) else { return };
        let host = |bits: u32| IpPrefix::host(Ipv4Addr::from_bits(0x6440_0000 + bits).into());
        let mut wanted = entries(&["0.0.0.0/0", "10.0.0.0/8", "::/0", "2001:db8::/56"]);
        wanted[0].1 = AddressTarget::Customers;
        wanted[1].1 = AddressTarget::Ignored;
        let targets = (0..9_999).map(|bits| AddressTarget::Circuit(CircuitSlot::new(bits)));
        wanted.extend((0..9_999).map(host).zip(targets));
        wanted.extend(entries(&["2001:db8::1"]));
        wanted.sort_unstable_by_key(|(prefix, _)| *prefix);
        tables.set_addresses(&wanted).unwrap();
        assert!(tables.addresses().unwrap() == wanted);
        tables.set_addresses(&wanted[..3]).unwrap();
        assert_eq!(tables.addresses().unwrap(), wanted[..3]);
    }

    #[test]
    fn what_went_in_before_a_failure_can_be_taken_out() {
        let Some(mut tables) = new_tables(8, 1) else { return };
        // The map is smaller than it is believed to be, so it refuses the second block.
        tables.sizes.prefixes = 8;
        let wanted = entries(&["10.0.0.1", "10.0.0.2", "10.1.0.0/16", "10.2.0.0/16"]);
        let epoch = tables.control().epoch();
        tables.set_addresses(&wanted).unwrap_err();
        assert_ne!(tables.control().epoch(), epoch);
        assert_eq!(tables.addresses().unwrap()[..2], wanted[..2]);
        tables.set_addresses(&[]).unwrap();
        assert_eq!(tables.addresses().unwrap(), []);
    }

    #[test]
    fn one_map_may_be_full_while_the_other_is_not() {
        let Some(mut tables) = new_tables(2, 8) else { return };
        for wanted in [
            entries(&["10.0.0.1", "10.0.0.2", "10.1.0.0/16"]),
            entries(&["10.0.0.2", "10.0.0.3", "10.1.0.0/16", "10.2.0.0/16"]),
            entries(&["10.0.0.8", "10.0.0.9"]),
        ] {
            tables.set_addresses(&wanted).unwrap();
            assert_eq!(tables.addresses().unwrap(), wanted);
        }
    }

    #[test]
    fn whether_a_map_is_crowded_is_its_own_matter() {
        let Some(mut tables) = new_tables(8, 2) else { return };
        tables.set_addresses(&entries(&["10.0.0.1", "10.0.0.2", "10.1.0.0/16"])).unwrap();
        let crowded = |wanted: &[&str]| -> Vec<bool> {
            let wanted = entries(wanted).into_iter().collect();
            tables.changes(&wanted).unwrap().iter().map(|changes| changes.crowded).collect()
        };
        assert_eq!(crowded(&["10.0.0.2", "10.0.0.3", "10.2.0.0/16"]), [false, false]);
        assert_eq!(crowded(&["10.0.0.2", "10.2.0.0/16", "10.3.0.0/16"]), [false, true]);
        // What is there and leads elsewhere takes no further room.
        assert_eq!(crowded(&["10.1.0.0/16", "10.2.0.0/16"]), [false, false]);
    }

    #[test]
    fn removing_what_is_not_there_succeeds() {
        let Some(tables) = new_tables(8, 8) else { return };
        let [hosts, prefixes] = tables.maps();
        hosts.remove(&["10.0.0.1".parse().unwrap()]).unwrap();
        prefixes.remove(&["10.0.0.0/8".parse().unwrap()]).unwrap();
    }
}
