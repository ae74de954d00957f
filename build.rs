//! Compiles the kernel programs once, into objects that `ebpf/lib.rs` embeds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use libbpf_cargo::SkeletonBuilder;

/// The datapath, and what drives it for measuring.
const OBJECTS: [&str; 2] = ["tidegate", "bench"];

/// What says how the maps are laid out, and how things are found in them.
const LAYOUT: [&str; 4] =
    ["ebpf/include/abi.h", "ebpf/maps.bpf.h", "ebpf/lookup.bpf.h", "ebpf/flow_table.bpf.h"];

/// The numbered names first: plain `clang` is too old on Debian 12.
const CLANGS: [&str; 7] =
    ["clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang"];

fn main() {
    println!("cargo::rerun-if-changed=ebpf");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let Some(clang) = find_clang() else {
        fail("clang is not installed; run `cargo xtask setup`, or `apt-get install clang-19`");
    };
    for object in OBJECTS {
        let source = format!("ebpf/{object}.bpf.c");
        let built = SkeletonBuilder::new()
            .source(&source)
            .obj(out.join(format!("{object}.bpf.o")))
            .clang(&clang)
            .clang_args([
                "-mcpu=v3",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-idirafter",
                &multiarch_headers(),
            ])
            .build();
        if let Err(error) = built {
            fail(&format!("could not compile {source} with {clang}: {error:?}"));
        }
    }
    println!("cargo::rustc-env=TIDEGATE_LAYOUT={}", layout());
}

/// A number for how the maps are laid out: another one with each change of what says so, but for
/// comments and white space (FNV-1a, 64 bits).
fn layout() -> u64 {
    let text = LAYOUT.map(|file| {
        std::fs::read_to_string(file).unwrap_or_else(|error| fail(&format!("{file}: {error}")))
    });
    let text = text.concat();
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default();
    let behind = parts.map(|part| part.split_once("*/").map_or("", |(_, code)| code));
    let code = std::iter::once(first).chain(behind).flat_map(str::split_whitespace);
    code.flat_map(|word| word.bytes().chain([b' '])).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `$CLANG`, or the first known name that answers.
fn find_clang() -> Option<String> {
    let answers = |name: &str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    env::var("CLANG").ok().or_else(|| CLANGS.into_iter().find(|name| answers(name)).map(Into::into))
}

/// Where Debian keeps `asm/`, which clang does not search for its bpf target.
fn multiarch_headers() -> String {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let path = format!("/usr/include/{arch}-linux-gnu");
    if Path::new(&path).is_dir() { path } else { "/usr/include".to_owned() }
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(1)
}
