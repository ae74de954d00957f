"""Bit rates."""

from __future__ import annotations

from functools import total_ordering
from typing import TypeAlias, Union

from ._native import format_rate, parse_rate


@total_ordering
class Rate:
    """A rate: of a text like `"2.5 Gbps"`, or of a whole number of bits per second.

    A number times a unit is one too: `50 * Mbps`, `2.5 * Gbps`. A text without a unit is a
    `ValueError`, as it could mean anything."""

    __slots__ = ("_bps",)

    def __init__(self, rate: RateLike | int) -> None:
        self._bps = parse_rate(rate) if isinstance(rate, str) else int(rate)
        if not 0 <= self._bps < 2**64:
            raise ValueError(f"{rate} is not a number of bits per second")

    def __int__(self) -> int:
        """Bits per second."""
        return self._bps

    def __mul__(self, factor: float) -> Rate:
        """The rate so many times, to the nearest bit."""
        return Rate(round(factor * self._bps))

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return self._bps == other._bps if isinstance(other, Rate) else NotImplemented

    def __lt__(self, other: Rate) -> bool:
        return self._bps < other._bps if isinstance(other, Rate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bps)

    def __str__(self) -> str:
        return format_rate(self._bps)

    def __repr__(self) -> str:
        text = str(self)
        return f"Rate({text!r})" if Rate(text) == self else f"Rate({self._bps})"


bps = Rate(1)
kbps = Rate(1_000)
Mbps = Rate(1_000_000)
Gbps = Rate(1_000_000_000)
Tbps = Rate(1_000_000_000_000)

RateLike: TypeAlias = Union[Rate, str]
"""What is taken for a rate: one, or a text with a number and its unit."""
