//! The kernel programs of `*.bpf.c`, built once by `build.rs` and embedded.
//!
//! The objects' bytes are all that is here; only the `kernel` crate opens them.

#![forbid(unsafe_code)]

/// Aligns the object as its ELF header wants to be read.
#[repr(C, align(8))]
struct Aligned<B: ?Sized>(B);

static DATAPATH: &Aligned<[u8]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/tidegate.bpf.o")));

static BENCH: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/bench.bpf.o")));

/// The datapath's ELF object with all programs, maps and their BTF.
pub static OBJECT: &[u8] = &DATAPATH.0;

/// Likewise that of the programs that drive the datapath's for measuring.
pub static BENCH_OBJECT: &[u8] = &BENCH.0;

/// A number for how the maps are laid out, which differs between builds that cannot share them.
pub const LAYOUT: u64 = match u64::from_str_radix(env!("TIDEGATE_LAYOUT"), 10) {
    Ok(layout) => layout,
    Err(_) => panic!("build.rs gives a number"),
};
