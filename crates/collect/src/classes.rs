//! Statistics of HTB's classes: one dump a NIC.

use kernel::tc::{ClassState, Failed, TrafficControl};
use state::{ClassCounters, ClassReading, ClassSample, Traffic};
use units::{Bytes, IfIndex};

use crate::clock::monotonic_ns;

/// Reads the statistics of all classes on `nics`.
///
/// # Errors
/// When a dump fails.
pub fn read(source: &mut impl TrafficControl, nics: &[IfIndex]) -> Result<ClassSample, Failed> {
    let mut sample = ClassSample { taken_ns: monotonic_ns(), classes: Vec::new() };
    for nic in nics {
        sample.classes.extend(source.classes(*nic)?.iter().map(|class| reading(*nic, class)));
    }
    Ok(sample)
}

fn reading(nic: IfIndex, class: &ClassState) -> ClassReading {
    let stats = &class.stats;
    ClassReading {
        nic,
        handle: class.handle,
        counters: ClassCounters {
            sent: Traffic { bytes: stats.bytes, packets: stats.packets },
            drops: stats.drops,
            backlog: Bytes::new(stats.backlog_bytes.into()),
        },
    }
}
