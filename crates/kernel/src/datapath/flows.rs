//! The flows that the programs remember.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::AsFd;

use libbpf_rs::{Iter, Link, MapCore, MapFlags, MapHandle, Object};

use super::clock::{Clock, Moment};
use super::load::{access, map_handle};
use super::{DatapathError, MapSizes};

const MAP: &str = "tg_flows";
const PROGRAM: &str = "report_flows";

/// The kernel hands out at most this much at once (`BPF_MEM_SEQ_BUF` in `kernel/bpf/bpf_iter.c`).
const READ_BYTES: usize = 32 * 1024;

const REPORT_BYTES: usize = size_of::<abi::FlowReport>();

/// Keys that one system call deletes.
const DELETE_BATCH: usize = 4096;

/// The flows that the programs remember. There is one reader.
pub struct Flows {
    map: MapHandle,
    reporter: Link,
    clock: Clock,
    /// What times follow from. It stays, so that the start of a flow reads the same each time: a
    /// moment taken anew would be off by another part of a tick.
    anchor: Option<Moment>,
    capacity: u32,
}

/// Flows of which a packet came since they were handed over before, in no order.
pub struct ChangedFlows {
    reports: Iter,
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
            let read = self.reports.read(&mut self.buffer[self.unread.end..])?;
            if read == 0 {
                return Ok(false);
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
            Err(error) => Some(Err(access("iterate over", MAP, error.into()))),
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
        let map = map_handle(object, MAP)?;
        let reporter = object
            .progs_mut()
            .find(|program| program.name() == OsStr::new(PROGRAM))
            .ok_or(DatapathError::Missing(PROGRAM))?
            .attach_iter(map.as_fd())
            .map_err(|source| access("iterate over", MAP, source))?;
        let clock = Clock::new(object)?;
        Ok(Self { map, reporter, clock, anchor: None, capacity: sizes.flows })
    }

    /// Room for flows.
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
        let reports =
            Iter::new(&self.reporter).map_err(|source| access("iterate over", MAP, source))?;
        let buffer = vec![0; READ_BYTES].into();
        Ok(ChangedFlows { reports, buffer, unread: 0..0, dates: Dates(anchor) })
    }

    /// Forgets flows, making room for others. One that is not there is none to forget.
    ///
    /// # Errors
    /// When one could not be removed, though it was there.
    pub fn forget(&self, keys: &[abi::FlowKey]) -> Result<(), DatapathError> {
        for batch in keys.chunks(DELETE_BATCH) {
            let bytes = bytemuck::cast_slice(batch);
            let deleted =
                self.map.delete_batch(bytes, batch.len() as u32, MapFlags::ANY, MapFlags::ANY);
            match deleted {
                // a batch ends at a key that is not there
                Err(error) if error.kind() == libbpf_rs::ErrorKind::NotFound => {
                    self.forget_each(batch)?;
                }
                deleted => deleted.map_err(|source| access("remove from", MAP, source))?,
            }
        }
        Ok(())
    }

    fn forget_each(&self, keys: &[abi::FlowKey]) -> Result<(), DatapathError> {
        for key in keys {
            match self.map.delete(bytemuck::bytes_of(key)) {
                Err(error) if error.kind() == libbpf_rs::ErrorKind::NotFound => {}
                deleted => deleted.map_err(|source| access("remove from", MAP, source))?,
            }
        }
        Ok(())
    }
}
