# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What can be read and subscribed to, one class a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import views
from ._record import Direction, Segment
from ._topic import Topic
from .views import EventKind, Severity

CircuitSort = Literal[
    "id",
    "name",
    "node",
    "plan",
    "offered",
    "sent",
    "share",
    "drops",
    "backlog",
    "rtt-customer",
    "rtt-internet",
    "retransmits",
    "marks",
]
"""What orders circuits."""

FlowSort = Literal[
    "rate",
    "bytes",
    "packets",
    "rtt-customer",
    "rtt-internet",
    "retransmits",
    "first-seen",
    "last-seen",
]
"""What orders flows."""

HostKind = Literal[
    "all",
    "known",
    "unknown",
]
"""Whether a device covers a host."""

HostSort = Literal[
    "rate",
    "bytes",
    "flows",
    "rtt-customer",
    "rtt-internet",
    "retransmits",
    "last-seen",
    "address",
]
"""What orders hosts."""

OriginGroup = Literal[
    "asn",
    "country",
]
"""What flows are added up by."""

OriginSort = Literal[
    "rate",
    "bytes",
    "flows",
    "rtt",
    "retransmits",
    "origin",
]
"""What orders origins."""

RetransmitGroup = Literal[
    "circuits",
    "hosts",
    "flows",
]
"""Whose retransmissions."""

RetransmitSort = Literal[
    "share",
    "rate",
    "count",
    "reordered",
]
"""What orders retransmissions."""

RttGroup = Literal[
    "box",
    "nodes",
    "circuits",
]
"""Whose RTTs."""

RttSort = Literal[
    "p50",
    "p90",
    "p99",
    "samples",
    "name",
]
"""What orders RTTs."""

UnknownSort = Literal[
    "last-seen",
    "first-seen",
    "bytes",
    "address",
]
"""What orders unknown hosts."""


@dataclass(frozen=True, kw_only=True)
class Status(Topic[views.StatusView]):
    """The daemon and the box as a whole."""


@dataclass(frozen=True, kw_only=True)
class Tree(Topic[views.TreeView]):
    """The tree of nodes, or a part of it."""

    node: str | None = None
    """Only the node with this id or name, and what is below it. None: all."""
    levels: int | None = None
    """How many levels below the topmost nodes shown; none: all."""


@dataclass(frozen=True, kw_only=True)
class Circuits(Topic[views.CircuitsPage]):
    """A page of circuits."""

    filter: str = ""
    """Only circuits whose id, name or an address contains this text, whatever its letter case.
    Empty: all."""
    id: str | None = None
    """The circuit with this id, whatever else is asked for, as it is in force: one that is new or was changed
    is there at once, with figures of zero until the next tick."""
    node: str | None = None
    """Only circuits at or below the node with this id or name."""
    rtt_samples_min: int = 0
    """Only circuits with at least as many RTT samples on the customer's side as this; 0: all."""
    sort: CircuitSort = "id"
    """What orders them; circuits that are equal in it are ordered by id."""
    by: Direction | None = None
    """The direction whose figure is compared; none: both directions' sum (for shares, the larger)."""
    descending: bool = False
    """The largest first."""
    offset: int = 0
    """How many of the matching circuits to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `CircuitsQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class Queues(Topic[views.QueuesView]):
    """Every hardware transmit queue."""


@dataclass(frozen=True, kw_only=True)
class Unknown(Topic[views.UnknownPage]):
    """A page of hosts that no device covers."""

    filter: str = ""
    """Only hosts whose address contains this text. Empty: all."""
    sort: UnknownSort = "last-seen"
    """What orders them; hosts that are equal in it are ordered by address."""
    descending: bool = True
    """The largest first; for times, the latest."""
    offset: int = 0
    """How many of the matching hosts to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `UnknownQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class Flows(Topic[views.FlowsPage]):
    """A page of flows."""

    filter: str = ""
    """Only flows with this text in an address, the circuit's id or name or the origin's name,
    whatever its letter case. Empty: all."""
    circuit: str | None = None
    """Only flows of the circuit with this id."""
    host: str | None = None
    """Only flows with this address at either end."""
    protocol: int | None = None
    """Only flows of the protocol with this IANA number."""
    asn: int | None = None
    """Only flows whose Internet side belongs to the autonomous system with this number."""
    country: str | None = None
    """Only flows whose Internet side is in the country with this code, whatever its letter case."""
    recent: bool = False
    """Instead of the flows in the table, those of the last five minutes that left it."""
    sort: FlowSort = "rate"
    """What orders them."""
    by: Direction | None = None
    """The direction whose figure is compared; none: both directions' sum (for shares, the larger)."""
    descending: bool = True
    """The largest first; for times, the latest."""
    offset: int = 0
    """How many of the matching flows to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `FlowsQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class Hosts(Topic[views.HostsPage]):
    """A page of hosts on the customers' side."""

    filter: str = ""
    """Only hosts with this text in the address or the circuit's id or name, whatever its letter
    case.
    Empty: all."""
    circuit: str | None = None
    """Only hosts of the circuit with this id."""
    kind: HostKind = "all"
    """Only hosts of this kind."""
    sort: HostSort = "rate"
    """What orders them."""
    by: Direction | None = None
    """The direction whose figure is compared; none: both directions' sum (for shares, the larger)."""
    descending: bool = True
    """The largest first; for times, the latest."""
    offset: int = 0
    """How many of the matching hosts to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `HostsQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class Origins(Topic[views.OriginsPage]):
    """A page of the networks or countries that the Internet side's addresses belong to."""

    group: OriginGroup = "asn"
    """What is added up."""
    filter: str = ""
    """Only origins with this text in the number, name or country's code, whatever its letter case.
    Empty: all."""
    sort: OriginSort = "rate"
    """What orders them."""
    by: Direction | None = None
    """The direction whose figure is compared; none: both directions' sum (for shares, the larger)."""
    descending: bool = True
    """The largest first."""
    offset: int = 0
    """How many of the matching origins to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `OriginsQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class Rtt(Topic[views.RttPage]):
    """A page of RTTs: their percentiles."""

    group: RttGroup = "box"
    """Whose. Of the box there is one row, whatever is filtered."""
    filter: str = ""
    """Only rows whose id or name contains this text, whatever its letter case. Empty: all."""
    node: str | None = None
    """Only what is at or below the node with this id or name."""
    segment: Segment = "customer"
    """The segment that is compared."""
    samples_min: int = 0
    """Only rows with at least as many samples on that segment as this; 0: all."""
    sort: RttSort = "p90"
    """What orders them."""
    descending: bool = True
    """The largest first."""
    offset: int = 0
    """How many of the matching rows to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `RttQuery.MAX_LIMIT`."""
    histogram: bool = False
    """Also the box's histogram."""


@dataclass(frozen=True, kw_only=True)
class Retransmits(Topic[views.RetransmitsPage]):
    """A page of retransmissions."""

    group: RetransmitGroup = "circuits"
    """Whose."""
    filter: str = ""
    """Only rows with this text in the circuit's id or name or an address, whatever its letter case.
    Empty: all."""
    circuit: str | None = None
    """Only what belongs to the circuit with this id, events too."""
    sort: RetransmitSort = "share"
    """What orders them."""
    by: Direction | None = None
    """The direction whose figure is compared; none: both directions' sum (for shares, the larger)."""
    descending: bool = True
    """The largest first."""
    offset: int = 0
    """How many of the matching rows to skip."""
    limit: int = 100
    """The most rows to send; the daemon sends at most `RetransmitsQuery.MAX_LIMIT`."""
    events: int = 0
    """How many of the newest events to send; at most `RetransmitsQuery.MAX_EVENTS`."""


@dataclass(frozen=True, kw_only=True)
class Events(Topic[views.EventsPage]):
    """What happened to the daemon. A subscription is sent each event once."""

    after: int = 0
    """Only events with a higher number than this; 0: all that are kept."""
    kinds: tuple[EventKind, ...] = ()
    """Only events of these kinds; empty: of all."""
    severity_min: Severity = "info"
    """Only events that are at least so severe."""
    filter: str = ""
    """Only events with this text in them, whatever its letter case. Empty: all."""
    limit: int = 100
    """The most events to send, the newest; the daemon sends at most `EventsQuery.MAX_LIMIT`."""


@dataclass(frozen=True, kw_only=True)
class History(Topic[views.HistoryView]):
    """The box over the last minutes."""
