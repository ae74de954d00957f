//! Compiles the kernel programs once, into a skeleton that `ebpf/lib.rs` exposes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use libbpf_cargo::SkeletonBuilder;

const SOURCE: &str = "ebpf/tidegate.bpf.c";

/// Newest first; Debian may have only the numbered name.
const CLANGS: [&str; 7] =
    ["clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16"];

fn main() {
    println!("cargo::rerun-if-changed=ebpf");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let Some(clang) = find_clang() else {
        fail("clang is not installed; run `cargo xtask setup`, or `apt-get install clang-19`");
    };
    let built = SkeletonBuilder::new()
        .source(SOURCE)
        .obj(out.join("tidegate.bpf.o"))
        .clang(&clang)
        .clang_args(["-Wall", "-Wextra", "-Werror", "-idirafter", &multiarch_headers()])
        .build_and_generate(out.join("tidegate.skel.rs"));
    if let Err(error) = built {
        fail(&format!("could not compile {SOURCE} with {clang}: {error:?}"));
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
