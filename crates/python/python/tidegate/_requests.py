"""Requests beyond reading, as the codec takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .edits import Address


@dataclass(frozen=True)
class CaptureTarget:
    """Whose packets: of a circuit by its id, or from or to a host on either side."""

    circuit: str | None
    host: Address | None

    def __post_init__(self) -> None:
        if (self.circuit is None) == (self.host is None):
            raise TypeError("name either a circuit or a host")

    def __str__(self) -> str:
        return f"circuit {self.circuit}" if self.circuit is not None else f"host {self.host}"

    def _wire(self) -> Any:
        return {"circuit": self.circuit} if self.circuit is not None else {"host": str(self.host)}


def capture(target: CaptureTarget, seconds: int, packets: int, snap_length: int) -> Any:
    """Captures the headers of packets."""
    bounds = {"seconds": seconds, "packets": packets, "snap_length": snap_length}
    return {"Capture": {"target": target._wire(), **bounds}}


def subscribe(topic: Any) -> Any:
    """Asks for one view a tick."""
    return {"Subscribe": topic._wire()}
