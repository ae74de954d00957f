//! How busy CPUs are.

use std::{fs, io};

use state::CpuReading;
use units::CpuId;

/// Reads the CPUs' times (`/proc/stat`, proc(5)).
///
/// # Errors
/// When the file cannot be read.
pub fn read() -> io::Result<Vec<CpuReading>> {
    fs::read_to_string("/proc/stat").map(|text| text.lines().filter_map(reading).collect())
}

/// The times in a line of a single CPU; none in any other. Guests' time is in user time already.
fn reading(line: &str) -> Option<CpuReading> {
    let mut words = line.split_ascii_whitespace();
    let cpu = words.next()?.strip_prefix("cpu")?.parse().ok().map(CpuId::new)?;
    let times: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal] = *times else { return None };
    let total = user + nice + system + idle + iowait + irq + softirq + steal;
    Some(CpuReading { cpu, total, idle: idle + iowait, softirq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_cpu_or_nothing() {
        let cpu = |cpu, total, idle, softirq| {
            Some(CpuReading { cpu: CpuId::new(cpu), total, idle, softirq })
        };
        assert_eq!(reading("cpu3 1 2 3 40 5 6 7 8 9 10"), cpu(3, 72, 45, 7));
        for other in
            ["cpu 1 2 3 4 5 6 7 8 9 10", "intr 5 6", "cpu1 1 2 3", "cpux 1 2 3 4 5 6 7 8", ""]
        {
            assert_eq!(reading(other), None, "{other}");
        }
    }

    #[test]
    fn this_machine_has_cpus() {
        let cpus = read().unwrap();
        assert!(!cpus.is_empty() && cpus.iter().all(|cpu| cpu.total >= cpu.idle));
    }
}
