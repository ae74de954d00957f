"""Read and change a Tidegate traffic shaper.

>>> import tidegate
>>> with tidegate.Client() as client:
...     for row in client.circuits(sort="share", descending=True, limit=10):
...         print(row.id, row.share_percent.down)

- `Client`, `AsyncClient`: everything that the daemon's bus offers;
- `views`: what comes back; `topics`: what can be read and subscribed to;
- `Network`, `Node`, `Circuit`, `Device`, `validate`: a provider's network, built in Python;
- `CircuitEdit`, `RemoveCircuit`, `NetworkFile`, `CircuitsFile`: single changes;
- `Rate`, `Mbps` and its kin: rates with their units;
- `Error` and what it is a base of: what can go wrong.

Texts come as files and packets hold them; `inert` makes one safe to print."""

from . import topics, views
from ._errors import (
    ConnectError,
    Disconnected,
    Error,
    NotRunning,
    PermissionDenied,
    Problem,
    ProtocolError,
    Refused,
    Timeout,
    ValidationError,
)
from ._native import VERSION as __version__
from ._native import inert
from ._record import Page, PerDirection, PerSegment, Record
from ._refusals import (
    Busy,
    Denied,
    Internal,
    Invalid,
    Malformed,
    NotFound,
    Outdated,
    TooLarge,
    UnknownRequest,
    Version,
)
from ._submission import Submission
from .async_client import AsyncCapture, AsyncClient, AsyncSubscription
from .client import Client
from .edits import CircuitEdit, CircuitsFile, Edit, NetworkFile, RemoveCircuit
from .network import Circuit, Device, Network, Node, validate
from .rate import Gbps, Mbps, Rate, Tbps, bps, kbps
from .streams import Capture, Subscription

__all__ = [
    "AsyncCapture",
    "AsyncClient",
    "AsyncSubscription",
    "Busy",
    "Capture",
    "Circuit",
    "CircuitEdit",
    "CircuitsFile",
    "Client",
    "ConnectError",
    "Denied",
    "Device",
    "Disconnected",
    "Edit",
    "Error",
    "Gbps",
    "Internal",
    "Invalid",
    "Malformed",
    "Mbps",
    "Network",
    "NetworkFile",
    "Node",
    "NotFound",
    "NotRunning",
    "Outdated",
    "Page",
    "PerDirection",
    "PerSegment",
    "PermissionDenied",
    "Problem",
    "ProtocolError",
    "Rate",
    "Record",
    "Refused",
    "RemoveCircuit",
    "Submission",
    "Subscription",
    "Tbps",
    "Timeout",
    "TooLarge",
    "UnknownRequest",
    "ValidationError",
    "Version",
    "__version__",
    "bps",
    "inert",
    "kbps",
    "topics",
    "validate",
    "views",
]
