//! Rings by which the programs tell of single events.

use std::fmt;
use std::marker::PhantomData;

use bytemuck::Pod;
use libbpf_rs::{MapHandle, Object, RingBuffer, RingBufferBuilder};

use super::DatapathError;
use super::load::{access, map_handle};

/// A ring of events of type `T`, not yet read.
#[derive(Debug)]
pub struct Ring<T> {
    map: MapHandle,
    name: &'static str,
    events: PhantomData<fn(T)>,
}

/// Reads a ring.
pub struct RingReader<'each> {
    // goes before the map that it reads
    ring: RingBuffer<'each>,
    map: MapHandle,
    name: &'static str,
}

impl<T: Pod> Ring<T> {
    pub(super) fn new(object: &Object, name: &'static str) -> Result<Self, DatapathError> {
        Ok(Self { map: map_handle(object, name)?, name, events: PhantomData })
    }

    /// A reader that hands every event to `each`.
    ///
    /// # Errors
    /// When the kernel does not let the ring be mapped.
    pub fn reader<'each>(
        &self,
        mut each: impl FnMut(&T) + 'each,
    ) -> Result<RingReader<'each>, DatapathError> {
        let name = self.name;
        let failed = |source| access("read", name, source);
        let map = MapHandle::try_from(&self.map).map_err(failed)?;
        let ring = {
            let mut builder = RingBufferBuilder::new();
            builder
                .add(&map, move |bytes| {
                    if let Some(bytes) = bytes.get(..size_of::<T>()) {
                        each(&bytemuck::pod_read_unaligned(bytes));
                    }
                    0
                })
                .map_err(failed)?;
            builder.build().map_err(failed)?
        };
        Ok(RingReader { ring, map, name })
    }
}

impl RingReader<'_> {
    /// Hands over all events that are there. It does not wait: the programs wake nobody, so it is
    /// to be called by the clock.
    ///
    /// # Errors
    /// When the ring cannot be read.
    pub fn drain(&self) -> Result<(), DatapathError> {
        self.ring.consume().map_err(|source| access("read", self.name, source))
    }
}

impl fmt::Debug for RingReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingReader").field("map", &self.map).finish_non_exhaustive()
    }
}
