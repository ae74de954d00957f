//! What share of their time CPUs are busy.

use units::CpuId;

/// One CPU's times since the machine started, in the clock's ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuReading {
    /// The CPU.
    pub cpu: CpuId,
    /// All of its time.
    pub total: u64,
    /// Idle, waiting for input and output included.
    pub idle: u64,
    /// In softirqs, where packets are forwarded.
    pub softirq: u64,
}

/// One CPU since the sample before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuFigures {
    /// The CPU.
    pub cpu: CpuId,
    /// Percent of its time in which it was not idle.
    pub busy_percent: f64,
    /// Percent of its time in softirqs.
    pub softirq_percent: f64,
}

/// The CPUs that both samples have. The kernel's idle time may go back a little: that counts as none.
pub(crate) fn figures(before: &[CpuReading], now: &[CpuReading]) -> Vec<CpuFigures> {
    let since = |now: &CpuReading| {
        let before = before.iter().find(|before| before.cpu == now.cpu)?;
        let total = now.total.checked_sub(before.total).filter(|total| *total > 0)?;
        let percent = |part: u64| part.min(total) as f64 * 100.0 / total as f64;
        Some(CpuFigures {
            cpu: now.cpu,
            busy_percent: 100.0 - percent(now.idle.saturating_sub(before.idle)),
            softirq_percent: percent(now.softirq.saturating_sub(before.softirq)),
        })
    };
    now.iter().filter_map(since).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(cpu: u16, total: u64, idle: u64, softirq: u64) -> CpuReading {
        CpuReading { cpu: CpuId::new(cpu), total, idle, softirq }
    }

    #[test]
    fn shares_are_of_the_time_since_the_sample_before() {
        let before = [reading(0, 1_000, 900, 10), reading(1, 1_000, 500, 0)];
        let now = [reading(0, 1_200, 950, 60), reading(1, 1_200, 499, 250), reading(2, 9, 9, 0)];
        let [first, second] = *figures(&before, &now) else { panic!("one that is new has none") };
        assert_eq!((first.busy_percent, first.softirq_percent), (75.0, 25.0));
        assert_eq!((second.busy_percent, second.softirq_percent), (100.0, 100.0), "never more");
    }

    #[test]
    fn a_clock_that_stands_still_or_runs_back_gives_none() {
        let before = [reading(0, 1_000, 900, 10), reading(1, 1_000, 500, 0)];
        let now = [reading(0, 1_000, 900, 10), reading(1, 900, 500, 0)];
        assert_eq!(figures(&before, &now), []);
    }
}
