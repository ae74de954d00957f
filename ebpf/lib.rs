//! The kernel programs of `tidegate.bpf.c`, built once and embedded as a libbpf-rs skeleton.
//!
//! Nothing here is written by hand: `build.rs` compiles the C sources and generates the module
//! below. Only the `kernel` crate uses it.

#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks)]
mod skeleton {
    include!(concat!(env!("OUT_DIR"), "/tidegate.skel.rs"));
}

pub use skeleton::*;
