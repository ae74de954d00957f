# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of queues."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Direction, Page, Record
from .leaf import TinView


@dataclass(frozen=True, slots=True)
class QueuesView(Page["QueueRow"]):
    """Every hardware transmit queue that has a tree on it."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    queues: tuple[QueueRow, ...]
    """By NIC, then queue."""

    @property
    def _table(self) -> tuple[QueueRow, ...]:
        return self.queues


@dataclass(frozen=True, slots=True)
class QueueRow(Record):
    """One queue now."""

    nic: str
    """The NIC's name."""
    ifindex: int
    """The NIC's index."""
    queue: int
    """The queue."""
    cpu: int
    """The CPU that serves it."""
    direction: Direction
    """Which way its traffic travels."""
    classes: int
    """HTB classes."""
    leaves: int
    """Classes without children."""
    link_bps: int
    """The rate that its topmost class is held to."""
    sent_bps: int
    """What its leaves let through."""
    share_percent: float
    """Share of the link in use."""
    drops_per_sec: int
    """Packets dropped by its leaves, a second."""
    drops: int
    """Packets dropped by its leaves since the daemon began to count."""
    marks_per_sec: int
    """Packets marked as congested by its leaves, a second."""
    marks: int
    """Packets marked as congested by its leaves since the daemon began to count."""
    overlimits: int
    """How often its leaves held a packet back for its rate, since the daemon began to count."""
    backlog_bytes: int
    """Bytes waiting in its leaves."""
    backlog_packets: int
    """Packets waiting in its leaves."""
    tins: tuple[TinView, ...]
    """Its leaves' tins taken together, by position, where they are CAKE; empty otherwise. Peak and
    average delay are the largest of all leaves, the base delay is the least; the rest is added."""
