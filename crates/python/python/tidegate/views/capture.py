# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of capture."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import Literal

from .._record import Direction, Record
from .status import Side

CaptureEnd = Literal[
    "seconds",
    "packets",
    "asked",
    "stopped",
]
"""Why a capture is over."""


@dataclass(frozen=True, slots=True)
class Capturing(Record):
    """A capture has begun."""

    interfaces: tuple[CaptureInterface, ...]
    """The NICs on which packets are captured as they arrive."""
    seconds: int
    """When it will end, in seconds from the start."""
    packets: int
    """After how many packets it will end."""
    snap_length: int
    """The most bytes of each frame."""


@dataclass(frozen=True, slots=True)
class CaptureInterface(Record):
    """A NIC on which packets are captured."""

    ifindex: int
    """Its index."""
    name: str
    """Its name."""
    side: Side
    """Where it leads."""


@dataclass(frozen=True, slots=True)
class CapturedPacket(Record):
    """The headers of one packet."""

    seen_ns: int
    """When it arrived, in nanoseconds since 1970-01-01 00:00 UTC."""
    interface: int
    """Where it arrived: position in `Capturing.interfaces`."""
    direction: Direction
    """Which way it travelled."""
    length: int
    """Bytes of the whole frame."""
    bytes: builtins.bytes
    """The first of them, Ethernet header included."""


@dataclass(frozen=True, slots=True)
class CaptureEnded(Record):
    """A capture is over. Packets sent before are all that there are."""

    captured: int
    """Packets captured."""
    lost: int
    """Packets that should have been, but found no room on their way here."""
    reason: CaptureEnd
    """Why it is over."""
