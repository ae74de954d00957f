# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._record import Page, Record

EventKind = Literal[
    "daemon",
    "configuration",
    "bypass",
    "capture",
    "refusal",
    "kernel",
    "nic",
    "thread",
    "table",
]
"""What an event is about. New kinds are appended."""


Severity = Literal[
    "info",
    "warning",
    "error",
]
"""How bad an event is."""


@dataclass(frozen=True, slots=True)
class EventsPage(Page["EventRow"]):
    """Events, the oldest first."""

    tick: int
    """The tick shown."""
    oldest: int
    """Number of the oldest event that is kept; 0 when there is none."""
    newest: int
    """Number of the newest event; 0 when there is none."""
    matched: int
    """Events that the query matches."""
    rows: tuple[EventRow, ...]
    """The newest of them."""

    @property
    def _table(self) -> tuple[EventRow, ...]:
        return self.rows


@dataclass(frozen=True, slots=True)
class EventRow(Record):
    """Something that happened."""

    number: int
    """Its number, counted from 1; a daemon that follows on another's orderly end goes on counting."""
    unix_ms: int
    """When, in milliseconds since 1970-01-01 00:00 UTC."""
    kind: EventKind
    """What it is about."""
    severity: Severity
    """How bad it is."""
    text: str
    """What happened, for people."""
    cause: Cause
    """Who or what brought it about."""
    generation: int
    """The configuration that was in force after it."""


@dataclass(frozen=True, slots=True)
class Actor(Record):
    """A client, as the kernel attests it."""

    uid: int
    """Its user."""
    user: str | None
    """That user's name; none when the system has none."""
    pid: int | None
    """Its process, in the daemon's PID namespace; none when it is in another."""
    client: str
    """The name and version that it gave itself."""


Cause = Actor | Literal[
    "daemon",
    "signal",
    "files",
]
"""Who or what brought an event about. New causes are appended."""
