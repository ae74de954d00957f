"""A network as the two files have it, with who is behind each line."""

from __future__ import annotations

import json
import re
from typing import Any

from ._errors import Problem, ValidationError
from ._native import read_files
from .edits import as_rate
from .network import Circuit, Device, Network, Node
from .rate import RateLike

NETWORK = "network.json"
CIRCUITS = "ShapedDevices.csv"
COLUMNS = (
    "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,"
    "Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment,sqm"
)


class Written:
    """The texts of a network, and what of it could not be written as it was meant."""

    def __init__(self, network: Network) -> None:
        self._owners: dict[str, list[str]] = {NETWORK: [], CIRCUITS: [CIRCUITS]}
        self._unwritten: list[Problem] = []
        # where that is: what the readers say there would tell the same again
        self._told: set[tuple[str, int | None, str | None]] = set()
        self.network = self._write_nodes(network)
        self.circuits = self._write_circuits(network)

    def refuse_unwritten(self) -> None:
        """Raises what could not be written."""
        if self._unwritten:
            raise ValidationError(self._unwritten)

    def problems(self, settings: tuple[str, bytes] | None) -> list[Problem]:
        """All that is wrong or doubtful, by the daemon's own rules."""
        told, _ = read_files(settings, self.network.encode(), self.circuits.encode())
        problems = list(self._unwritten)
        for file, line, key, why, is_error, help in told:
            if (file, line, key) not in self._told:
                why = self._named(file, why)
                problems.append(
                    Problem(self._owner(file, line), file, line, key, why, is_error, help)
                )
        return problems

    def _owner(self, file: str, line: int | None) -> str:
        owners = self._owners.get(file)
        if owners and line is not None and line <= len(owners):
            return owners[line - 1]
        return file if line is None else f"{file}:{line}"

    def _named(self, file: str, why: str) -> str:
        """A text that tells of another line also tells whose that is."""
        if file not in self._owners:
            return why
        return re.sub(
            r"\bline (\d{1,9})\b", lambda at: f"{at[0]} ({self._owner(file, int(at[1]))})", why
        )

    def _fail(self, file: str, line: int | None, where: str, key: str | None, why: str) -> None:
        self._told.add((file, line, key))
        self._unwritten.append(Problem(where, file, line, key, why, True, None))

    def _write_nodes(self, network: Network) -> str:
        children: dict[str | None, list[Node]] = {}
        names = {node.name for node, _ in network.walk()}
        for node, parent in network.walk():
            if parent is not None and parent not in names:
                where = f"node {node.name!r}"
                self._fail(NETWORK, None, where, None, f"no node is called {parent!r}")
                parent = None
            children.setdefault(parent, []).append(node)
        text = self._write_siblings(children, None, "", NETWORK) + "\n"
        for left in [node for siblings in children.values() for node in siblings]:
            self._fail(NETWORK, None, f"node {left.name!r}", None, "hangs from itself")
        return text

    def _write_siblings(
        self, children: dict[str | None, list[Node]], parent: str | None, pad: str, owner: str
    ) -> str:
        lines = self._owners[NETWORK]
        siblings = children.pop(parent, [])
        if not siblings:
            lines.append(owner)
            return "{}"
        text = "{\n"
        lines.append(owner)
        for at, node in enumerate(siblings):
            where = f"node {node.name!r}"
            text += f"{pad}  {json.dumps(node.name)}: {{\n"
            lines.append(where)
            for key, value in self._node_values(node, len(lines), where):
                text += f"{pad}    {json.dumps(key)}: {value},\n"
                lines.append(where)
            text += f'{pad}    "children": '
            text += self._write_siblings(children, node.name, f"{pad}    ", where)
            text += f"\n{pad}  }}" + (",\n" if at + 1 < len(siblings) else "\n")
            lines.append(where)
        lines.append(owner)
        return text + f"{pad}}}"

    def _node_values(self, node: Node, line: int, where: str) -> list[tuple[str, str]]:
        values: list[tuple[str, str]] = []
        rates = (("downloadBandwidthMbps", node.download), ("uploadBandwidthMbps", node.upload))
        for key, rate in rates:
            if rate is None:
                continue
            text, why = _mbps(rate)
            if why:
                number = line + len(values) + 1
                self._fail(NETWORK, number, where, f"{node.name}.{key}", why)
            values.append((key, json.dumps(text) if why else text))
        others: list[tuple[str, Any]] = [
            ("id", node.id),
            ("type", node.kind),
            ("virtual", node.is_virtual or None),
            ("latitude", node.latitude),
            ("longitude", node.longitude),
        ]
        values.extend((key, json.dumps(value)) for key, value in others if value is not None)
        return values

    def _write_circuits(self, network: Network) -> str:
        rows = [COLUMNS]
        lines = self._owners[CIRCUITS]
        for circuit, parent in network.all_circuits():
            whose = f"circuit {circuit.id!r}"
            first = len(lines) + 1
            if circuit.parent not in (None, parent):
                why = f"hangs from node {parent!r}, but names {circuit.parent!r} as its parent"
                self._fail(CIRCUITS, first, whose, "Parent Node", why)
            rates = {key: _mbps(rate) for key, rate in _rates(circuit).items()}
            for key, (_, why) in rates.items():
                if why:
                    self._fail(CIRCUITS, first, whose, key, why)
            texts = [text for text, _ in rates.values()]
            for at, device in enumerate(circuit.devices or [Device()]):
                where = whose
                if device.id or len(circuit.devices) > 1:
                    where += f", device {device.id or at + 1!r}"
                self._told.update(
                    (CIRCUITS, len(lines) + 1, key) for key, (_, why) in rates.items() if why
                )
                row = _row(circuit, parent, device, texts, at == 0)
                rows.append(row)
                lines.extend([where] * (1 + len(re.findall(r"\r\n|\n|\r", row))))
        return "\n".join(rows) + "\n"


def _rates(circuit: Circuit) -> dict[str, RateLike]:
    """In the order of their columns."""
    return {
        "Download Min Mbps": circuit.min_download,
        "Upload Min Mbps": circuit.min_upload,
        "Download Max Mbps": circuit.download,
        "Upload Max Mbps": circuit.upload,
    }


def _mbps(rate: RateLike) -> tuple[str, str]:
    """A decimal number of Mbps; of a text that is no rate that text, and what is wrong with it."""
    try:
        bits = int(as_rate(rate))
    except (TypeError, ValueError) as error:
        return str(rate), str(error)
    whole, rest = divmod(bits, 1_000_000)
    return f"{whole}.{rest:06}".rstrip("0").rstrip("."), ""


def _row(
    circuit: Circuit, parent: str | None, device: Device, rates: list[str], is_first: bool
) -> str:
    addresses = [str(address) for address in device.addresses]
    fields = [
        circuit.id,
        circuit.name,
        device.id,
        device.name,
        parent or "",
        device.mac,
        ", ".join(one for one in addresses if ":" not in one),
        ", ".join(one for one in addresses if ":" in one),
        *rates,
        # rows' comments are joined
        circuit.comment if is_first else "",
        circuit.sqm,
    ]
    return ",".join(map(_field, fields))


def _field(text: str) -> str:
    """A field; one that would be read otherwise stands in quotes."""
    if re.search(r'[,"\r\n]|^#', text):
        return '"' + text.replace('"', '""') + '"'
    return text
