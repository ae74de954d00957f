//! Which crates stay pure, safe, and away from which libraries.

use super::Finding;
use super::files::{File, Tree, has_word};

/// What does no IO, reads no clock and starts nothing.
const PURE: [&str; 4] =
    ["crates/plan/src/", "crates/state/src/", "crates/tui/src/app/", "crates/tui/src/draw/"];
/// What it would do that with.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os::unix::net",
    "std::process",
    "std::thread",
    "thread::spawn",
    "Instant::now",
    "SystemTime",
    "rand::random",
];
/// Ways to ask for the date, which may jump: rates and ages are of the monotonic clock.
const WALL_CLOCK: [&str; 3] = ["SystemTime::now", "ClockId::Realtime", "unix_ns("];
/// What needs the date: where it is read, captures, whose packets have one, and events.
const DATED: [&str; 3] =
    ["crates/collect/src/clock.rs", "crates/daemon/src/captures/", "crates/daemon/src/events.rs"];
/// The one crate with hand-written unsafe code.
const UNSAFE_CRATE: &str = "kernel";
/// Generated code whose unsafe parts are not ours.
const GENERATED: [&str; 1] = ["ebpf/lib.rs"];
/// What the root of every other crate says.
const FORBID_UNSAFE: &str = "#![forbid(unsafe_code)]";
/// The only module that knows how messages are encoded.
const CODEC: &str = "crates/bus/src/codec";
/// Libraries that only kernel's sources name, and what the generated skeletons stand on.
const KERNEL_LIBRARIES: [&str; 2] = ["libbpf_rs", "aya"];

/// Checks all Rust files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !is_checker(file)) {
        if is_crate_root(&file.path) && !may_be_unsafe(file) && !file.text.contains(FORBID_UNSAFE) {
            findings.push(Finding::error(&file.path, 1, format!("`{FORBID_UNSAFE}` is missing")));
        }
        if !may_be_unsafe(file) {
            for (line, code) in file.code().filter(|(_, code)| has_word(code, "unsafe")) {
                let what = format!("unsafe outside {UNSAFE_CRATE}: {}", code.trim());
                findings.push(Finding::error(&file.path, line, what));
            }
        }
        findings.extend(impurities(file));
        findings.extend(dates(file));
        findings.extend(misplaced_libraries(file));
    }
    findings
}

fn impurities(file: &File) -> Vec<Finding> {
    if !PURE.iter().any(|folder| file.path.starts_with(folder)) || file.path.ends_with("/tests.rs")
    {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, code) in file.production_code() {
        for word in IMPURE.iter().filter(|word| code.contains(**word)) {
            findings.push(Finding::error(&file.path, line, format!("{word} in what is pure")));
        }
    }
    findings
}

/// What the daemon is made of reads no date but where that is needed.
fn dates(file: &File) -> Vec<Finding> {
    let is_ours = file.path.starts_with("crates/") && file.path.contains("/src/");
    if !is_ours || DATED.iter().any(|path| file.path.starts_with(path)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, code) in file.production_code() {
        for word in WALL_CLOCK.iter().filter(|word| code.contains(**word)) {
            let what = format!("{word} reads the wall clock, which may jump");
            findings.push(Finding::error(&file.path, line, what));
        }
    }
    findings
}

fn misplaced_libraries(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let codec = file.path.starts_with(CODEC);
    let kernel = may_be_unsafe(file) || file.path == "build.rs";
    for (line, code) in file.code() {
        let names = |library: &str| code.contains(&format!("{library}::"));
        if names("bincode") && !codec {
            let what = format!("bincode is named only in {CODEC}");
            findings.push(Finding::error(&file.path, line, what));
        }
        for library in KERNEL_LIBRARIES.iter().filter(|library| names(library) && !kernel) {
            let what = format!("{library} is named only in {UNSAFE_CRATE}");
            findings.push(Finding::error(&file.path, line, what));
        }
    }
    findings
}

fn may_be_unsafe(file: &File) -> bool {
    file.is_in_crate(UNSAFE_CRATE) || GENERATED.contains(&file.path.as_str())
}

/// These files name what they look for.
fn is_checker(file: &File) -> bool {
    file.path.starts_with("xtask/src/tidy/")
}

fn is_crate_root(path: &str) -> bool {
    path == "ebpf/lib.rs" || path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let tree = Tree { files: vec![File { path: path.into(), text: text.into() }] };
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_kernel_is_unsafe() {
        assert_eq!(found("crates/a/src/lib.rs", "mod b;").len(), 1);
        assert!(found("crates/a/src/lib.rs", FORBID_UNSAFE).is_empty());
        assert_eq!(
            found("crates/a/src/b.rs", "// unsafe\nunsafe { c() }"),
            ["crates/a/src/b.rs:2: error: unsafe outside kernel: unsafe { c() }"]
        );
        assert!(found("crates/kernel/src/b.rs", "unsafe { c() }").is_empty());
    }

    #[test]
    fn pure_crates_read_no_clock() {
        assert_eq!(found("crates/plan/src/a.rs", "let now = Instant::now();").len(), 1);
        assert!(found("crates/bus/src/a.rs", "let now = Instant::now();").is_empty());
        let test = "#[cfg(test)]\nmod tests { use std::fs; }";
        assert!(found("crates/plan/src/a.rs", test).is_empty());
        assert!(found("crates/plan/src/a/tests.rs", "Instant::now()").is_empty());
    }

    #[test]
    fn the_wall_clock_is_for_dates_alone() {
        assert_eq!(found("crates/daemon/src/a.rs", "let now = SystemTime::now();").len(), 1);
        assert_eq!(found("crates/collect/src/a.rs", "clock::unix_ns()").len(), 1);
        assert!(found("crates/daemon/src/captures/a.rs", "clock::unix_ns()").is_empty());
        assert!(found("crates/daemon/src/a.rs", "(u64, u64, SystemTime)").is_empty());
    }

    #[test]
    fn libraries_stay_where_they_belong() {
        assert_eq!(found("crates/bus/src/client.rs", "bincode::serde::encode()").len(), 1);
        assert!(found("crates/bus/src/codec.rs", "bincode::serde::encode()").is_empty());
        assert_eq!(found("crates/apply/src/a.rs", "use aya::Ebpf;").len(), 1);
    }
}
