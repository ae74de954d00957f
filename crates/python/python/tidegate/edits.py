"""Changes of the daemon's files, to be made together or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, TypeAlias, Union

from .rate import Rate, RateLike

Address: TypeAlias = Union[str, IPv4Address, IPv6Address, IPv4Network, IPv6Network]
"""An address or a block of them."""


@dataclass(frozen=True, kw_only=True)
class _CircuitFields:
    name: str | None = None
    """Free text."""
    parent: str | None = None
    """Name of the node that it hangs from; empty: none."""
    download: RateLike | None = None
    """Never exceeded on the way to the customer."""
    upload: RateLike | None = None
    """Never exceeded on the way to the Internet."""
    min_download: RateLike | None = None
    """Guaranteed when its parents are busy."""
    min_upload: RateLike | None = None
    """The same on the way to the Internet."""
    sqm: str | None = None
    """The leaf: `cake`, `fq_codel`, `none`, or `down/up`; empty: the configured one."""
    device: str | None = None
    """Id of the device that the rest is about; needed only where the circuit has several."""
    new_device: bool = False
    """That device is to be a further one of the circuit."""
    device_name: str | None = None
    """Free text."""
    mac: str | None = None
    """Informative."""
    addresses: Iterable[Address] | None = None
    """All addresses of the device."""
    comment: str | None = None
    """Free text."""


@dataclass(frozen=True)
class CircuitEdit(_CircuitFields):
    """One circuit is to be otherwise, or to be there: a new one takes all four rates.

    What is none stays as it is."""

    id: str
    """Which circuit."""

    def _wire(self) -> Any:
        circuit = {
            "id": self.id,
            "name": self.name,
            "parent": self.parent,
            "min_bps": {"down": _bps(self.min_download), "up": _bps(self.min_upload)},
            "max_bps": {"down": _bps(self.download), "up": _bps(self.upload)},
            "sqm": self.sqm,
            "device": self.device,
            "new_device": self.new_device,
            "device_name": self.device_name,
            "mac": self.mac,
            "addresses": None if self.addresses is None else [str(one) for one in self.addresses],
            "comment": self.comment,
        }
        return {"Circuit": circuit}


@dataclass(frozen=True)
class RemoveCircuit:
    """The circuit with this id is to be no longer there."""

    id: str

    def _wire(self) -> Any:
        return {"RemoveCircuit": self.id}


@dataclass(frozen=True)
class NetworkFile:
    """network.json is to hold this text."""

    text: str

    def _wire(self) -> Any:
        return {"Network": self.text}


@dataclass(frozen=True)
class CircuitsFile:
    """ShapedDevices.csv is to hold this text."""

    text: str

    def _wire(self) -> Any:
        return {"Circuits": self.text}


Edit: TypeAlias = Union[CircuitEdit, RemoveCircuit, NetworkFile, CircuitsFile]
"""One change."""


def wire(edits: Iterable[Edit], base: str | None, shrink: bool) -> Any:
    """The changes as the codec takes them."""
    return {"base": base, "shrink": shrink, "edits": [edit._wire() for edit in edits]}


def _bps(rate: RateLike | None) -> int | None:
    return None if rate is None else int(as_rate(rate))


def as_rate(rate: RateLike) -> Rate:
    """The rate that is meant; a plain number could mean anything."""
    if isinstance(rate, Rate):
        return rate
    if isinstance(rate, str):
        return Rate(rate)
    raise TypeError(f'{rate!r} has no unit; write {rate!r} * tidegate.Mbps, or "{rate} Mbps"')
