"""Both examples, as they would be started, against a CRM on loopback and the real daemon."""

import csv
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import tidegate
from conftest import wait_for
from tidegate import Client, views

EXAMPLES = Path(__file__).parent.parent / "examples"
TOKEN = "secret"
PER_PAGE = 2


@dataclass
class FakeCrm:
    """What it has, and what it does before it answers: a status, a delay in seconds, or a cut."""

    sites: list[dict[str, Any]] = field(default_factory=list)
    subscribers: list[dict[str, Any]] = field(default_factory=list)
    moods: list[int | float | str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    next_is: str = ""
    may_go_on: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def crm() -> Iterator[FakeCrm]:
    fake = FakeCrm()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append(self.path)
            mood = fake.moods.pop(0) if fake.moods else 200
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                mood = 401
            if isinstance(mood, float):
                time.sleep(mood)
            if mood == "hold":
                fake.may_go_on.wait(30)
            if mood == "cut":
                # more is promised than comes
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"items": [')
                return
            if isinstance(mood, int) and mood != 200:
                self.send_response(mood)
                if mood == 429:
                    self.send_header("Retry-After", "1")
                if mood == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                return
            path, query = urlsplit(self.path)[2:4]
            page = int(parse_qs(query).get("page", ["1"])[0])
            items = fake.sites if path == "/api/sites" else fake.subscribers
            body: dict[str, object] = {"items": items[(page - 1) * PER_PAGE : page * PER_PAGE]}
            if page * PER_PAGE < len(items):
                body["next"] = fake.next_is or f"{path.removeprefix('/api')}?page={page + 1}"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}/api"
    threading.Thread(target=server.serve_forever, args=[0.05]).start()
    yield fake
    server.shutdown()
    server.server_close()


def subscriber(number: int, **more: object) -> dict[str, Any]:
    device = {"id": f"D{number}", "addresses": [f"100.64.5.{number}"]}
    return {
        "id": number,
        "name": f"Nr. {number}",
        "site": "North",
        "download_mbps": 10,
        "upload_mbps": 2.5,
        "devices": [device],
    } | more


def filled(crm: FakeCrm) -> None:
    crm.sites = [
        {"name": "Tower", "download_mbps": 500, "upload_mbps": 500},
        {"name": "North", "parent": "Tower", "download_mbps": 100, "upload_mbps": 100},
        {"name": "South", "parent": "Tower"},
    ]
    crm.subscribers = [subscriber(n) for n in range(1, 6)] + [subscriber(6, active=False)]


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def bring(
    crm: FakeCrm, socket: str, tmp_path: Path, *more: object
) -> subprocess.CompletedProcess[str]:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    return run(
        "crm_import.py",
        crm.url,
        "--socket",
        socket,
        "--token-file",
        token,
        "--timeout",
        1,
        "--backoff",
        0.01,
        *more,
    )


def ids(client: Client) -> list[str]:
    return [row.id for row in client.iter_circuits()]


def test_a_crm_that_stumbles_is_brought_in_whole(
    crm: FakeCrm, socket: str, client: Client, tmp_path: Path, files: views.SourcesView
) -> None:
    filled(crm)
    crm.moods = [503, 200, 429, 200, 2.0, "cut", 500]
    dry = bring(crm, socket, tmp_path, "--dry-run", "--shrink")
    assert dry.returncode == 0, dry.stderr
    assert "5 would be added: 1, 2, 3, 4, 5" in dry.stderr and client.sources() == files
    assert "429 Too Many Requests; attempt 2 follows in 1.0 s" in dry.stderr
    assert "timed out" in dry.stderr and "no JSON" in dry.stderr
    # most of the old circuits would go
    refused = bring(crm, socket, tmp_path)
    assert refused.returncode == 1 and "3 of 3 circuits would go" in refused.stderr
    done = bring(crm, socket, tmp_path, "--shrink")
    assert done.returncode == 0, done.stderr
    assert (
        "3 removed: one, three, two" in done.stderr
        and "the tree of sites is another" in done.stderr
    )
    wait_for(lambda: ids(client) == ["1", "2", "3", "4", "5"])
    row = client.circuits(id="3").rows[0]
    assert (row.name, row.node, row.plan_bps.up) == ("Nr. 3", "North", 2_500_000)
    assert crm.asked[-3:] == [f"/api/subscribers{page}" for page in ("", "?page=2", "?page=3")]
    crm.subscribers[2]["download_mbps"] = 25
    again = bring(crm, socket, tmp_path)
    assert "1 changed: 3" in again.stderr
    assert "nothing has changed" in bring(crm, socket, tmp_path).stderr
    events = client.events(kinds=("configuration",), limit=1)
    cause = events.rows[0].cause
    assert isinstance(cause, views.Actor) and cause.client.startswith("crm-import")


def test_a_crm_with_nonsense_changes_nothing_and_all_of_it_is_told(
    crm: FakeCrm, socket: str, client: Client, tmp_path: Path, files: views.SourcesView
) -> None:
    filled(crm)
    crm.subscribers[0]["site"] = "Nort"
    crm.subscribers[1]["download_mbps"] = "fast"
    crm.subscribers[2]["devices"][0]["addresses"] = ["100.64.5.1"]
    crm.subscribers[3] |= {"upload_mbps": None, "name": "\x1b[2J"}
    wrong = bring(crm, socket, tmp_path, "--shrink")
    assert wrong.returncode == 1 and client.sources() == files
    for told in (
        "circuit '1', device 'D1': error: Parent Node: no node is called \"Nort\"",
        "circuit '2': error: Download Max Mbps:",
        "circuit '3', device 'D3': error: IPv4:",
        "circuit '4': error: Upload Max Mbps:",
        "nothing was changed",
    ):
        assert told in wrong.stderr, wrong.stderr
    crm.subscribers = [{"name": "nobody"}]
    assert "something unexpected" in bring(crm, socket, tmp_path).stderr
    assert client.sources() == files


@pytest.mark.parametrize(
    ("moods", "next_is", "told"),
    [
        ([500] * 9, "", "500 Internal Server Error, in 3 attempts"),
        ([404], "", "404 Not Found"),
        ([302], "", "302 Found"),
        ([], "http://127.0.0.2/api/sites?page=2", "leads elsewhere"),
        ([], "/sites", "do not end"),
    ],
)
def test_a_crm_out_of_order_is_told(
    crm: FakeCrm,
    socket: str,
    client: Client,
    tmp_path: Path,
    moods: list[int | float | str],
    next_is: str,
    told: str,
) -> None:
    before = client.sources()
    filled(crm)
    crm.moods, crm.next_is = moods, next_is
    failed = bring(crm, socket, tmp_path, "--attempts", 3, "--shrink")
    assert failed.returncode == 1 and told in failed.stderr, failed.stderr
    assert client.sources() == before


def test_what_somebody_changes_meanwhile_is_not_overwritten(
    crm: FakeCrm, socket: str, client: Client, tmp_path: Path, files: views.SourcesView
) -> None:
    filled(crm)
    # while the CRM makes the script wait, somebody edits
    crm.moods = ["hold"]

    def edit() -> None:
        wait_for(lambda: crm.asked)
        client.edit(tidegate.CircuitEdit("one", comment="by hand"))
        crm.may_go_on.set()

    editor = threading.Thread(target=edit)
    editor.start()
    late = bring(crm, socket, tmp_path, "--shrink", "--timeout", 30)
    editor.join()
    assert late.returncode == 3, late.stderr
    assert "by hand" in client.sources().circuits


def test_retry_after_is_seconds_or_a_date() -> None:
    sys.path.insert(0, str(EXAMPLES))
    import crm_import

    assert crm_import.retry_after_s("7") == 7
    assert crm_import.retry_after_s("Fri, 01 Jan 2027 00:00:00 GMT") is not None
    assert crm_import.retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert crm_import.retry_after_s("soon") is None and crm_import.retry_after_s(None) is None


def test_a_report_is_told_to_people_and_programs(
    socket: str, client: Client, tmp_path: Path, files: views.SourcesView
) -> None:
    client.edit(
        tidegate.CircuitEdit("one", name='=HYPERLINK("x")'),
        tidegate.CircuitEdit("two", name="\x1b[2J"),
    )
    wait_for(lambda: client.circuits(id="one").rows[0].name.startswith("="))
    text = run("nightly_report.py", "--socket", socket)
    assert text.returncode == 0, text.stderr
    for title in (
        "Circuits with the highest RTTs",
        "Circuits with the most drops",
        "Busiest nodes",
        "Hosts without a circuit, 1 of 1",
        "Events of the last 24 hours",
    ):
        assert f"{title}\n-----" in text.stdout
    assert "100.64.9.9" in text.stdout and "Tower" in text.stdout and "\x1b" not in text.stdout
    sections = json.loads(run("nightly_report.py", "--socket", socket, "--format", "json").stdout)
    assert [row["name"] for row in sections[2]["rows"]] in (["North", "Tower"], ["Tower", "North"])
    assert any("circuit one" in row["text"] for row in sections[4]["rows"])
    file = tmp_path / "report.csv"
    done = run("nightly_report.py", "--socket", socket, "--format", "csv", "--output", file)
    assert done.returncode == 0 and done.stdout == ""
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert {"section", "number", "column", "value"} == set(rows[0])
    assert not [row for row in rows if row["value"].startswith(("=", "+", "-", "@"))]
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.csv"]
    sys.path.insert(0, str(EXAMPLES))
    import nightly_report

    for formula in ("=1+1", "+1", "-1", "@x", "\t=1", " =1"):
        assert nightly_report.safe(formula) == "'" + formula
    assert (nightly_report.safe("a=1"), nightly_report.safe(-5)) == ("a=1", -5)


def test_a_report_without_a_daemon_says_so(tmp_path: Path) -> None:
    failed = run("nightly_report.py", "--socket", tmp_path / "none")
    assert failed.returncode == 1 and "the daemon is not running" in failed.stderr
