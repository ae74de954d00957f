# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of unknown."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, Record


@dataclass(frozen=True, slots=True)
class UnknownPage(Page["UnknownRow"]):
    """A page of hosts that no device covers."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    total: int
    """Unknown hosts that are remembered."""
    matched: int
    """Of these, those that the query matches."""
    rows: tuple[UnknownRow, ...]
    """This page's, in the order asked for."""

    @property
    def _table(self) -> tuple[UnknownRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class UnknownRow(Record):
    """One host that no device covers."""

    addr: str
    """The host."""
    first_seen_ms_ago: int
    """Since its first packet."""
    last_seen_ms_ago: int
    """Since its last packet."""
    bytes: PerDirection[int]
    """Bytes seen since it is remembered."""
    packets: PerDirection[int]
    """Packets seen since it is remembered."""
