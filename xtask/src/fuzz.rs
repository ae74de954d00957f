//! Feeds the bus's decoders bytes that nobody meant. The golden frames are where it begins from.
//!
//! Takes a nightly compiler and cargo-fuzz.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::packages::program;
use crate::step;

/// What is fed, and whether it takes frames or payloads alone.
const TARGETS: [(&str, bool); 2] = [("frame", true), ("request", false)];

/// Bytes of a frame's header.
const HEADER_LEN: usize = 18;

/// Longer inputs than this show nothing new.
const LENGTH_MAX: usize = 8_192;

/// What to feed, for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One target, `frame` or `request`; all of them without it.
    target: Option<String>,
    /// How long each is fed.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets, one after the other.
///
/// # Errors
/// When a target finds something: the input that shows it lies below crates/bus/fuzz/artifacts.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if program("cargo-fuzz").is_none() {
        bail!("cargo-fuzz is missing: `cargo install cargo-fuzz` brings it");
    }
    let wanted = arguments.target.as_deref();
    ensure!(
        wanted.is_none_or(|wanted| TARGETS.iter().any(|(target, _)| *target == wanted)),
        "the targets are frame and request"
    );
    let folder = step::root().join("crates/bus/fuzz");
    for (target, is_frame) in TARGETS {
        if wanted.is_some_and(|wanted| wanted != target) {
            continue;
        }
        let corpus = folder.join("corpus").join(target);
        seed(&corpus, is_frame)?;
        let mut fuzz = Command::new("rustup");
        // this program's own compiler, which a cargo that it starts would go on with, is not the one it takes
        for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
            fuzz.env_remove(variable);
        }
        fuzz.args(["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir"]);
        fuzz.arg(&folder).arg(target).arg(&corpus).arg("--");
        fuzz.arg(format!("-max_total_time={}", arguments.seconds));
        fuzz.arg(format!("-max_len={LENGTH_MAX}"));
        step::run(&mut fuzz)?;
    }
    Ok(())
}

/// Puts the golden frames where a target begins from.
fn seed(corpus: &Path, is_frame: bool) -> Result<()> {
    fs::create_dir_all(corpus).with_context(|| format!("could not make {}", corpus.display()))?;
    let golden = step::root().join("tests/bus_frames");
    for entry in fs::read_dir(&golden).context("could not list the golden frames")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let frame = bytes(&fs::read_to_string(&path)?)
            .with_context(|| format!("{} is no frame", path.display()))?;
        let input = if is_frame {
            // cut into pieces as large as they come
            [&[u8::MAX][..], &frame].concat()
        } else if name.starts_with("request-") {
            frame.get(HEADER_LEN..).unwrap_or_default().to_vec()
        } else {
            continue;
        };
        fs::write(corpus.join(name), input)?;
    }
    Ok(())
}

/// The bytes of a text of hexadecimal digits.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    Ok(digits.chunks(2).map(byte).collect::<Result<_, _>>()?)
}
