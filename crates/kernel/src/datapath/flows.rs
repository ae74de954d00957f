//! The flows that the programs remember.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::os::fd::AsFd;

use libbpf_rs::{Iter, Link, MapCore, MapFlags, MapHandle, Object};

use super::clock::{Clock, Moment};
use super::load::{access, map_handle};
use super::{DatapathError, MapSizes};

const MAP: &str = "tg_flows";
const PROGRAM: &str = "report_flows";

/// The kernel hands out at most this much at once (`BPF_MEM_SEQ_BUF` in `kernel/bpf/bpf_iter.c`).
const READ_BYTES: usize = 32 * 1024;

/// Keys that one system call deletes.
const DELETE_BATCH: usize = 4096;

/// The flows that the programs remember. There is one reader.
pub struct Flows {
    map: MapHandle,
    reporter: Link,
    clock: Clock,
    capacity: u32,
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

impl Flows {
    pub(super) fn new(object: &Object, sizes: &MapSizes) -> Result<Self, DatapathError> {
        let map = map_handle(object, MAP)?;
        let reporter = object
            .progs_mut()
            .find(|program| program.name() == OsStr::new(PROGRAM))
            .ok_or(DatapathError::Missing(PROGRAM))?
            .attach_iter(map.as_fd())
            .map_err(|source| access("iterate over", MAP, source))?;
        Ok(Self { map, reporter, clock: Clock::new(object)?, capacity: sizes.flows })
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
        const SIZE: usize = size_of::<abi::FlowReport>();
        let dates = Dates(self.clock.now()?);
        let mut reports =
            Iter::new(&self.reporter).map_err(|source| access("iterate over", MAP, source))?;
        let mut buffer = vec![0; READ_BYTES];
        let (mut filled, mut count) = (0, 0);
        loop {
            let read = reports
                .read(&mut buffer[filled..])
                .map_err(|error| access("iterate over", MAP, error.into()))?;
            if read == 0 {
                return Ok(count);
            }
            filled += read;
            let whole = filled - filled % SIZE;
            for report in buffer[..whole].chunks_exact(SIZE) {
                each(&bytemuck::pod_read_unaligned(report), dates);
                count += 1;
            }
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
        }
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
