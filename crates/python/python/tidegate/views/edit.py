# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of edit."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .reply import Reloaded


@dataclass(frozen=True, slots=True)
class Edited(Record):
    """What a change has brought."""

    reloaded: Reloaded
    """What is in force now."""
    revision: str
    """The base of the next change."""


@dataclass(frozen=True, slots=True)
class SourcesView(Record):
    """The texts of the configuration's files that are in force."""

    revision: str
    """What tells them from all others: the base of changes."""
    files_changed: bool
    """Whether the files are others by now."""
    network: str
    """network.json."""
    circuits: str
    """ShapedDevices.csv."""
