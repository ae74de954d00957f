# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of rtt."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Page, PerSegment, Record


@dataclass(frozen=True, slots=True)
class RttPage(Page["RttRow"]):
    """A page of RTTs."""

    tick: int
    """The tick shown."""
    bypass: bool
    """Whether the bypass was on in the second before: then nothing was measured."""
    window_ms: int
    """The time before it that the samples are from."""
    total: int
    """Rows that there are."""
    matched: int
    """Rows that the query matches."""
    rows: tuple[RttRow, ...]
    """This page's, in the order asked for."""
    histogram: PerSegment[tuple[RttBin, ...]] | None
    """The box's histogram, where it was asked for: bins with samples, in ascending order."""

    @property
    def _table(self) -> tuple[RttRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class RttRow(Record):
    """The RTTs of the box, of a node or of a circuit."""

    id: str
    """Stable identity; empty for the box."""
    name: str
    """Name; empty for the box."""
    node: str | None
    """A circuit's or a node's parent, by name."""
    rtt: PerSegment[RttPercentiles | None]
    """RTTs; none where there was no sample."""


@dataclass(frozen=True, slots=True)
class RttPercentiles(Record):
    """How RTTs are spread. The histograms behind it are log-linear: a percentile is at most 6 % off."""

    p50_us: int
    """The median."""
    p90_us: int
    """Nine of ten samples are not above it."""
    p99_us: int
    """Ninety-nine of a hundred are not above it."""
    samples: int
    """How many samples."""


@dataclass(frozen=True, slots=True)
class MeanRtt(Record):
    """The RTTs of several flows taken together."""

    mean_us: int
    """Mean of the flows' smoothed RTTs."""
    min_us: int
    """The least sample."""
    samples: int
    """How many samples."""


@dataclass(frozen=True, slots=True)
class RttBin(Record):
    """One bin of a histogram."""

    from_us: int
    """The least RTT in it."""
    to_us: int | None
    """The least RTT above it; none when the bin is open."""
    samples: int
    """How many samples."""
