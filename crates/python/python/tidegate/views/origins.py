# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of origins."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, Record
from .flows import Origin
from .retransmits import RetransmitView
from .rtt import MeanRtt


@dataclass(frozen=True, slots=True)
class OriginsPage(Page["OriginRow"]):
    """A page of networks or countries that the Internet side's addresses belong to."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    total: int
    """Origins that have flows in the table."""
    matched: int
    """Of these, those that the query matches."""
    rows: tuple[OriginRow, ...]
    """This page's, in the order asked for."""

    @property
    def _table(self) -> tuple[OriginRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class OriginRow(Record):
    """One autonomous system or country: what its flows in the table add up to."""

    origin: Origin
    """Which. By country only the code is set, by autonomous system the country where it has one
    only; nothing at all for addresses that the files do not tell of."""
    rate_bps: PerDirection[int]
    """What arrives now."""
    packets_per_sec: PerDirection[int]
    """Packets that arrive now."""
    bytes: PerDirection[int]
    """Bytes of its flows in the table."""
    flows: int
    """Its flows in the table."""
    rtt: MeanRtt | None
    """RTT of the Internet side; none where there was no sample."""
    retransmits: PerDirection[RetransmitView]
    """TCP segments that were sent again."""
