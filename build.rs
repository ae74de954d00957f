//! Compiles the kernel programs once, into objects that `ebpf/lib.rs` embeds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use libbpf_cargo::SkeletonBuilder;

/// The datapath, and what drives it for measuring.
const OBJECTS: [&str; 2] = ["tidegate", "bench"];

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
