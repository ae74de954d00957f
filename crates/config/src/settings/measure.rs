//! The sections about measuring: `[flows]` and `[capture]`.

use std::time::Duration;

use super::raw::{RawCapture, RawFlows};
use super::time;
use super::validate::in_range;
use super::value::Field;
use crate::model::{Capture, Flows};
use crate::problem::Report;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

pub(super) fn validate_flows(raw: &RawFlows, report: &mut Report<'_>) -> Option<Flows> {
    let tcp_idle = time_in_range(&raw.tcp_idle, 10, DAY, report);
    let udp_idle = time_in_range(&raw.udp_idle, 5, DAY, report);
    let icmp_idle = time_in_range(&raw.icmp_idle, 5, DAY, report);
    let unanswered_idle = time_in_range(&raw.unanswered_idle, 2, DAY, report);
    let recent = time_in_range(&raw.recent, 0, HOUR, report);
    let recent_flows = in_range(&raw.recent_flows, 1, 4_000_000, report);
    Some(Flows {
        tcp_idle: tcp_idle?,
        udp_idle: udp_idle?,
        icmp_idle: icmp_idle?,
        unanswered_idle: unanswered_idle?,
        recent: recent?,
        recent_flows: recent_flows? as u32,
    })
}

pub(super) fn validate_capture(raw: &RawCapture, report: &mut Report<'_>) -> Option<Capture> {
    let at_once = in_range(&raw.at_once, 1, 8, report);
    let packets_max = in_range(&raw.packets_max, 1, 100_000_000, report);
    let seconds_max = time_in_range(&raw.seconds_max, 1, DAY, report);
    let snap_length_max = in_range(&raw.snap_length_max, 64, 256, report);
    Some(Capture {
        at_once: at_once? as u8,
        packets_max: packets_max? as u32,
        seconds_max: seconds_max?,
        snap_length_max: snap_length_max? as u16,
    })
}

/// The time, when it lies between `least` and `most` seconds.
pub(super) fn time_in_range(
    field: &Field<Duration>,
    least: u64,
    most: u64,
    report: &mut Report<'_>,
) -> Option<Duration> {
    let given = *field.get()?;
    let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
    if (least..=most).contains(&given) {
        return Some(given);
    }
    let [given, least, most] = [given, least, most].map(time::text);
    field.error(report, format!("{given} is not between {least} and {most}"));
    None
}
