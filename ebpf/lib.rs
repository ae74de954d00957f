//! The kernel programs of `tidegate.bpf.c`, built once by `build.rs` and embedded.
//!
//! The object's bytes are all that is here; only the `kernel` crate opens them.

#![forbid(unsafe_code)]

/// Aligns the object as its ELF header wants to be read.
#[repr(C, align(8))]
struct Aligned<B: ?Sized>(B);

static ALIGNED: &Aligned<[u8]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/tidegate.bpf.o")));

/// The ELF object with all programs, maps and their BTF.
pub static OBJECT: &[u8] = &ALIGNED.0;
