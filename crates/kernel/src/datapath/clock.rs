//! The clock by which the programs date packets, and ours.

use std::ffi::OsStr;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use libbpf_rs::{Object, libbpf_sys};
use rustix::time::{ClockId, clock_getres};

use super::DatapathError;

const PROGRAM: &str = "read_clock";

/// Reads the programs' clock.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    program: Arc<OwnedFd>,
    tick_ns: u64,
}

/// A moment on both clocks, from which others follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    clock: abi::Clock,
    tick_ns: u64,
}

/// Nanoseconds of a jiffy.
pub(super) fn tick_ns() -> u32 {
    // the resolution of the clock that advances with the timer tick
    clock_getres(ClockId::MonotonicCoarse).tv_nsec as u32
}

impl Clock {
    pub(super) fn new(object: &Object) -> Result<Self, DatapathError> {
        let program = object
            .progs_mut()
            .find(|program| program.name() == OsStr::new(PROGRAM))
            .ok_or(DatapathError::Missing(PROGRAM))?;
        let program = program
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| DatapathError::Run { program: PROGRAM, source: error.into() })?;
        Ok(Self { program: Arc::new(program), tick_ns: tick_ns().into() })
    }

    /// Both clocks now.
    pub(super) fn now(&self) -> Result<Moment, DatapathError> {
        let mut clock = abi::Clock::default();
        // SAFETY: all fields of the options are integers and pointers, for which zero is valid.
        let mut options: libbpf_sys::bpf_test_run_opts = unsafe { zeroed() };
        options.sz = size_of_val(&options) as _;
        options.ctx_in = (&raw mut clock).cast();
        options.ctx_size_in = size_of_val(&clock) as u32;
        // SAFETY: the context is ours, and of the size that the program and the options say; the
        // kernel writes it before the call returns and keeps no pointer to it.
        let result = unsafe {
            libbpf_sys::bpf_prog_test_run_opts(self.program.as_raw_fd(), &raw mut options)
        };
        if result < 0 {
            let source = libbpf_rs::Error::from_raw_os_error(-result);
            return Err(DatapathError::Run { program: PROGRAM, source });
        }
        Ok(Moment { clock, tick_ns: self.tick_ns })
    }
}

impl Moment {
    /// `CLOCK_MONOTONIC` when the programs' clock read `jiffies`, to a tick; 0 for 0.
    pub(super) fn ns(&self, jiffies: u64) -> u64 {
        if jiffies == 0 {
            return 0;
        }
        let later = jiffies.wrapping_sub(self.clock.jiffies).cast_signed();
        self.clock.ns.saturating_add_signed(later.saturating_mul(self.tick_ns.cast_signed()))
    }

    pub(super) const fn jiffies(&self) -> u64 {
        self.clock.jiffies
    }

    /// Whether `other` tells the same times, but for less than a second.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        self.ns(other.clock.jiffies).abs_diff(other.clock.ns) < 1_000_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(jiffies: u64, ns: u64) -> Moment {
        Moment { clock: abi::Clock { jiffies, ns }, tick_ns: 4_000_000 }
    }

    #[test]
    fn times_before_and_after_a_moment_follow_from_it() {
        let moment = moment(1_000, 5_000_000_000);
        assert_eq!(moment.ns(1_000), 5_000_000_000);
        assert_eq!(moment.ns(999), 4_996_000_000);
        assert_eq!(moment.ns(1_250), 6_000_000_000);
        assert_eq!((moment.ns(0), moment.ns(1)), (0, 1_004_000_000));
    }

    #[test]
    fn moments_within_a_tick_of_each_other_agree() {
        let first = moment(1_000, 5_000_000_000);
        assert!(first.agrees_with(&moment(1_250, 6_003_999_999)));
        assert!(!first.agrees_with(&moment(1_250, 7_000_000_000)));
    }
}
