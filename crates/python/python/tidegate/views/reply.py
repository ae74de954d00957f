# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of reply."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .request import Role


@dataclass(frozen=True, slots=True)
class Refusal(Record):
    """Why a request was not carried out. Its bytes are the same in all protocol versions."""

    code: str
    """For programs."""
    text: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Welcome(Record):
    """The answer to `Hello`. Its bytes are the same in all protocol versions."""

    version: int
    """The protocol version of everything that follows."""
    daemon_version: str
    """The daemon's own version."""
    role: Role
    """What the client may do."""


@dataclass(frozen=True, slots=True)
class Reloaded(Record):
    """What a reload did."""

    generation: int
    """The number of the configuration that is now in force, counted from 1 at start."""
    circuits: int
    """Circuits in it."""
    nodes: int
    """Nodes in it."""
    circuit_changes: ChangeCounts
    """Circuits that are otherwise than before."""
    node_changes: ChangeCounts
    """Nodes that are."""
    took_ms: int
    """How long reading, planning and applying took."""
    warnings: tuple[str, ...]
    """What is odd in the files without being wrong."""


@dataclass(frozen=True, slots=True)
class ChangeCounts(Record):
    """How many are otherwise than before."""

    added: int
    """Those that were not there before."""
    removed: int
    """Those that are no longer there."""
    changed: int
    """Those of which something else has changed."""
