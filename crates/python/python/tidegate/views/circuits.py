# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of circuits."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, PerSegment, Record
from .leaf import LeafView
from .retransmits import RetransmitView
from .rtt import RttPercentiles


@dataclass(frozen=True, slots=True)
class CircuitsPage(Page["CircuitRow"]):
    """A page of circuits."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    window_ms: int
    """The time before it that RTTs are from."""
    total: int
    """Circuits that there are."""
    matched: int
    """Circuits that the query matches."""
    rows: tuple[CircuitRow, ...]
    """This page's, in the order asked for."""

    @property
    def _table(self) -> tuple[CircuitRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class CircuitRow(Record):
    """One circuit now."""

    id: str
    """Stable identity."""
    name: str
    """Free text."""
    node: str | None
    """Parent node's name; none when the circuit is spread over the queues."""
    plan_bps: PerDirection[int]
    """The plan's max rate."""
    min_bps: PerDirection[int]
    """The plan's min rate."""
    offered_bps: PerDirection[int]
    """What arrived."""
    offered_packets_per_sec: PerDirection[int]
    """Packets that arrived."""
    sent_bps: PerDirection[int | None]
    """What the circuit's class let through; none when there is no class to ask."""
    share_percent: PerDirection[float]
    """Share of the plan in use: of what was let through, or of what arrived when there is no class."""
    drops_per_sec: PerDirection[int]
    """Packets dropped by the circuit's class, a second."""
    drops: PerDirection[int]
    """Packets dropped by the circuit's class since the daemon began to count."""
    backlog_bytes: PerDirection[int]
    """Bytes waiting in the circuit's class."""
    leaf: PerDirection[LeafView | None]
    """What the qdisc under its class did; none when there is no class, or no qdisc of its own."""
    rtt: PerSegment[RttPercentiles | None]
    """RTTs; none where there was no sample."""
    retransmits: PerDirection[RetransmitView]
    """TCP segments that were sent again."""
    queue: PerDirection[int]
    """Hardware transmit queue."""
    cpu: int
    """The CPU that forwards its packets."""
    class_: PerDirection[str | None]
    """HTB class; none when not shaping."""
    asleep: bool
    """Whether it has no class for want of traffic."""
    addresses: tuple[str, ...]
    """Its devices' address blocks."""
