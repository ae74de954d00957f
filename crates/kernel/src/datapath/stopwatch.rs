//! How long `tc_egress` takes on real packets, by the kernel's own clock.
//!
//! `BPF_PROG_TEST_RUN` cannot give a packet of a tc program any metadata, so that way through
//! `tc_egress` is timed where packets really pass. An empty program in front of it, on the same NIC,
//! tells what taking the time costs.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libbpf_rs::libbpf_sys::{self, BPF_F_BEFORE, BPF_STATS_RUN_TIME, BPF_TCX_EGRESS};
use libbpf_rs::{Object, ObjectBuilder};
use units::IfIndex;

use super::attach::attach_error;
use super::footprint::described;
use super::link::Link;
use super::load::program;
use super::{Attached, DatapathError};

const DATAPATH: &str = "tc_egress";
const EMPTY: &str = "empty_tc";

/// Takes the time of `tc_egress` and of an empty program in front of it, until it is dropped.
#[derive(Debug)]
pub struct Stopwatch {
    /// Of `tc_egress`.
    datapath: OwnedFd,
    empty: Object,
    _link: Link,
    _statistics: OwnedFd,
}

/// How often a program ran, and for how long in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTime {
    /// Runs.
    pub runs: u64,
    /// All of them together.
    pub time: Duration,
}

impl RunTime {
    /// What came on top of an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self { runs: self.runs - earlier.runs, time: self.time.saturating_sub(earlier.time) }
    }

    /// Nanoseconds of one run; none when there was none.
    pub fn ns_per_run(self) -> Option<f64> {
        (self.runs > 0).then(|| self.time.as_nanos() as f64 / self.runs as f64)
    }
}

impl Stopwatch {
    /// Puts the empty program in front of `tc_egress` on one NIC, by TCX, and starts the clock. The
    /// calling thread is in the NIC's network namespace.
    ///
    /// # Errors
    /// When the kernel has no TCX, or does not take the time of programs (5.8 and later do).
    pub fn new(attached: &Attached, name: &str, nic: IfIndex) -> Result<Self, DatapathError> {
        let empty = ObjectBuilder::default()
            .name("tidegate_bench")
            .and_then(|builder| builder.open_memory(tidegate_ebpf::BENCH_OBJECT))
            .and_then(libbpf_rs::OpenObject::load)
            .map_err(DatapathError::Load)?;
        let front = program(&empty, EMPTY)?;
        let link = Link::create(front.as_fd(), nic, BPF_TCX_EGRESS, BPF_F_BEFORE)
            .map_err(|source| attach_error(EMPTY, name, source))?;
        let run = |source: io::Error| DatapathError::Run { program: EMPTY, source: source.into() };
        Ok(Self {
            datapath: program(attached.object(), DATAPATH)?
                .as_fd()
                .try_clone_to_owned()
                .map_err(run)?,
            _statistics: enable_statistics().map_err(run)?,
            _link: link,
            empty,
        })
    }

    /// What `tc_egress` took, on all NICs, and what the empty program took.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn read(&self) -> Result<[RunTime; 2], DatapathError> {
        Ok([run_time(&self.datapath)?, run_time(program(&self.empty, EMPTY)?)?])
    }
}

fn run_time(program: impl AsFd) -> Result<RunTime, DatapathError> {
    let program = program.as_fd();
    Ok(RunTime {
        runs: described(program, "run_cnt")?,
        time: Duration::from_nanos(described(program, "run_time_ns")?),
    })
}

/// Has the kernel take the time of all programs, as long as the descriptor is open.
fn enable_statistics() -> io::Result<OwnedFd> {
    // SAFETY: the call takes a number and no pointers.
    let statistics = unsafe { libbpf_sys::bpf_enable_stats(BPF_STATS_RUN_TIME) };
    if statistics < 0 {
        return Err(io::Error::from_raw_os_error(-statistics));
    }
    // SAFETY: the call has just opened the descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(statistics) })
}
