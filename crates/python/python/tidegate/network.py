"""A provider's network, built in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from ._native import read_files, settings_text
from .edits import Address, as_rate
from .rate import Rate, RateLike

if TYPE_CHECKING:
    from ._errors import Problem
    from .client import Client

Settings: TypeAlias = Union[str, os.PathLike[str], Mapping[str, Mapping[str, object]]]
"""Path of a tidegate.toml, or what would be in one: a dict of its sections."""


def _rate(rate: RateLike) -> RateLike:
    """A text stays as it is written: what is wrong with it is told along with all else."""
    return rate.strip() if isinstance(rate, str) else as_rate(rate)


@dataclass
class Device:
    """Equipment of a circuit. Blanks around texts are not kept, as files do not keep them."""

    id: str = ""
    """Unique where it is not empty."""
    name: str = ""
    """Free text."""
    mac: str = ""
    """Informative."""
    addresses: Iterable[Address] = ()
    """Its addresses and blocks. No two circuits' overlap."""

    def __post_init__(self) -> None:
        self.id, self.name, self.mac = (text.strip() for text in (self.id, self.name, self.mac))
        if isinstance(self.addresses, str):
            raise TypeError("addresses are several: write [address]")
        self.addresses = tuple(str(address).strip() for address in self.addresses)


@dataclass
class Circuit:
    """One subscriber's plan.

    A rate is a text with its unit, `"50 Mbps"`, or a number times one, `50 * Mbps`."""

    id: str
    """Stable identity."""
    download: RateLike
    """Never exceeded on the way to the customer."""
    upload: RateLike
    """Never exceeded on the way to the Internet."""
    name: str = ""
    """Free text."""
    parent: str | None = None
    """Name of the node that it hangs from; none: it is spread over the queues."""
    min_download: RateLike = "1 Mbps"
    """Guaranteed when its parents are busy."""
    min_upload: RateLike = "1 Mbps"
    """The same on the way to the Internet."""
    sqm: str = ""
    """The leaf: `cake`, `fq_codel`, `none`, or `down/up`; empty: the configured one."""
    comment: str = ""
    """Free text."""
    devices: list[Device] = field(default_factory=list)
    """Its equipment."""

    def __post_init__(self) -> None:
        self.id, self.name, self.sqm, self.comment = (
            text.strip() for text in (self.id, self.name, self.sqm, self.comment)
        )
        self.parent = (self.parent or "").strip() or None
        self.download, self.upload = _rate(self.download), _rate(self.upload)
        self.min_download, self.min_upload = _rate(self.min_download), _rate(self.min_upload)
        self.devices = list(self.devices)


@dataclass
class Node:
    """A site, a tower, an access point.

    It hangs from the node whose `children` have it, or from the one that `parent` names."""

    name: str
    """Unique in the tree."""
    download: RateLike | None = None
    """Its limit; none: its parent's."""
    upload: RateLike | None = None
    """The same on the way to the Internet."""
    parent: str | None = None
    """Name of the node that it hangs from; none at the top, and for children."""
    id: str | None = None
    """Stable identity; none: its name."""
    kind: str | None = None
    """Free text: site, ap ..."""
    is_virtual: bool = False
    """Shown, but without a class of its own."""
    latitude: float | None = None
    """Where it is, in degrees; both or neither."""
    longitude: float | None = None
    children: list[Node] = field(default_factory=list)
    """Nodes that hang from it."""
    circuits: list[Circuit] = field(default_factory=list)
    """Circuits that hang from it."""

    def __post_init__(self) -> None:
        self.name = self.name.strip()
        self.parent = (self.parent or "").strip() or None
        self.id = (self.id or "").strip() or None
        self.download = None if self.download is None else _rate(self.download)
        self.upload = None if self.upload is None else _rate(self.upload)
        self.children, self.circuits = list(self.children), list(self.circuits)


@dataclass
class Network:
    """Nodes and circuits, nested or with the names of their parents, in any order."""

    nodes: list[Node] = field(default_factory=list)
    """Those at the top, and those that name their parent."""
    circuits: list[Circuit] = field(default_factory=list)
    """Those that no node has."""

    def __post_init__(self) -> None:
        self.nodes, self.circuits = list(self.nodes), list(self.circuits)

    def walk(self) -> Iterator[tuple[Node, str | None]]:
        """All nodes, each with the name of its parent; parents before their children."""
        waiting = [(node, node.parent) for node in reversed(self.nodes)]
        seen: set[int] = set()
        while waiting:
            node, parent = waiting.pop()
            if id(node) in seen:
                raise ValueError(f"node {node.name!r} hangs from two nodes, or from itself")
            seen.add(id(node))
            yield node, parent
            waiting.extend((child, node.name) for child in reversed(node.children))

    def all_circuits(self) -> Iterator[tuple[Circuit, str | None]]:
        """All circuits, each with the name of its parent."""
        for circuit in self.circuits:
            yield circuit, circuit.parent
        for node, _ in self.walk():
            for circuit in node.circuits:
                yield circuit, node.name

    def to_files(self) -> tuple[str, str]:
        """The texts of network.json and ShapedDevices.csv.

        `ValidationError` tells what cannot even be written, like a rate without a unit."""
        from ._files import Written

        written = Written(self)
        written.refuse_unwritten()
        return written.network, written.circuits

    @classmethod
    def from_files(
        cls,
        network: str | os.PathLike[str],
        circuits: str | os.PathLike[str],
        settings: Settings | None = None,
    ) -> Network:
        """Reads the two files as the daemon does. Comments and what it does not use are not kept.

        `ValidationError` tells all that is wrong with them."""
        return cls.from_texts(Path(network).read_bytes(), Path(circuits).read_bytes(), settings)

    @classmethod
    def from_texts(
        cls, network: str | bytes, circuits: str | bytes, settings: Settings | None = None
    ) -> Network:
        """The same, of texts in memory."""
        from ._errors import Problem, ValidationError

        told, said = read_files(as_source(settings), _bytes(network), _bytes(circuits))
        if said is None:
            raise ValidationError(
                Problem(f"{one[0]}:{one[1]}" if one[1] else one[0], *one) for one in told
            )
        return cls._made_of(said)

    @classmethod
    def _made_of(cls, said: Mapping[str, Iterable[dict[str, object]]]) -> Network:
        """Nodes are nested, and circuits are named by their parents."""
        nodes: dict[str, Node] = {}
        network = cls()
        for fields in said["nodes"]:
            parent = fields.pop("parent")
            node = Node(**_with_rates(fields))  # type: ignore[arg-type]
            nodes[node.name] = node
            (nodes[str(parent)].children if parent is not None else network.nodes).append(node)
        for fields in said["circuits"]:
            devices: Iterable[dict[str, object]] = fields.pop("devices")  # type: ignore[assignment]
            made = [Device(**device) for device in devices]  # type: ignore[arg-type]
            network.circuits.append(Circuit(**_with_rates(fields), devices=made))  # type: ignore[arg-type]
        return network

    @classmethod
    def from_client(cls, client: Client) -> Network:
        """The network that is in force. `client.sources()` tells its revision, the base of changes."""
        sources = client.sources()
        return cls.from_texts(sources.network, sources.circuits)


_RATES = ("download", "upload", "min_download", "min_upload")


def _with_rates(fields: dict[str, object]) -> dict[str, object]:
    made = {name: Rate(value) for name in _RATES if isinstance(value := fields.get(name), int)}
    return fields | made


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def as_source(settings: Settings | None) -> tuple[str, bytes] | None:
    """The name and the text of tidegate.toml."""
    if settings is None:
        return None
    if isinstance(settings, Mapping):
        return "settings", settings_text(settings).encode()
    return os.fspath(settings), Path(settings).read_bytes()


def validate(network: Network, settings: Settings | None = None) -> list[Problem]:
    """Checks a network by the daemon's own rules, and tells what is doubtful about it.

    `ValidationError` has all that is wrong with it, and the same warnings. Without `settings`, what
    only the box can tell is left out: its limits and the customers' ranges."""
    from ._errors import ValidationError
    from ._files import Written

    problems = Written(network).problems(as_source(settings))
    if any(problem.is_error for problem in problems):
        raise ValidationError(problems)
    return problems
