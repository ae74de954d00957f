# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._record import PerDirection, PerSegment, Record
from .retransmits import RetransmitView
from .rtt import RttPercentiles

Side = Literal[
    "customers",
    "internet",
    "both",
]
"""Where a NIC leads."""


XdpMode = Literal[
    "native",
    "generic",
]
"""Where in the receive path an XDP program runs."""


TcAttachment = Literal[
    "tcx",
    "clsact",
]
"""By which of the kernel's two ways a tc program is attached."""


ThreadState = Literal[
    "running",
    "stale",
    "backing-off",
    "ended",
]
"""How a thread is."""


@dataclass(frozen=True, slots=True)
class StatusView(Record):
    """The daemon and the box as a whole."""

    tick: int
    """The tick shown."""
    daemon_version: str
    """The daemon's own version."""
    process: int
    """The daemon's process, in its own PID namespace."""
    protocol_version: int
    """The protocol version that it speaks."""
    kernel_release: str
    """The running kernel's release."""
    uptime_ms: int
    """Since the daemon started."""
    mode: str
    """How packets cross the box: bridge, xdp-bridge, stick, observe."""
    bypass: bool
    """Everything passes unshaped."""
    config: ConfigView
    """The configuration in force."""
    circuits: int
    """Circuits in it."""
    asleep: int | None
    """Those of them that have no class for want of traffic; none where all always have theirs."""
    nodes: int
    """Nodes in it."""
    unknown_hosts: int
    """Hosts that no device covers."""
    nics: tuple[NicView, ...]
    """The NICs that carry the traffic."""
    traffic: TrafficView
    """What crosses the box."""
    flows: FlowCounts
    """How many flows and hosts are known."""
    window_ms: int
    """The time before the tick that RTTs are from."""
    rtt: PerSegment[RttPercentiles | None]
    """RTTs of all circuits together; none where there was no sample."""
    retransmits: PerDirection[RetransmitView]
    """TCP segments that were sent again, of all circuits together."""
    captures: int
    """Captures under way."""
    verdicts: tuple[CountView, ...]
    """How many packets took each way out of `xdp_ingress`."""
    packet_events: tuple[CountView, ...]
    """How many times each thing worth noting happened to a packet in the kernel."""
    egress: tuple[CountView, ...]
    """How many packets took each way out of `tc_egress`."""
    cpus: tuple[CpuView, ...]
    """The CPUs, those that forward packets among them."""
    maps: tuple[MapView, ...]
    """How full the kernel maps are."""
    threads: tuple[ThreadView, ...]
    """The daemon's threads."""
    clients: int
    """Clients connected."""
    clients_max: int
    """Clients that may be connected at once."""
    dropped: tuple[CountView, ...]
    """What each bounded queue on the way into the daemon or inside it had to drop: rings, buffers."""
    warnings: tuple[str, ...]
    """What the operator ought to know."""


@dataclass(frozen=True, slots=True)
class ConfigView(Record):
    """The configuration in force."""

    generation: int
    """Its number, counted from 1 at start."""
    loaded_ms_ago: int
    """Since it was loaded."""
    problem: str | None
    """Why the last attempt to load another one failed, or how the kernel is not as it should be; none when
    all is well."""
    problem_ms_ago: int
    """For how long that has been so; 0 when all is well."""
    files_changed: bool
    """Whether the files are others by now than those that are in force."""


@dataclass(frozen=True, slots=True)
class NicView(Record):
    """A NIC that carries the traffic."""

    name: str
    """Its name."""
    ifindex: int
    """Its index."""
    side: Side
    """Where it leads."""
    xdp: XdpMode | None
    """How `xdp_ingress` is attached; none when it is not."""
    tc: TcAttachment | None
    """How `tc_egress` is attached; none when it is not."""
    queues: int
    """Transmit queues in use."""


@dataclass(frozen=True, slots=True)
class TrafficView(Record):
    """What crosses the box."""

    rate_bps: PerDirection[int]
    """Rate of all packets."""
    packets_per_sec: PerDirection[int]
    """Packets a second."""
    protocols: PerDirection[ProtocolsView]
    """Rates by protocol."""
    totals: PerDirection[TotalsView]
    """What has arrived since the kernel began to count, by protocol."""


@dataclass(frozen=True, slots=True)
class FlowCounts(Record):
    """How many flows and hosts are known."""

    open: int
    """Flows in the table."""
    capacity: int
    """Flows that fit into the table."""
    recent: int
    """Flows of the last five minutes that left the table."""
    hosts: int
    """Hosts on the customers' side, known and unknown."""


@dataclass(frozen=True, slots=True)
class ProtocolsView(Record):
    """Rates by protocol."""

    tcp_bps: int
    """TCP."""
    udp_bps: int
    """UDP."""
    icmp_bps: int
    """ICMP and ICMPv6."""
    other_bps: int
    """Everything else."""


@dataclass(frozen=True, slots=True)
class TotalsView(Record):
    """What has arrived, by protocol."""

    tcp: TotalView
    """TCP."""
    udp: TotalView
    """UDP."""
    icmp: TotalView
    """ICMP and ICMPv6."""
    other: TotalView
    """Everything else."""


@dataclass(frozen=True, slots=True)
class TotalView(Record):
    """How much has arrived."""

    bytes: int
    """Bytes of the packets."""
    packets: int
    """Packets."""


@dataclass(frozen=True, slots=True)
class CountView(Record):
    """A counter with its name."""

    name: str
    """What is counted."""
    count: int
    """How many since the daemon started to count."""
    per_sec: int
    """How many a second now."""


@dataclass(frozen=True, slots=True)
class CpuView(Record):
    """One CPU now."""

    cpu: int
    """Its number."""
    busy_percent: float
    """Share of its time in which it was not idle."""
    softirq_percent: float
    """Share of its time that went into softirqs, where packets are forwarded."""


@dataclass(frozen=True, slots=True)
class MapView(Record):
    """How full a kernel map is."""

    name: str
    """The map."""
    used: int
    """Entries in use."""
    capacity: int
    """Entries that fit."""


@dataclass(frozen=True, slots=True)
class ThreadView(Record):
    """One thread of the daemon."""

    name: str
    """Its name."""
    state: ThreadState
    """How it is."""
    essential: bool
    """The daemon stops when it dies."""
    heartbeat_age_ms: int
    """Since it last showed that it is alive."""
    restarts: int
    """Times that it was started again."""
    last_exit: str | None
    """Why it ended last; none when it never did."""
