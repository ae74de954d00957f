# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of tree."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, PerSegment, Record
from .retransmits import RetransmitView
from .rtt import RttPercentiles


@dataclass(frozen=True, slots=True)
class TreeView(Page["NodeRow"]):
    """The tree of nodes."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    window_ms: int
    """The time before it that RTTs are from."""
    nodes: tuple[NodeRow, ...]
    """Parents come before their children."""

    @property
    def _table(self) -> tuple[NodeRow, ...]:
        return self.nodes


@dataclass(frozen=True, slots=True)
class NodeRow(Record):
    """One node now. Figures include everything below it."""

    id: str
    """Stable identity."""
    name: str
    """Unique in the tree."""
    kind: str | None
    """Free text: site, ap ..."""
    is_virtual: bool
    """Shown, but without a class of its own."""
    parent: int | None
    """Position of the parent in `TreeView.nodes`."""
    depth: int
    """Ancestors."""
    circuits: int
    """Circuits at and below it."""
    limit_bps: PerDirection[int]
    """The rate that its class is held to."""
    rate_bps: PerDirection[int]
    """What its circuits are given; what they sent where no class tells."""
    share_percent: PerDirection[float]
    """Share of the limit in use."""
    drops_per_sec: PerDirection[int]
    """Packets dropped by its circuits' classes, a second."""
    drops: PerDirection[int]
    """Packets dropped by its circuits' classes since the daemon began to count."""
    rtt: PerSegment[RttPercentiles | None]
    """RTTs; none where there was no sample."""
    retransmits: PerDirection[RetransmitView]
    """TCP segments that were sent again."""
