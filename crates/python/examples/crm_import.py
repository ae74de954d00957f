#!/usr/bin/env python3
"""Brings sites and subscribers from a CRM into Tidegate.

    crm_import.py https://crm.example.net/api --token-file /etc/tidegate/crm.token --dry-run

The CRM answers `GET /sites` and `GET /subscribers` with pages like
`{"items": [...], "next": "/subscribers?page=2"}`, the last one without `next`:

    site:        {"name": "North", "parent": "Tower", "download_mbps": 800, "upload_mbps": 400}
    subscriber:  {"id": 17, "name": "Ada", "site": "North", "active": true,
                  "download_mbps": 100, "upload_mbps": 20,
                  "devices": [{"id": "D17", "mac": "...", "addresses": ["100.64.0.17"]}]}

Nothing is changed unless every page came and the whole network is valid. What somebody else changed
meanwhile is not overwritten. Exit codes: 0 done, 1 failed, 3 changed meanwhile (run it again)."""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import tidegate
from tidegate import Circuit, Device, Network, Node

log = logging.getLogger("crm_import")

TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
PAGE_BYTES_MAX = 64 * 1024 * 1024
PAGES_MAX = 10_000
TOLD_MAX = 20


class CrmError(Exception):
    """The CRM cannot be read."""


class Crm:
    """A REST source that pages, limits its callers' rate, and fails now and then."""

    def __init__(self, url: str, token: str, args: argparse.Namespace) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.timeout_s: float = args.timeout
        self.attempts: int = args.attempts
        self.backoff_s: float = args.backoff
        self.wait_max_s: float = args.wait_max

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """All items, page by page."""
        url: str | None = self.url + path
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= PAGES_MAX:
                raise CrmError(f"the pages of {path} do not end: {url}")
            seen.add(url)
            page = self.fetch(url)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise CrmError(f"{url} has no list of items")
            yield from page["items"]
            url = self.next_url(url, page.get("next"))

    def next_url(self, url: str, link: object) -> str | None:
        """Where the next page is. The token goes to nobody but the CRM."""
        if not link:
            return None
        if not isinstance(link, str):
            raise CrmError(f"{url} has a next page that is no text")
        # a path starts where the API does
        there = self.url + link if link.startswith("/") else urljoin(url, link)
        if urlsplit(there)[:2] != urlsplit(self.url)[:2]:
            raise CrmError(f"{url} leads elsewhere: {there}")
        return there

    def fetch(self, url: str) -> Any:
        """A page, tried again while that makes sense."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.token}"}
        for attempt in range(1, self.attempts + 1):
            asked_wait_s: float | None = None
            try:
                request = urllib.request.Request(url, headers=headers)
                with urllib.request.build_opener(NoRedirects).open(
                    request, timeout=self.timeout_s
                ) as reply:
                    body = reply.read(PAGE_BYTES_MAX + 1)
                if len(body) > PAGE_BYTES_MAX:
                    raise CrmError(f"{url} is larger than {PAGE_BYTES_MAX} bytes")
                return json.loads(body)
            except urllib.error.HTTPError as error:
                if error.code not in TRY_AGAIN:
                    raise CrmError(f"{url}: {error.code} {error.reason}") from error
                asked_wait_s = retry_after_s(error.headers.get("Retry-After"))
                why = f"{error.code} {error.reason}"
            except json.JSONDecodeError as error:
                # a page that was cut short
                why = f"no JSON: {error}"
            except (OSError, HTTPException) as error:
                why = str(error) or type(error).__name__
            if attempt == self.attempts:
                break
            # full jitter: whoever failed at the same time does not come back at the same time
            backoff_s = random.uniform(0, min(self.wait_max_s, self.backoff_s * 2 ** (attempt - 1)))
            wait_s = min(self.wait_max_s, max(backoff_s, asked_wait_s or 0.0))
            log.warning("%s: %s; attempt %d follows in %.1f s", url, why, attempt + 1, wait_s)
            time.sleep(wait_s)
        raise CrmError(f"{url}: {why}, in {self.attempts} attempts")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could take the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def retry_after_s(text: str | None) -> float | None:
    """What Retry-After asks for: seconds, or a date (RFC 9110)."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def network_of(crm: Crm) -> Network:
    """The network as the CRM has it."""
    nodes = [
        Node(
            str(site["name"]),
            mbps(site.get("download_mbps")),
            mbps(site.get("upload_mbps")),
            parent=site.get("parent"),
            kind=site.get("kind"),
        )
        for site in crm.items("/sites")
    ]
    circuits = [
        Circuit(
            id=str(subscriber["id"]),
            name=str(subscriber.get("name") or ""),
            parent=subscriber.get("site"),
            download=mbps(subscriber.get("download_mbps")) or "",
            upload=mbps(subscriber.get("upload_mbps")) or "",
            devices=[
                Device(
                    id=str(device.get("id") or ""),
                    name=str(device.get("name") or ""),
                    mac=str(device.get("mac") or ""),
                    addresses=[str(address) for address in device.get("addresses") or []],
                )
                for device in subscriber.get("devices") or []
            ],
        )
        for subscriber in crm.items("/subscribers")
        if subscriber.get("active", True)
    ]
    return Network(nodes, circuits)


def mbps(number: object) -> str | None:
    """A number of Mbps as a rate. What is no number is told by the validation, with all else."""
    return None if number is None else f"{number} Mbps"


def told(ids: tuple[str, ...]) -> str:
    """The first ids, and how many more there are."""
    more = f" and {len(ids) - TOLD_MAX} more" if len(ids) > TOLD_MAX else ""
    return tidegate.inert(", ".join(ids[:TOLD_MAX])) + more


def bring(args: argparse.Namespace) -> int:
    """Reads the CRM, and makes the daemon's network what it says."""
    token = Path(args.token_file).read_text().strip() if args.token_file else ""
    with tidegate.Client(args.socket, name="crm-import") as client:
        # read first: what changes from here on is seen when the result is submitted
        base = client.sources().revision
        network = network_of(Crm(args.url, token, args))
        count = len(network.circuits)
        log.info("the CRM has %d sites and %d active subscribers", len(network.nodes), count)
        for problem in tidegate.validate(network, args.settings):
            log.warning("%s", problem)
        done = client.submit(network, base=base, shrink=args.shrink, dry_run=args.dry_run)
    if not done:
        log.info("nothing has changed")
    would = "would be " if args.dry_run else ""
    for what, ids in (("added", done.added), ("removed", done.removed), ("changed", done.changed)):
        if ids:
            log.info("%d %s%s: %s", len(ids), would, what, told(ids))
    if done.nodes_changed:
        log.info("the tree of sites %s", "would be another" if args.dry_run else "is another")
    for change in done.preview.changes if done.preview else ():
        log.info("%s", tidegate.inert(change))
    for warning in done.edited.reloaded.warnings if done.edited else ():
        log.warning("%s", tidegate.inert(warning))
    log.info("revision %s", done.revision)
    return 0


def main() -> int:
    """Reads the command line and tells what went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="where the CRM's API is")
    parser.add_argument("--token-file", help="file with the token that the CRM wants")
    parser.add_argument("--socket", default="/run/tidegate/bus.sock", help="the daemon's socket")
    parser.add_argument(
        "--settings", help="tidegate.toml, to check against limits and ranges as well"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing, say what would change"
    )
    parser.add_argument("--shrink", action="store_true", help="most subscribers may go")
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds for a page")
    parser.add_argument("--attempts", type=int, default=6, help="how often a page is tried")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds, doubled each time")
    parser.add_argument("--wait-max", type=float, default=120.0, help="the longest wait in seconds")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        return bring(args)
    except tidegate.ValidationError as error:
        for problem in error.problems:
            log.error("%s", problem)
        log.error("nothing was changed")
    except tidegate.Outdated as error:
        log.error("somebody has changed the network meanwhile; nothing was changed: %s", error)
        return 3
    except tidegate.Timeout as error:
        log.error("%s; a change that was sent may still be made", error)
    except (tidegate.Error, CrmError, OSError) as error:
        log.error("%s", error)
    except (KeyError, TypeError, AttributeError) as error:
        log.error("the CRM sent something unexpected, nothing was changed: %r", error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
