//! What a daemon that ended without taking its programs down has left: programs that still run, and the
//! maps that they use.
//!
//! Only attachments are pinned. They hold their programs and those hold their maps, so what the
//! programs use and what is taken over can never be two things.

use std::collections::HashMap;
use std::os::fd::AsFd;

use libbpf_rs::query::{MapInfoIter, ProgInfoIter};
use libbpf_rs::{MapCore, MapFlags, MapHandle, OpenMapMut};
use tracing::{info, warn};

use super::flow_table::Shape;
use super::pins::Pins;
use super::{DatapathError, Options};

/// What the kernel keeps of the name of the settings' map.
const SETTINGS: &str = ".rodata.setting";

/// Maps that make one thing: all of them are taken over, or none.
const FLOWS: [&str; 6] =
    ["tg_flow_index", "tg_flows", "tg_histories", "tg_flow_keys", "tg_free_rows", "tg_stock"];

/// What the tables of circuits and addresses are in.
const TABLES: [&str; 5] = ["tg_control", "tg_circuits", "tg_ipv4_hosts", "tg_hosts", "tg_prefixes"];

/// Counters and rings, each on its own.
const OTHERS: [&str; 8] = [
    "tg_traffic",
    "tg_totals",
    "tg_unknown",
    "tg_quality",
    "tg_retransmits",
    "tg_captures",
    "tg_captured",
    "tg_cpus",
];

/// The maps of the programs that run.
#[derive(Debug)]
pub(super) struct Inherited {
    maps: HashMap<String, MapHandle>,
    settings: abi::Settings,
}

/// What of it was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The tables of circuits and addresses. Without, they are empty.
    pub tables: bool,
    /// Flows. Without, all begin anew.
    pub flows: bool,
}

impl Inherited {
    /// What the programs behind the pins use. Nothing where there are none, or where they are of a build whose
    /// maps this one cannot read.
    pub(super) fn find(pins: &Pins) -> Result<Option<Self>, DatapathError> {
        let states = pins.links()?.into_iter().filter_map(|(_, link)| link.state().ok());
        // a daemon that died while it swapped programs has left two generations: ids ascend
        let Some(newest) = states.map(|link| link.program).max() else { return Ok(None) };
        let program = ProgInfoIter::with_query_opts(
            libbpf_rs::query::ProgInfoQueryOptions::default().include_map_ids(true),
        )
        .find(|program| program.id == newest);
        let Some(program) = program else { return Ok(None) };
        let names: HashMap<u32, String> = MapInfoIter::default()
            .filter(|map| program.map_ids.contains(&map.id))
            .map(|map| (map.id, map.name.to_string_lossy().into_owned()))
            .collect();
        let mut maps = HashMap::new();
        for (id, name) in names {
            if let Ok(map) = MapHandle::from_map_id(id) {
                maps.insert(name, map);
            }
        }
        let settings = maps.get(SETTINGS).and_then(read_settings);
        let Some(settings) = settings.filter(|found| found.layout == tidegate_ebpf::LAYOUT) else {
            warn!(
                "the programs that run are of another build; their flows and counters begin anew"
            );
            return Ok(None);
        };
        Ok(Some(Self { maps, settings }))
    }

    /// The shape of the table of flows, where that can be taken over into one of so many flows.
    pub(super) fn shape(&self, options: &Options) -> Option<Shape> {
        let wanted = Shape::new(options.sizes.flows);
        (self.settings.flow_buckets == wanted.buckets)
            .then_some(Shape { seed: self.settings.flow_seed, ..wanted })
    }

    /// Has the maps of an object that is not loaded yet be those that are there, as far as they are
    /// the same. `has_shape` tells whether the flows' can be.
    pub(super) fn hand_over(
        &self,
        maps: Vec<OpenMapMut<'_>>,
        has_shape: bool,
    ) -> Result<Kept, DatapathError> {
        let mut open: HashMap<_, _> =
            maps.into_iter().map(|map| (map.name().to_string_lossy().into_owned(), map)).collect();
        let is_same = |open: &HashMap<String, OpenMapMut<'_>>, name: &str| {
            open.get(name).zip(self.maps.get(name)).is_some_and(|(new, old)| same(new, old))
        };
        let all = |names: &[&str]| names.iter().all(|name| is_same(&open, name));
        let kept = Kept { tables: all(&TABLES), flows: has_shape && all(&FLOWS) };
        let tables = TABLES.iter().filter(|_| kept.tables);
        let flows = FLOWS.iter().filter(|_| kept.flows);
        let others: Vec<_> = OTHERS.iter().filter(|name| is_same(&open, name)).collect();
        for name in tables.chain(flows).chain(others) {
            if let (Some(new), Some(old)) = (open.get_mut(*name), self.maps.get(*name)) {
                new.reuse_fd(old.as_fd()).map_err(DatapathError::Load)?;
            }
        }
        info!(tables = kept.tables, flows = kept.flows, "took over the maps of programs that run");
        Ok(kept)
    }
}

fn read_settings(map: &MapHandle) -> Option<abi::Settings> {
    let value = map.lookup(&0_u32.to_ne_bytes(), MapFlags::ANY).ok()??;
    bytemuck::try_pod_read_unaligned(value.get(..size_of::<abi::Settings>())?).ok()
}

/// Whether one map can be in the other's place.
fn same(new: &OpenMapMut<'_>, old: &MapHandle) -> bool {
    new.map_type() == old.map_type()
        && new.key_size() == old.key_size()
        && new.value_size() == old.value_size()
        && new.max_entries() == old.max_entries()
}
