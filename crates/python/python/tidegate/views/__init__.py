# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""Everything that the daemon sends."""

from .capture import (
    CaptureEnd,
    CaptureEnded,
    CaptureInterface,
    CapturedPacket,
    Capturing,
)
from .circuits import (
    CircuitRow,
    CircuitsPage,
)
from .edit import (
    Edited,
    SourcesView,
)
from .events import (
    Actor,
    Cause,
    EventKind,
    EventRow,
    EventsPage,
    Severity,
)
from .flows import (
    FlowKey,
    FlowRow,
    FlowRtt,
    FlowState,
    FlowsPage,
    Origin,
    StreamView,
)
from .history import (
    HistoryPoint,
    HistoryView,
)
from .hosts import (
    HostRow,
    HostsPage,
)
from .leaf import (
    LeafView,
    TinView,
)
from .origins import (
    OriginRow,
    OriginsPage,
)
from .plan import (
    LineChange,
    PlanView,
    PreviewView,
)
from .queues import (
    QueueRow,
    QueuesView,
)
from .reply import (
    ChangeCounts,
    Refusal,
    Reloaded,
    Welcome,
)
from .request import (
    Role,
)
from .retransmits import (
    RetransmitEvent,
    RetransmitRow,
    RetransmitView,
    RetransmitsPage,
)
from .rtt import (
    MeanRtt,
    RttBin,
    RttPage,
    RttPercentiles,
    RttRow,
)
from .status import (
    ConfigView,
    CountView,
    CpuView,
    FlowCounts,
    MapView,
    NicView,
    ProtocolsView,
    Side,
    StatusView,
    TcAttachment,
    ThreadState,
    ThreadView,
    TotalView,
    TotalsView,
    TrafficView,
    XdpMode,
)
from .tree import (
    NodeRow,
    TreeView,
)
from .unknown import (
    UnknownPage,
    UnknownRow,
)

__all__ = [
    "Actor",
    "CaptureEnd",
    "CaptureEnded",
    "CaptureInterface",
    "CapturedPacket",
    "Capturing",
    "Cause",
    "ChangeCounts",
    "CircuitRow",
    "CircuitsPage",
    "ConfigView",
    "CountView",
    "CpuView",
    "Edited",
    "EventKind",
    "EventRow",
    "EventsPage",
    "FlowCounts",
    "FlowKey",
    "FlowRow",
    "FlowRtt",
    "FlowState",
    "FlowsPage",
    "HistoryPoint",
    "HistoryView",
    "HostRow",
    "HostsPage",
    "LeafView",
    "LineChange",
    "MapView",
    "MeanRtt",
    "NicView",
    "NodeRow",
    "Origin",
    "OriginRow",
    "OriginsPage",
    "PlanView",
    "PreviewView",
    "ProtocolsView",
    "QueueRow",
    "QueuesView",
    "Refusal",
    "Reloaded",
    "RetransmitEvent",
    "RetransmitRow",
    "RetransmitView",
    "RetransmitsPage",
    "Role",
    "RttBin",
    "RttPage",
    "RttPercentiles",
    "RttRow",
    "Severity",
    "Side",
    "SourcesView",
    "StatusView",
    "StreamView",
    "TcAttachment",
    "ThreadState",
    "ThreadView",
    "TinView",
    "TotalView",
    "TotalsView",
    "TrafficView",
    "TreeView",
    "UnknownPage",
    "UnknownRow",
    "Welcome",
    "XdpMode",
]
