# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of plan."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record


@dataclass(frozen=True, slots=True)
class PlanView(Record):
    """The plan that is in force."""

    generation: int
    """The configuration that it comes from."""
    config: str
    """Path of the tidegate.toml that it follows from, on the daemon's machine."""
    json: str
    """The plan as JSON text, the form in which it is written offline too."""


@dataclass(frozen=True, slots=True)
class LineChange(Record):
    """A line of a file that would go, or come."""

    file: str
    """Path of the file."""
    line: int
    """Counted from 1: in the file as it is where the line would go, as it would be where it would come."""
    comes: bool
    """Whether it would come."""
    text: str
    """The line; a long one is cut."""


@dataclass(frozen=True, slots=True)
class PreviewView(Record):
    """What a reload, or edits, would change."""

    generation: int
    """The configuration in force, of which it would be the next."""
    config: str
    """Path of its tidegate.toml, on the daemon's machine."""
    changes: tuple[str, ...]
    """What would change, a sentence each."""
    more: int
    """Further changes that are not among these."""
    lines: tuple[LineChange, ...]
    """Lines of the files that would be written otherwise, the first of them; none for a reload."""
    more_lines: int
    """Further lines that are not among these."""
    requests: int
    """Requests that would be sent for qdiscs and classes."""
    circuits: int
    """Circuits that would be pointed elsewhere."""
    addresses: int
    """Address blocks that would lead elsewhere, or nowhere."""
    drained: int
    """Classes whose packets would be waited for before they are removed."""
    warnings: tuple[str, ...]
    """What deserves attention about the configuration."""
