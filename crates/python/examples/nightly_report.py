#!/usr/bin/env python3
"""Tells how the network is: for a mail at night, or for another program.

    nightly_report.py --format text
    nightly_report.py --format csv --output /var/reports/today.csv

Worst circuits by RTT and by drops, busiest nodes, hosts without a circuit, and what happened in the
last hours. Figures are those of this minute; drops are counted since the daemon began to."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tidegate
from tidegate import Client, Rate, views

RTT_SAMPLES_MIN = 20
"""Fewer say little."""


@dataclass(frozen=True)
class Section:
    """A table with its title."""

    title: str
    rows: list[dict[str, Any]]


def by_rtt(client: Client, top: int) -> Section:
    """Circuits whose customers wait longest: nine of ten answers come sooner."""
    page = client.circuits(
        sort="rtt-customer", descending=True, rtt_samples_min=RTT_SAMPLES_MIN, limit=top
    )
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "node": row.node,
            "rtt_p90_ms": rtt.p90_us / 1000,
            "rtt_p50_ms": rtt.p50_us / 1000,
            "samples": rtt.samples,
        }
        for row in page
        if (rtt := row.rtt.customer)
    ]
    return Section("Circuits with the highest RTTs", rows)


def by_drops(client: Client, top: int) -> Section:
    """Circuits whose queues dropped most so far, of all that there are."""

    def total(row: views.CircuitRow) -> int:
        return row.drops.down + row.drops.up

    worst = sorted(client.iter_circuits(sort="id"), key=total, reverse=True)[:top]
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "node": row.node,
            "drops_down": row.drops.down,
            "drops_up": row.drops.up,
            "plan_down": str(Rate(row.plan_bps.down)),
        }
        for row in worst
        if total(row)
    ]
    return Section("Circuits with the most drops", rows)


def busiest(client: Client, top: int) -> Section:
    """Nodes that are nearest to their limits."""
    tree = client.tree()
    nodes = sorted(tree, key=lambda row: max(row.share_percent.down, row.share_percent.up))
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "circuits": row.circuits,
            "share_down_percent": row.share_percent.down,
            "share_up_percent": row.share_percent.up,
            "limit_down": str(Rate(row.limit_bps.down)),
        }
        for row in reversed(nodes[-top:])
    ]
    why = " (not measured: the bypass is on)" if tree.bypass else ""
    return Section(f"Busiest nodes{why}", rows)


def unknown(client: Client, top: int) -> Section:
    """Hosts that no device covers: subscribers who are not shaped."""
    page = client.unknown(sort="bytes", limit=top)
    rows = [
        {
            "address": row.addr,
            "bytes_down": row.bytes.down,
            "bytes_up": row.bytes.up,
            "last_seen_s_ago": row.last_seen_ms_ago // 1000,
        }
        for row in page
    ]
    return Section(f"Hosts without a circuit, {len(page)} of {page.total}", rows)


def events(client: Client, hours: float) -> Section:
    """What happened, as far as the daemon that runs now remembers."""
    since_ms = (time.time() - hours * 3600) * 1000
    rows = [
        {
            "when": when(row.unix_ms),
            "severity": row.severity,
            "kind": row.kind,
            "by": cause(row),
            "text": row.text,
        }
        for row in client.events(limit=1000)
        if row.unix_ms >= since_ms
    ]
    return Section(f"Events of the last {hours:g} hours", rows)


def when(unix_ms: int) -> str:
    """The time in this machine's zone."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone().isoformat(" ", "seconds")


def cause(row: views.EventRow) -> str:
    """Who or what brought it about."""
    if isinstance(row.cause, views.Actor):
        return f"{row.cause.user or row.cause.uid} ({row.cause.client})"
    return row.cause


def as_text(sections: list[Section]) -> str:
    """Tables that a terminal and a mail show as they are meant."""
    text = ""
    for section in sections:
        text += f"{section.title}\n{'-' * len(section.title)}\n"
        if not section.rows:
            text += "none\n\n"
            continue
        table = [list(section.rows[0])] + [
            [cell(value) for value in row.values()] for row in section.rows
        ]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            padded = (value.ljust(width) for value, width in zip(line, widths, strict=True))
            text += "  ".join(padded).rstrip() + "\n"
        text += "\n"
    return text


def cell(value: object) -> str:
    """A value as text that acts on nothing."""
    return "-" if value is None else tidegate.inert(str(value))


def as_csv(sections: list[Section]) -> str:
    """One table of all: a line for each figure."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["section", "number", "column", "value"])
    for section in sections:
        for number, row in enumerate(section.rows, 1):
            writer.writerows(
                [section.title, number, column, safe(value)] for column, value in row.items()
            )
    return out.getvalue()


def safe(value: object) -> object:
    """A value that no spreadsheet takes for a formula. Names come from files, and so from anywhere."""
    if not isinstance(value, str):
        return value
    starts = ("=", "+", "-", "@", "\t", "\r", "\n")
    acts = value.startswith(starts) or value.lstrip().startswith(starts)
    return "'" + value if acts else value


def as_json(sections: list[Section]) -> str:
    """For programs."""
    return json.dumps([{"title": one.title, "rows": one.rows} for one in sections], indent=1) + "\n"


FORMATS = {"text": as_text, "csv": as_csv, "json": as_json}


def write(text: str, output: str | None) -> None:
    """To the standard output, or to a file that is there whole or not at all."""
    if output is None:
        sys.stdout.write(text)
        return
    path = Path(output)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, newline="") as file:
        try:
            file.write(text)
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def main() -> int:
    """Reads the command line and tells what went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--socket", default="/run/tidegate/bus.sock", help="the daemon's socket")
    parser.add_argument("--format", choices=sorted(FORMATS), default="text")
    parser.add_argument("--output", help="file to write; the standard output without it")
    parser.add_argument("--top", type=int, default=20, help="rows of each table")
    parser.add_argument("--hours", type=float, default=24.0, help="how far back events go")
    args = parser.parse_args()
    try:
        with Client(args.socket, timeout=30.0, name="nightly-report") as client:
            sections = [
                by_rtt(client, args.top),
                by_drops(client, args.top),
                busiest(client, args.top),
                unknown(client, args.top),
                events(client, args.hours),
            ]
        write(FORMATS[args.format](sections), args.output)
    except (tidegate.Error, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
