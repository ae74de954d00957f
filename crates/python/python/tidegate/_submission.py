"""What makes the daemon's network another one: as little as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from . import views
from ._errors import ValidationError
from ._files import Written
from ._native import MAX_EDITS
from .edits import CircuitEdit, CircuitsFile, Edit, NetworkFile, RemoveCircuit
from .network import Circuit, Device, Network, Node
from .rate import Rate

REMOVED_SHARE: Final = 10
"""Circuits are changed one by one while at most this part of all is removed: the daemon takes who names
a circuit at its word, and looks only at whole files for what may be a mistake."""


@dataclass(frozen=True)
class Submission:
    """What a submitted network changes, or has changed."""

    added: tuple[str, ...]
    """Ids of circuits that were not there before."""
    removed: tuple[str, ...]
    """Ids of circuits that are no longer there."""
    changed: tuple[str, ...]
    """Ids of circuits of which something has changed."""
    nodes_changed: bool
    """Whether the tree of nodes is another."""
    revision: str
    """The base of the next change; of a dry run, the base of this one."""
    edited: views.Edited | None
    """What the daemon says was done; none of a dry run, or when there is no difference."""
    preview: views.PreviewView | None
    """What the daemon says would be done; none when it was done."""

    def __bool__(self) -> bool:
        """Whether there is a difference at all."""
        return bool(self.added or self.removed or self.changed or self.nodes_changed)


class Submitting:
    """A network against the files that are in force, and the edits between the two."""

    def __init__(self, network: Network, sources: views.SourcesView, base: str | None) -> None:
        written = Written(network)
        problems = written.problems(None)
        if any(problem.is_error for problem in problems):
            raise ValidationError(problems)
        # edits are made of the files as they were read here; who has another base is told so
        self.base = base or sources.revision
        # read back, so that both sides are written alike
        wanted = Network.from_texts(written.network, written.circuits)
        current = Network.from_texts(sources.network, sources.circuits)
        before, after = _by_id(current), _by_id(wanted)
        self._added = tuple(after.keys() - before.keys())
        self._removed = tuple(before.keys() - after.keys())
        both = after.keys() & before.keys()
        self._changed = tuple(id for id in both if after[id] != before[id])
        self._nodes_changed = _nodes(current) != _nodes(wanted)
        self.edits: list[Edit] = []
        if self._nodes_changed:
            self.edits.append(NetworkFile(written.network))
        singly = self._one_by_one(before, after)
        is_few = len(self._removed) * REMOVED_SHARE <= len(before)
        if singly is not None and is_few and len(singly) < MAX_EDITS:
            self.edits.extend(singly)
        else:
            self.edits.append(CircuitsFile(written.circuits))

    def _one_by_one(
        self, before: dict[str, Circuit], after: dict[str, Circuit]
    ) -> list[Edit] | None:
        """An edit or more for each circuit; none where one cannot be told by edits."""
        edits: list[Edit] = [RemoveCircuit(id) for id in self._removed]
        for id in self._changed:
            changes: list[Edit] = list(_changes(before[id], after[id]))
            if not changes:
                if not _can_be_told(after[id]):
                    return None
                changes = [RemoveCircuit(id), *_whole(after[id])]
            edits.extend(changes)
        for id in self._added:
            if not _can_be_told(after[id]):
                return None
            edits.extend(_whole(after[id]))
        return edits

    def previewed(self, preview: views.PreviewView) -> Submission:
        """What would be done."""
        return self._told(self.base, None, preview)

    def done(self, edited: views.Edited) -> Submission:
        """What was done."""
        return self._told(edited.revision, edited, None)

    def _told(
        self,
        revision: str,
        edited: views.Edited | None,
        preview: views.PreviewView | None,
    ) -> Submission:
        added, removed, changed = (
            tuple(sorted(own)) for own in (self._added, self._removed, self._changed)
        )
        return Submission(added, removed, changed, self._nodes_changed, revision, edited, preview)


def _by_id(network: Network) -> dict[str, Circuit]:
    return {circuit.id: circuit for circuit in network.circuits}


def _nodes(network: Network) -> dict[str, object]:
    """What a tree says, whatever the order."""

    def alone(node: Node) -> object:
        return asdict(replace(node, children=[], circuits=[]))

    return {node.name: (parent, alone(node)) for node, parent in network.walk()}


def _can_be_told(circuit: Circuit) -> bool:
    """Whether devices can be named one by one."""
    return len(circuit.devices) == 1 or all(device.id for device in circuit.devices)


def _whole(circuit: Circuit) -> Iterator[CircuitEdit]:
    """A new circuit."""
    for at, device in enumerate(circuit.devices):
        edit = CircuitEdit(circuit.id, **_of_device(device))
        yield replace(edit, new_device=True) if at else replace(edit, **_of_circuit(circuit))


def _changes(before: Circuit, after: Circuit) -> Iterator[CircuitEdit]:
    """What has changed of a circuit whose devices are the same; nothing where that is not enough."""
    devices = {device.id: device for device in before.devices}
    ids = [device.id for device in after.devices]
    if list(devices) != ids or len(ids) != len(before.devices):
        return
    old, new = _of_circuit(before), _of_circuit(after)
    if len(ids) > 1 and old["comment"] != new["comment"]:
        return
    changed = [device for device in after.devices if device != devices[device.id]]
    if changed and not _can_be_told(after):
        return
    fields = {name: value for name, value in new.items() if value != old[name]}
    if fields:
        yield CircuitEdit(after.id, **fields)
    for device in changed:
        yield CircuitEdit(after.id, **_of_device(device))


def _of_circuit(circuit: Circuit) -> dict[str, Any]:
    rates = ("download", "upload", "min_download", "min_upload")
    texts = ("name", "sqm", "comment")
    return {
        **{name: getattr(circuit, name) for name in texts},
        **{name: Rate(getattr(circuit, name)) for name in rates},
        "parent": circuit.parent or "",
    }


def _of_device(device: Device) -> dict[str, Any]:
    return {
        "device": device.id or None,
        "device_name": device.name,
        "mac": device.mac,
        "addresses": device.addresses,
    }
