//! From object bytes to programs that the verifier took.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use bytemuck::{Pod, Zeroable};
use libbpf_rs::{
    ErrorKind, MapCore, MapFlags, MapHandle, Object, ObjectBuilder, OpenObject, Program,
};
use units::{CpuId, IfIndex};

use super::buckets;
use super::clock::tick_ns;
use super::flow_table::Shape;
use super::inherited::{Inherited, Kept};
use super::mapped::Mapped;
use super::traffic::{Activity, Traffic};
use super::{Captures, Counters, DatapathError, Flows, MapTables, Pins, Quality, Ring};

/// Packets that may wait for a CPU behind `xdp_ingress`. Enough for several full NAPI polls (64
/// packets) from every receive queue; beyond it the kernel drops, so it errs on the large side.
const CPU_QUEUE_PACKETS: u32 = 8192;

/// The section, and so the map, that holds the settings.
const SETTINGS: &str = ".rodata.settings";

/// What is fixed when the programs are loaded.
#[derive(Clone, Debug)]
pub struct Options {
    /// How packets cross the box.
    pub mode: abi::Mode,
    /// The NIC towards the Internet.
    pub internet: IfIndex,
    /// The NIC towards the customers; the same on a stick.
    pub customers: IfIndex,
    /// VLAN ids of the Internet's and the customers' side; only on a stick.
    pub vlans: Option<(u16, u16)>,
    /// Whether to attach by TCX where the kernel has it, rather than by clsact anyway.
    pub tcx: bool,
    /// CPUs that packets may be steered to.
    pub cpus: Vec<CpuId>,
    /// How much the maps hold.
    pub sizes: MapSizes,
}

/// How much the maps hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSizes {
    /// Circuits.
    pub circuits: u32,
    /// Single addresses.
    pub hosts: u32,
    /// Longer address blocks.
    pub prefixes: u32,
    /// Unknown hosts that are remembered.
    pub unknown_hosts: u32,
    /// Flows.
    pub flows: u32,
}

/// Loaded programs with their maps. They see no packets yet; dropping it unloads them.
#[derive(Debug)]
pub struct Loaded {
    pub(super) object: Object,
    pub(super) options: Options,
    pub(super) flow_shape: Shape,
    kept: Kept,
    tables: Option<MapTables>,
    readers: Option<Readers>,
}

/// What the programs tell, each for a reader of its own.
#[derive(Debug)]
pub struct Readers {
    /// What they count.
    pub counters: Counters,
    /// The same of circuits alone, for whoever looks more often.
    pub activity: Activity,
    /// The flows that they remember.
    pub flows: Flows,
    /// What they know of circuits' connections.
    pub quality: Quality,
    /// TCP segments that were sent again.
    pub retransmits: Ring<abi::Retransmit>,
    /// Headers that they capture when asked to.
    pub captures: Captures,
}

impl Loaded {
    /// Loads and verifies the programs.
    ///
    /// # Errors
    /// When the kernel lacks what they need, memory for the maps, or the right to load them.
    pub fn new(options: Options) -> Result<Self, DatapathError> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(DatapathError::Load)? as u32;
        Self::for_cpus(options, cpus)
    }

    /// As [`Loaded::new`], with the maps of the programs that run by these pins, as far as both are
    /// laid out alike.
    ///
    /// # Errors
    /// Likewise.
    pub fn inheriting(options: Options, pins: &Pins) -> Result<Self, DatapathError> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(DatapathError::Load)? as u32;
        Self::build(options, cpus, Inherited::find(pins)?.as_ref())
    }

    /// As [`Loaded::new`], with tables for this many CPUs instead of those of the machine.
    ///
    /// # Errors
    /// Likewise.
    pub fn for_cpus(options: Options, cpus: u32) -> Result<Self, DatapathError> {
        Self::build(options, cpus, None)
    }

    /// What was taken over.
    pub const fn kept(&self) -> Kept {
        self.kept
    }

    fn build(
        options: Options,
        cpus: u32,
        inherited: Option<&Inherited>,
    ) -> Result<Self, DatapathError> {
        let mut open = ObjectBuilder::default()
            .name("tidegate")
            .and_then(|builder| builder.open_memory(tidegate_ebpf::OBJECT))
            .map_err(DatapathError::Load)?;
        let known = inherited.and_then(|inherited| inherited.shape(&options));
        let mut shape = known.unwrap_or_else(|| Shape::new(options.sizes.flows));
        set_sizes(&mut open, &options.sizes, shape, cpus)?;
        let mut kept = Kept::default();
        if let Some(inherited) = inherited {
            kept = inherited.hand_over(open.maps_mut().collect(), known.is_some())?;
        }
        if !kept.flows {
            shape = Shape::new(options.sizes.flows);
        }
        set_settings(&mut open, &options, shape)?;
        let object = open.load().map_err(DatapathError::Load)?;
        if inherited.is_none() {
            fill_cpus(&map_handle(&object, "tg_cpus")?, &options.cpus)?;
        }
        let tables = MapTables::new(&object, &options.sizes)?;
        let readers = Readers {
            counters: Counters::new(&object, &options.sizes, cpus as usize)?,
            activity: Activity::new(&object, &options.sizes, cpus as usize)?,
            flows: Flows::new(&object, shape, kept.flows)?,
            quality: Quality::new(&object, &options.sizes)?,
            retransmits: Ring::new(&object, "tg_retransmits")?,
            captures: Captures::new(&object, tables.control().clone())?,
        };
        Ok(Self {
            object,
            options,
            flow_shape: shape,
            kept,
            tables: Some(tables),
            readers: Some(readers),
        })
    }

    /// Has packets handed to their circuits' CPUs, or not.
    pub(super) fn steer(&self, on: bool) -> Result<(), DatapathError> {
        let map = map_handle(&self.object, "tg_cpus")?;
        if on { fill_cpus(&map, &self.options.cpus) } else { empty_cpus(&map) }
    }

    /// The tables that the programs look things up in. There is one writer: the first call takes
    /// them, later ones find nothing.
    pub fn take_tables(&mut self) -> Option<MapTables> {
        self.tables.take()
    }

    /// What the programs tell, likewise.
    pub fn take_readers(&mut self) -> Option<Readers> {
        self.readers.take()
    }
}

fn set_sizes(
    open: &mut OpenObject,
    sizes: &MapSizes,
    shape: Shape,
    cpus: u32,
) -> Result<(), DatapathError> {
    for mut map in open.maps_mut() {
        let entries = match map.name().to_str().unwrap_or_default() {
            "tg_circuits" | "tg_quality" => sizes.circuits,
            "tg_flow_index" => shape.buckets,
            "tg_flows" | "tg_histories" | "tg_flow_keys" | "tg_free_rows" => shape.rows,
            "tg_hosts" => sizes.hosts,
            "tg_ipv4_hosts" => buckets::count(sizes.hosts),
            "tg_prefixes" => sizes.prefixes,
            "tg_traffic" => Traffic::rows(sizes.circuits, cpus),
            "tg_totals" | "tg_cpus" => cpus,
            "tg_unknown" => sizes.unknown_hosts,
            _ => continue,
        };
        map.set_max_entries(entries.max(1)).map_err(DatapathError::Load)?;
    }
    Ok(())
}

fn set_settings(
    open: &mut OpenObject,
    options: &Options,
    shape: Shape,
) -> Result<(), DatapathError> {
    let (internet_vlan, customers_vlan) = options.vlans.unwrap_or_default();
    let settings = abi::Settings {
        layout: tidegate_ebpf::LAYOUT,
        internet_ifindex: options.internet.get(),
        customers_ifindex: options.customers.get(),
        mode: options.mode as u32,
        circuits: options.sizes.circuits,
        buckets: buckets::count(options.sizes.hosts),
        flow_buckets: shape.buckets,
        flow_seed: shape.seed,
        tick_ns: tick_ns(),
        internet_vlan,
        customers_vlan,
    };
    open.maps_mut()
        .find(|map| map.name() == OsStr::new(SETTINGS))
        .ok_or(DatapathError::Missing(SETTINGS))?
        .set_initial_value(bytemuck::bytes_of(&settings))
        .map_err(DatapathError::Load)
}

/// `struct bpf_cpumap_val` of `include/uapi/linux/bpf.h`, with no program on the far side.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct CpuQueue {
    packets: u32,
    program: u32,
}

fn fill_cpus(map: &MapHandle, cpus: &[CpuId]) -> Result<(), DatapathError> {
    let queue = CpuQueue { packets: CPU_QUEUE_PACKETS, program: 0 };
    for cpu in cpus {
        let key = u32::from(cpu.get()).to_ne_bytes();
        // one that is there may have packets
        let found = map.lookup(&key, MapFlags::ANY).ok().flatten().unwrap_or_default();
        if found.starts_with(&CPU_QUEUE_PACKETS.to_ne_bytes()) {
            continue;
        }
        map.update(&key, bytemuck::bytes_of(&queue), MapFlags::ANY)
            .map_err(|source| access("add a CPU to", "tg_cpus", source))?;
    }
    Ok(())
}

fn empty_cpus(map: &MapHandle) -> Result<(), DatapathError> {
    for cpu in 0..map.max_entries() {
        match map.delete(&cpu.to_ne_bytes()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.map_err(|source| access("remove a CPU from", "tg_cpus", source))?,
        }
    }
    Ok(())
}

/// A handle of our own on one of the object's maps.
pub(super) fn map_handle(object: &Object, name: &'static str) -> Result<MapHandle, DatapathError> {
    let map = object
        .maps()
        .find(|map| map.name() == OsStr::new(name))
        .ok_or(DatapathError::Missing(name))?;
    MapHandle::try_from(&map).map_err(|source| access("open", name, source))
}

/// One of the object's programs.
pub(super) fn program<'o>(
    object: &'o Object,
    name: &'static str,
) -> Result<Program<'o>, DatapathError> {
    object
        .progs()
        .find(|program| program.name() == OsStr::new(name))
        .ok_or(DatapathError::Missing(name))
}

/// The memory of one of the object's arrays.
pub(super) fn mapped<T: Pod>(
    object: &Object,
    name: &'static str,
    rows: usize,
) -> Result<Mapped<T>, DatapathError> {
    let handle = map_handle(object, name)?;
    Mapped::new(handle.as_fd(), rows).map_err(|source| DatapathError::Map { map: name, source })
}

pub(super) fn access(
    action: &'static str,
    map: &'static str,
    source: libbpf_rs::Error,
) -> DatapathError {
    DatapathError::Access { action, map, source }
}
