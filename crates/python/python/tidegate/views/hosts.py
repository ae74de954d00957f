# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of hosts."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, PerSegment, Record
from .retransmits import RetransmitView
from .rtt import MeanRtt
from .status import ProtocolsView


@dataclass(frozen=True, slots=True)
class HostsPage(Page["HostRow"]):
    """A page of hosts on the customers' side."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    total: int
    """Hosts that are remembered."""
    matched: int
    """Of these, those that the query matches."""
    rows: tuple[HostRow, ...]
    """This page's, in the order asked for."""

    @property
    def _table(self) -> tuple[HostRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class HostRow(Record):
    """One host on the customers' side: what its flows add up to."""

    addr: str
    """The host."""
    circuit: str | None
    """The circuit's id; none when no device covers the host."""
    last_seen_ms_ago: int
    """Since its last packet."""
    rate_bps: PerDirection[int]
    """What arrives now."""
    protocols: PerDirection[ProtocolsView]
    """The same by protocol."""
    packets_per_sec: PerDirection[int]
    """Packets that arrive now."""
    bytes: PerDirection[int]
    """Bytes that arrived since it is remembered."""
    packets: PerDirection[int]
    """Packets that arrived since it is remembered."""
    flows: int
    """Its flows in the table."""
    rtt: PerSegment[MeanRtt | None]
    """RTT of its flows; none where there was no sample."""
    retransmits: PerDirection[RetransmitView]
    """TCP segments that were sent again."""
