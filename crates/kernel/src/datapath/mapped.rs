//! The memory of an mmapable array map, seen from userspace.

use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::Pod;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

const WORD: usize = size_of::<u64>();

/// Rows of `T` that the kernel shares with us. They are read and written by whole 64-bit words, so a
/// counter or an eight-byte record is never seen half written; a row of several words may be.
#[derive(Debug)]
pub(super) struct Mapped<T> {
    start: NonNull<AtomicU64>,
    rows: usize,
    row: PhantomData<T>,
}

// SAFETY: the memory is plain shared memory, accessed only through atomics, and unmapped once.
unsafe impl<T> Send for Mapped<T> {}
// SAFETY: as above; atomics may be used from several threads.
unsafe impl<T> Sync for Mapped<T> {}

impl<T: Pod> Mapped<T> {
    const WORDS: usize = {
        assert!(size_of::<T>().is_multiple_of(WORD), "array values are padded to 8 bytes");
        size_of::<T>() / WORD
    };

    /// Maps the `rows` rows of the array behind `map`.
    pub(super) fn new(map: impl AsFd, rows: usize) -> io::Result<Self> {
        let length = Self::length(rows);
        // SAFETY: with no address given mmap(2) finds unused pages; the map was created mmapable
        // with `rows` rows, so `length` bytes, rounded up to pages, exist behind it.
        let start = unsafe {
            mmap(null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, map, 0)
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, rows, row: PhantomData })
    }

    const fn length(rows: usize) -> usize {
        rows * size_of::<T>()
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// One word of one row.
    ///
    /// # Panics
    /// When the row or word does not exist.
    pub(super) fn word(&self, row: usize, word: usize) -> &AtomicU64 {
        assert!(row < self.rows && word < Self::WORDS);
        // SAFETY: inside the mapping by the assertion, aligned because it begins on a page, and
        // valid as long as `self`, which unmaps only when dropped.
        unsafe { self.start.add(row * Self::WORDS + word).as_ref() }
    }

    /// A copy of one row, word by word.
    ///
    /// # Panics
    /// When the row does not exist.
    pub(super) fn read(&self, row: usize) -> T {
        let mut value = T::zeroed();
        let bytes = bytemuck::bytes_of_mut(&mut value);
        for (word, at) in bytes.chunks_exact_mut(WORD).enumerate() {
            at.copy_from_slice(&self.word(row, word).load(Ordering::Relaxed).to_ne_bytes());
        }
        value
    }

    /// Writes one row, word by word.
    ///
    /// # Panics
    /// When the row does not exist.
    pub(super) fn write(&self, row: usize, value: &T) {
        for (word, at) in bytemuck::bytes_of(value).chunks_exact(WORD).enumerate() {
            let whole = u64::from_ne_bytes(at.try_into().expect("chunks are words"));
            self.word(row, word).store(whole, Ordering::Release);
        }
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        let start: *mut c_void = self.start.as_ptr().cast();
        // SAFETY: `start` and the length are those of the mapping made in `new`; no reference into
        // it outlives `self`. The kernel rounds the length up to pages as mmap(2) did.
        let unmapped = unsafe { munmap(start, self.rows * size_of::<T>()) };
        debug_assert!(unmapped.is_ok(), "munmap of a mapping of our own");
    }
}
