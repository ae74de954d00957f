# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of retransmits."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Direction, Page, PerDirection, Record
from .flows import FlowKey


@dataclass(frozen=True, slots=True)
class RetransmitsPage(Page["RetransmitRow"]):
    """A page of retransmissions."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    total: int
    """Rows that there are."""
    matched: int
    """Rows that the query matches."""
    rows: tuple[RetransmitRow, ...]
    """This page's, in the order asked for."""
    events: tuple[RetransmitEvent, ...]
    """The newest events, as many as were asked for, the latest first."""
    events_lost: int
    """Events that found no room on their way here. Counters count them nevertheless."""

    @property
    def _table(self) -> tuple[RetransmitRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class RetransmitRow(Record):
    """Retransmissions of a circuit, of a host or of a flow."""

    circuit: str | None
    """The circuit's id; none when no device covers the host."""
    name: str | None
    """The circuit's name."""
    host: str | None
    """The host, in a row by host."""
    flow: FlowKey | None
    """The flow, in a row by flow."""
    retransmits: PerDirection[RetransmitView]
    """How many."""


@dataclass(frozen=True, slots=True)
class RetransmitView(Record):
    """How many of the TCP segments of one direction were sent again."""

    per_sec: int
    """Sent again, a second."""
    count: int
    """Sent again so far: of circuits, nodes and the box since the daemon began to count, of hosts
    and flows since they are remembered."""
    reordered: int
    """Overtaken on their way here, over the same time."""
    share_percent: float | None
    """Share of the TCP segments seen that were sent again: of circuits, nodes and the box now,
    of hosts and flows since they are remembered. None where there were no segments."""


@dataclass(frozen=True, slots=True)
class RetransmitEvent(Record):
    """One TCP segment that was sent again."""

    seen_ms_ago: int
    """Since it was seen."""
    flow: FlowKey
    """Its flow."""
    circuit: str | None
    """The circuit's id; none when no device covers the host."""
    direction: Direction
    """Which way it travelled."""
    sequence: int
    """Sequence number of its first byte."""
    length: int
    """Bytes of payload."""
