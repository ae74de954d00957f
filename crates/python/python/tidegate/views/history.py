# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of history."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerDirection, PerSegment, Record


@dataclass(frozen=True, slots=True)
class HistoryView(Page["HistoryPoint"]):
    """The box over the last minutes."""

    tick: int
    """The tick shown."""
    points: tuple[HistoryPoint, ...]
    """One a tick, the oldest first; the last is the tick shown."""

    @property
    def _table(self) -> tuple[HistoryPoint, ...]:
        return self.points


@dataclass(frozen=True, slots=True)
class HistoryPoint(Record):
    """The box at one tick."""

    tick: int
    """The tick."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    rate_bps: PerDirection[int]
    """What arrived."""
    packets_per_sec: PerDirection[int]
    """Packets that arrived, a second."""
    drops_per_sec: PerDirection[int]
    """Packets dropped by the queues, a second."""
    rtt_p50_us: PerSegment[int | None]
    """Medians of the RTTs of the minute before; none where there was no sample."""
