# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._record import Page, PerDirection, PerSegment, Record

FlowState = Literal[
    "open",
    "ended",
    "idle",
]
"""Whether a flow goes on."""


@dataclass(frozen=True, slots=True)
class FlowsPage(Page["FlowRow"]):
    """A page of flows."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    total: int
    """Flows that there are: in the table, or in the buffer of recent ones."""
    matched: int
    """Flows that the query matches."""
    rows: tuple[FlowRow, ...]
    """This page's, in the order asked for."""

    @property
    def _table(self) -> tuple[FlowRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class FlowKey(Record):
    """Both directions of a flow, seen from the customer. Ports of ICMP echoes: identifier and 0."""

    customer: str
    """The customer's end."""
    internet: str
    """The other end."""
    customer_port: int
    """The customer's port."""
    internet_port: int
    """The other end's port."""
    protocol: int
    """IANA's number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6."""


@dataclass(frozen=True, slots=True)
class FlowRow(Record):
    """One flow. Counters are since it began."""

    key: FlowKey
    """Which."""
    circuit: str | None
    """The circuit's id; none when no device covers the customer's address."""
    state: FlowState
    """Whether it goes on."""
    first_seen_ms_ago: int
    """Since its first packet."""
    last_seen_ms_ago: int
    """Since its last packet."""
    streams: PerDirection[StreamView]
    """Its two directions."""
    rtt: PerSegment[FlowRtt | None]
    """RTTs; none where there was no sample."""
    origin: Origin
    """Whom the Internet side's address belongs to."""


@dataclass(frozen=True, slots=True)
class StreamView(Record):
    """One direction of a flow."""

    rate_bps: int
    """What arrives now."""
    packets_per_sec: int
    """Packets that arrive now."""
    bytes: int
    """Bytes that arrived."""
    packets: int
    """Packets that arrived."""
    retransmits: int
    """TCP segments that were sent again."""
    reordered: int
    """TCP segments that were overtaken on their way here."""
    retransmit_percent: float | None
    """Share of the packets that were sent again; none for other protocols than TCP."""
    tcp_flags: str
    """TCP flags seen."""
    dscp: int
    """Differentiated services code point of the last packet."""
    ect_packets: int
    """Packets marked as capable of ECN or as congested."""
    ce_packets: int
    """Packets marked as congested."""


@dataclass(frozen=True, slots=True)
class FlowRtt(Record):
    """The RTT samples of one flow on one segment."""

    last_us: int
    """The last sample."""
    min_us: int
    """The least one."""
    smoothed_us: int
    """Smoothed as in RFC 6298."""
    samples: int
    """How many."""


@dataclass(frozen=True, slots=True)
class Origin(Record):
    """Whom an address belongs to, as far as the operator's files tell."""

    asn: int | None
    """Number of the autonomous system."""
    name: str | None
    """Its name."""
    country: str | None
    """Code of the country, as the file has it."""
