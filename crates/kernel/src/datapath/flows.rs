//! The flows that the programs remember.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::AsFd;

use libbpf_rs::{Iter, Link, MapHandle, Object};

use super::clock::{Clock, Moment};
use super::flow_maps::{self, FlowMaps};
use super::load::access;
use super::{DatapathError, MapSizes};

/// The programs that tell of the flows of each map.
const REPORTERS: [&str; 2] = ["report_ipv4_flows", "report_ipv6_flows"];

/// The kernel hands out at most this much at once (`BPF_MEM_SEQ_BUF` in `kernel/bpf/bpf_iter.c`).
const READ_BYTES: usize = 32 * 1024;

const REPORT_BYTES: usize = size_of::<abi::FlowReport>();

/// The flows that the programs remember. There is one reader.
pub struct Flows {
    maps: FlowMaps,
    reporters: [Link; 2],
    clock: Clock,
    /// What times follow from. It stays, so that the start of a flow reads the same each time: a
    /// moment taken anew would be off by another part of a tick.
    anchor: Option<Moment>,
    capacity: u32,
}

/// Flows of which a packet came since they were handed over before, in no order.
pub struct ChangedFlows {
    reports: [Option<Iter>; 2],
    buffer: Box<[u8]>,
    /// What is in the buffer and was not handed over.
    unread: Range<usize>,
    dates: Dates,
}

/// Tells when the programs saw what they report.
#[derive(Clone, Copy, Debug)]
pub struct Dates(Moment);

impl Dates {
    /// `CLOCK_MONOTONIC` of a time in jiffies, to a timer tick; 0 for 0, which stands for never.
    pub fn ns(&self, jiffies: u64) -> u64 {
        self.0.ns(jiffies)
    }
}

impl fmt::Debug for Flows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flows").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChangedFlows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangedFlows").field("unread", &self.unread).finish_non_exhaustive()
    }
}

impl ChangedFlows {
    /// Tells when the programs saw what the flows report.
    pub const fn dates(&self) -> Dates {
        self.dates
    }

    /// Has a whole report in the buffer, if there is another.
    fn fill(&mut self) -> io::Result<bool> {
        while self.unread.len() < REPORT_BYTES {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            let Some(reports) = self.reports.iter_mut().find(|reports| reports.is_some()) else {
                return Ok(false);
            };
            let read = match reports {
                Some(reports) => reports.read(&mut self.buffer[self.unread.end..])?,
                None => 0,
            };
            if read == 0 {
                *reports = None;
            }
            self.unread.end += read;
        }
        Ok(true)
    }
}

impl Iterator for ChangedFlows {
    type Item = Result<abi::FlowReport, DatapathError>;
    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Ok(false) => None,
            Err(error) => Some(Err(unreadable(error.into()))),
            Ok(true) => {
                let report = &self.buffer[self.unread.start..][..REPORT_BYTES];
                self.unread.start += REPORT_BYTES;
                Some(Ok(bytemuck::pod_read_unaligned(report)))
            }
        }
    }
}

impl Flows {
    pub(super) fn new(object: &Object, sizes: &MapSizes) -> Result<Self, DatapathError> {
        let maps = FlowMaps::new(object)?;
        let [ipv4, ipv6] = REPORTERS;
        let reporters = [
            reporter(object, ipv4, &maps.ipv4, flow_maps::IPV4)?,
            reporter(object, ipv6, &maps.ipv6, flow_maps::IPV6)?,
        ];
        let clock = Clock::new(object)?;
        let capacity = sizes.flows + flow_maps::ipv6_flows(sizes.flows);
        Ok(Self { maps, reporters, clock, anchor: None, capacity })
    }

    /// Room for flows of both address families together.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Hands over every flow of which a packet came since it was handed over before, in no order.
    /// Their number comes back.
    ///
    /// # Errors
    /// When the map cannot be read. What was not handed over is handed over by the next call.
    pub fn read_changed(
        &mut self,
        mut each: impl FnMut(&abi::FlowReport, Dates),
    ) -> Result<usize, DatapathError> {
        let changed = self.changed()?;
        let dates = changed.dates();
        let mut count = 0;
        for report in changed {
            each(&report?, dates);
            count += 1;
        }
        Ok(count)
    }

    /// The same, one by one. What is not asked for is handed over the next time.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn changed(&mut self) -> Result<ChangedFlows, DatapathError> {
        let now = self.clock.now()?;
        let anchor = self.anchor.filter(|anchor| anchor.agrees_with(&now)).unwrap_or(now);
        self.anchor = Some(anchor);
        let start = |reporter| Iter::new(reporter).map(Some).map_err(unreadable);
        let [ipv4, ipv6] = &self.reporters;
        Ok(ChangedFlows {
            reports: [start(ipv4)?, start(ipv6)?],
            buffer: vec![0; READ_BYTES].into(),
            unread: 0..0,
            dates: Dates(anchor),
        })
    }

    /// Forgets flows, making room for others. One that is not there is none to forget.
    ///
    /// # Errors
    /// When one could not be removed, though it was there.
    pub fn forget(&self, keys: &[abi::FlowKey]) -> Result<(), DatapathError> {
        self.maps.remove(keys)
    }
}

fn reporter(
    object: &Object,
    program: &'static str,
    map: &MapHandle,
    name: &'static str,
) -> Result<Link, DatapathError> {
    object
        .progs_mut()
        .find(|candidate| candidate.name() == OsStr::new(program))
        .ok_or(DatapathError::Missing(program))?
        .attach_iter(map.as_fd())
        .map_err(|source| access("iterate over", name, source))
}

fn unreadable(source: libbpf_rs::Error) -> DatapathError {
    access("iterate over", flow_maps::IPV4, source)
}
