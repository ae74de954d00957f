//! The tables that the programs look things up in: control, circuits, addresses.

use std::collections::BTreeMap;
use std::sync::Arc;

use libbpf_rs::{MapHandle, Object};
use units::{CircuitSlot, CpuId, Direction, IpPrefix, PerDirection, QueueId, TcHandle};

use crate::tables::{AddressTarget, CircuitPlace, Tables, TablesFailed};

use super::addresses::AddressMap;
use super::buckets::{self, Buckets};
use super::load::{map_handle, mapped};
use super::mapped::Mapped;
use super::{Control, DatapathError, MapSizes};

/// The tables. There is one writer.
#[derive(Debug)]
pub struct MapTables {
    control: Control,
    circuits: Mapped<abi::Circuit>,
    buckets: Buckets,
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
            buckets: Buckets(mapped(
                object,
                "tg_ipv4_hosts",
                buckets::count(sizes.hosts) as usize,
            )?),
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
        // flows remember the CPU
        self.control.advance_epoch();
        Ok(())
    }

    fn write_addresses(
        &self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), DatapathError> {
        let written = self.carry_out(rows);
        // Even what was written before a failure is what flows have to follow.
        self.control.advance_epoch();
        written
    }

    /// Inserts and overwrites in both maps before it removes from either, so that a host that gives
    /// way to a block is never without one. A map that has no room for the new entries until old ones are
    /// gone has those removed first.
    fn carry_out(&self, rows: &[(IpPrefix, Option<AddressTarget>)]) -> Result<(), DatapathError> {
        let own = |map: &AddressMap<'_>, (prefix, _): &&(IpPrefix, Option<AddressTarget>)| {
            prefix.is_host() == map.is_of_hosts()
        };
        let changes = self.maps().map(|map| {
            let rows = rows.iter().filter(|row| own(&map, row));
            let (set, removed): (Vec<_>, Vec<_>) = rows.partition(|row| row.1.is_some());
            let set: Vec<_> =
                set.iter().filter_map(|(prefix, to)| Some((*prefix, (*to)?))).collect();
            let removed: Vec<_> = removed.iter().map(|(prefix, _)| *prefix).collect();
            (map, set, removed)
        });
        for (map, set, removed) in &changes {
            if map.insert(set).is_err() {
                map.remove(removed)?;
                map.insert(set)?;
            }
        }
        changes.iter().try_for_each(|(map, _, removed)| map.remove(removed))
    }

    const fn maps(&self) -> [AddressMap<'_>; 2] {
        let Self { buckets, hosts, prefixes, sizes, .. } = self;
        [
            AddressMap {
                buckets: Some(buckets),
                map: hosts,
                name: "tg_hosts",
                capacity: sizes.hosts,
            },
            AddressMap {
                buckets: None,
                map: prefixes,
                name: "tg_prefixes",
                capacity: sizes.prefixes,
            },
        ]
    }
}

impl Tables for MapTables {
    fn set_circuits(
        &mut self,
        rows: &[(CircuitSlot, Option<CircuitPlace>)],
    ) -> Result<(), TablesFailed> {
        self.write_circuits(rows).map_err(|source| failed("write the circuits' places", source))
    }

    fn set_addresses(
        &mut self,
        rows: &[(IpPrefix, Option<AddressTarget>)],
    ) -> Result<(), TablesFailed> {
        self.write_addresses(rows).map_err(|source| failed("write the addresses", source))
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

    /// Makes the tables hold `wanted` and nothing else.
    fn set_all(
        tables: &mut MapTables,
        wanted: &[(IpPrefix, AddressTarget)],
    ) -> Result<(), TablesFailed> {
        let found = tables.addresses()?;
        let gone = found.iter().map(|(prefix, _)| *prefix);
        let gone = gone.filter(|prefix| wanted.iter().all(|(wanted, _)| wanted != prefix));
        let set = wanted.iter().map(|(prefix, target)| (*prefix, Some(*target)));
        let rows: Vec<_> = set.chain(gone.map(|prefix| (prefix, None))).collect();
        tables.set_addresses(&rows)
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
        set_all(&mut tables, &wanted).unwrap();
        assert!(tables.addresses().unwrap() == wanted);
        set_all(&mut tables, &wanted[..3]).unwrap();
        assert_eq!(tables.addresses().unwrap(), wanted[..3]);
    }

    #[test]
    fn a_full_bucket_loses_no_host() {
        let Some(mut tables) = new_tables(64, 1) else { return };
        let hosts: Vec<Ipv4Addr> = (0x6440_0000..)
            .map(Ipv4Addr::from_bits)
            .filter(|host| tables.buckets.bucket(*host) == 5)
            .take(10)
            .collect();
        let odd = entries(&["0.0.0.0", "255.255.255.255"]);
        for count in [8, 9, 10, 3, 8, 0, 10] {
            let slots = (0..).map(|slot| AddressTarget::Circuit(CircuitSlot::new(slot + count)));
            let prefixes = hosts.iter().map(|host| IpPrefix::host((*host).into()));
            let mut wanted: Vec<_> = prefixes.zip(slots).take(count as usize).collect();
            wanted.extend(&odd);
            wanted.sort_unstable_by_key(|(prefix, _)| *prefix);
            set_all(&mut tables, &wanted).unwrap();
            assert_eq!(tables.addresses().unwrap(), wanted, "{count}");
        }
    }

    #[test]
    fn what_went_in_before_a_failure_can_be_taken_out() {
        let Some(mut tables) = new_tables(8, 1) else { return };
        // The map is smaller than it is believed to be, so it refuses the second block.
        tables.sizes.prefixes = 8;
        let wanted = entries(&["10.0.0.1", "10.0.0.2", "10.1.0.0/16", "10.2.0.0/16"]);
        let epoch = tables.control().epoch();
        set_all(&mut tables, &wanted).unwrap_err();
        assert_ne!(tables.control().epoch(), epoch);
        assert_eq!(tables.addresses().unwrap()[..2], wanted[..2]);
        set_all(&mut tables, &[]).unwrap();
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
            set_all(&mut tables, &wanted).unwrap();
            assert_eq!(tables.addresses().unwrap(), wanted);
        }
    }

    #[test]
    fn removing_what_is_not_there_succeeds() {
        let Some(tables) = new_tables(8, 8) else { return };
        let [hosts, prefixes] = tables.maps();
        hosts.remove(&["10.0.0.1".parse().unwrap()]).unwrap();
        prefixes.remove(&["10.0.0.0/8".parse().unwrap()]).unwrap();
    }
}
