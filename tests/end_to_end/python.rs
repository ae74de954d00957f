//! The Python package against the daemon.
//!
//! pytest runs outside of the lab, as the socket is all that it needs. What it cannot do itself it asks
//! for by a file in a folder that both know: `restart`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{ChildGuard, Place};
use units::Direction;

use crate::provider::{Circuit, Provider};
use crate::stage::{Stage, UNKNOWN_HOST};

/// The interpreter of the environment that has the package and its tests' needs.
const PYTHON: &str = "TIDEGATE_PYTHON";
/// More arguments for pytest, as `-k NAME`.
const ARGUMENTS: &str = "TIDEGATE_PYTEST";
/// How long all of pytest may take.
const LASTS_MAX: Duration = Duration::from_secs(240);

const NETWORK: &str = r#"{"Tower": {"downloadBandwidthMbps": 500, "uploadBandwidthMbps": 500, "type": "site",
  "children": {"North": {"downloadBandwidthMbps": 100, "uploadBandwidthMbps": 100, "type": "ap"}}}}"#;

fn provider() -> Provider {
    let under = |id, address, max| Circuit::new(id, address, "", max).under("North", (0.5, 0.5));
    Provider {
        network: NETWORK,
        ..Provider::flat(vec![
            under("one", "100.64.1.1", (20.0, 10.0)),
            under("two", "100.64.1.2", (5.0, 5.0)),
            Circuit::new("three", "100.64.1.3", "2001:db8:3::/64", (5.0, 5.0)),
        ])
    }
}

#[test]
fn scripts_read_and_change_the_running_daemon() -> Result<()> {
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("skipped: {PYTHON} is not set; `cargo xtask python` makes it and runs this");
        return Ok(());
    };
    let mut stage = Stage::new(&provider())?;
    // something to see: a TCP connection first, then pings of a customer and of an unknown host
    stage.goodput("100.64.1.1".parse()?, Direction::Download, 1)?;
    let server = stage.lab.server4().to_string();
    let ping = |source| {
        let words = ["ping", "-q", "-i", "0.05", "-s", "1000", "-I", source, &server];
        stage.lab.spawn(Place::Customers, &words)
    };
    let _pings = [ping("100.64.1.1")?, ping(UNKNOWN_HOST)?];
    let asked = stage.lab.folder().join("asked");
    fs::create_dir(&asked).context("could not make a folder")?;
    let mut pytest = pytest(&python, &stage, &asked)?;
    let deadline = Instant::now() + LASTS_MAX;
    while pytest.ended()?.is_none() && Instant::now() < deadline {
        let restart = asked.join("restart");
        if restart.exists() {
            stage.stop()?;
            stage.start()?;
            fs::remove_file(&restart).context("could not take the wish away")?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = pytest.wait(Duration::from_millis(100));
    let (said, errors) = pytest.output();
    println!("{said}{errors}");
    ensure!(ended?.success(), "pytest failed, see above");
    Ok(())
}

fn pytest(python: &OsStr, stage: &Stage, asked: &Path) -> Result<ChildGuard> {
    let more = std::env::var(ARGUMENTS).unwrap_or_default();
    let mut command = Command::new(python);
    command
        .args(["-m", "pytest", "-p", "no:cacheprovider", "--durations=5"])
        .args(more.split_whitespace())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TIDEGATE_SOCKET", &stage.socket)
        .env("TIDEGATE_ASKED", asked);
    ChildGuard::spawn(&mut command)
}
