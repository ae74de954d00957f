//! What crosses the box.

use bus::{RttPercentiles, StatusView, TotalView, TotalsView};
use units::{Direction, PerSegment, Segment};

use crate::health::counters;
use crate::page::{Kind, Labels, Page, Samples};

pub(super) fn write(page: &mut Page, status: &StatusView) {
    page.family(Kind::Info, "nic", "The NICs and how the programs sit on them", |samples| {
        for nic in &status.nics {
            let side = match nic.side {
                bus::Side::Customers => "customers",
                bus::Side::Internet => "internet",
                bus::Side::Both => "both",
            };
            let xdp = match nic.xdp {
                Some(bus::XdpMode::Native) => "native",
                Some(bus::XdpMode::Generic) => "generic",
                None => "none",
            };
            let tc = match nic.tc {
                Some(bus::TcAttachment::Tcx) => "tcx",
                Some(bus::TcAttachment::Clsact) => "clsact",
                None => "none",
            };
            samples.add(&[("nic", &*nic.name), ("side", side), ("xdp", xdp), ("tc", tc)], 1_u64);
        }
    });
    let totals = &status.traffic.totals;
    let help = "Bytes that arrived";
    page.family(Kind::Counter, "traffic_bytes", help, |samples| {
        for direction in Direction::ALL {
            by_protocol(samples, direction, &totals[direction], |total| total.bytes);
        }
    });
    let help = "Packets that arrived";
    page.family(Kind::Counter, "traffic_packets", help, |samples| {
        for direction in Direction::ALL {
            by_protocol(samples, direction, &totals[direction], |total| total.packets);
        }
    });
    let help = "TCP segments that were sent again";
    page.family(Kind::Counter, "tcp_retransmits", help, |samples| {
        for direction in Direction::ALL {
            samples.add(&[("direction", name(direction))], status.retransmits[direction].count);
        }
    });
    let help = "TCP segments that were overtaken on their way here";
    page.family(Kind::Counter, "tcp_reordered", help, |samples| {
        for direction in Direction::ALL {
            samples.add(&[("direction", name(direction))], status.retransmits[direction].reordered);
        }
    });
    counters(
        page,
        "xdp_packets",
        "Packets by what became of them in XDP",
        "verdict",
        &status.verdicts,
    );
    counters(
        page,
        "packet_events",
        "Noteworthy things that happened to packets",
        "event",
        &status.packet_events,
    );
    counters(page, "tc_packets", "Packets by what became of them in tc", "verdict", &status.egress);
    for (metric, help, value) in [
        ("flows", "Flows in the table", status.flows.open),
        ("flows_recent", "Flows that ended lately", status.flows.recent),
        ("hosts", "Hosts on the customers' side", status.flows.hosts),
        ("unknown_hosts", "Hosts that no device covers", status.unknown_hosts),
    ] {
        page.family(Kind::Gauge, metric, help, |samples| samples.add(&[], value));
    }
    page.family(
        Kind::Gauge,
        "rtt_seconds",
        "RTTs of the last minute, of all circuits",
        |samples| {
            rtts(samples, &[], &status.rtt);
        },
    );
    page.family(Kind::Gauge, "rtt_samples", "RTT samples of the last minute", |samples| {
        for segment in Segment::ALL {
            let taken = status.rtt[segment].map_or(0, |rtt| rtt.samples);
            samples.add(&[("side", side(segment))], taken);
        }
    });
}

fn by_protocol(
    samples: &mut Samples<'_>,
    direction: Direction,
    totals: &TotalsView,
    figure: impl Fn(&TotalView) -> u64,
) {
    let TotalsView { tcp, udp, icmp, other } = totals;
    for (protocol, total) in [("tcp", tcp), ("udp", udp), ("icmp", icmp), ("other", other)] {
        samples.add(&[("direction", name(direction)), ("protocol", protocol)], figure(total));
    }
}

/// Percentiles of both sides, where there were samples.
pub(super) fn rtts(
    samples: &mut Samples<'_>,
    of: Labels<'_>,
    rtt: &PerSegment<Option<RttPercentiles>>,
) {
    for segment in Segment::ALL {
        let Some(rtt) = &rtt[segment] else { continue };
        for (percentile, us) in [("50", rtt.p50_us), ("90", rtt.p90_us), ("99", rtt.p99_us)] {
            let own = [("side", side(segment)), ("percentile", percentile)];
            samples.add(&[of, &own].concat(), us as f64 / 1e6);
        }
    }
}

/// A direction in a label.
pub(super) const fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
    }
}

const fn side(segment: Segment) -> &'static str {
    match segment {
        Segment::Customer => "customer",
        Segment::Internet => "internet",
    }
}
