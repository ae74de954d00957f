//! Queries for every measurement, and captures.

use bus::*;
use units::{Direction, Segment};

pub(super) fn address(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

pub(super) fn flows_query() -> FlowsQuery {
    FlowsQuery {
        filter: "gurnee".into(),
        circuit: Some("10001".into()),
        host: Some(address("100.64.0.1")),
        protocol: Some(6),
        asn: Some(64_500),
        country: Some("NL".into()),
        recent: true,
        sort: FlowSort::RttInternet,
        by: Some(Direction::Download),
        descending: true,
        offset: 300,
        limit: 70_000,
    }
}

pub(super) fn hosts_query() -> HostsQuery {
    HostsQuery {
        filter: "100.64".into(),
        circuit: Some("10001".into()),
        kind: HostKind::Unknown,
        sort: HostSort::Retransmits,
        by: Some(Direction::Upload),
        descending: true,
        offset: 1,
        limit: 2,
    }
}

pub(super) fn origins_query() -> OriginsQuery {
    OriginsQuery {
        group: OriginGroup::Country,
        filter: "n".into(),
        sort: OriginSort::Rtt,
        by: Some(Direction::Upload),
        descending: true,
        offset: 1,
        limit: 2,
    }
}

pub(super) fn rtt_query() -> RttQuery {
    RttQuery {
        group: RttGroup::Circuits,
        filter: "st".into(),
        node: Some("AP_A".into()),
        segment: Segment::Internet,
        samples_min: 20,
        sort: RttSort::P99,
        descending: true,
        offset: 1,
        limit: 2,
        histogram: true,
    }
}

pub(super) fn retransmits_query() -> RetransmitsQuery {
    RetransmitsQuery {
        group: RetransmitGroup::Flows,
        filter: "st".into(),
        circuit: Some("10001".into()),
        sort: RetransmitSort::Reordered,
        by: Some(Direction::Upload),
        descending: true,
        offset: 1,
        limit: 2,
        events: 30,
    }
}

pub(super) fn capture(target: CaptureTarget) -> CaptureRequest {
    CaptureRequest { target, seconds: 30, packets: 100_000, snap_length: 128 }
}

pub(super) fn tree_query() -> TreeQuery {
    TreeQuery { node: Some("Site_1".into()), levels: Some(2) }
}

pub(super) fn events_query() -> EventsQuery {
    EventsQuery {
        after: 17,
        kinds: vec![EventKind::Configuration, EventKind::Table],
        severity_min: Severity::Warning,
        filter: "circuit".into(),
        limit: 50,
    }
}
