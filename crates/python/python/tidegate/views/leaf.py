# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of leaf."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record


@dataclass(frozen=True, slots=True)
class LeafView(Record):
    """What the qdisc under a class did."""

    kind: str
    """The kernel's name of the qdisc: cake, `fq_codel`, pfifo ..."""
    drops_per_sec: int
    """Packets dropped, a second."""
    drops: int
    """Packets dropped since the daemon began to count."""
    marks_per_sec: int
    """Packets marked as congested, a second."""
    marks: int
    """Packets marked as congested since the daemon began to count."""
    backlog_bytes: int
    """Bytes waiting."""
    backlog_packets: int
    """Packets waiting."""
    tins: tuple[TinView, ...]
    """CAKE's tins, the lowest priority first; empty for other qdiscs."""


@dataclass(frozen=True, slots=True)
class TinView(Record):
    """One of CAKE's tins."""

    name: str
    """Its name, as CAKE's documents have it: bulk, best effort, video, voice."""
    sent_bytes: int
    """Bytes let through since the daemon began to count."""
    drops: int
    """Packets dropped since the daemon began to count."""
    marks: int
    """Packets marked as congested since the daemon began to count."""
    backlog_bytes: int
    """Bytes waiting."""
    peak_delay_us: int
    """How long packets waited: the longest times, smoothed."""
    avg_delay_us: int
    """The same, on average."""
    base_delay_us: int
    """The same, the shortest times: what sparse flows wait."""
