"""The client that blocks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar

from . import _requests, views
from ._connection import Connection
from ._errors import Error, Refused, Timeout
from ._reads import Reads
from ._submission import Submission, Submitting
from ._topic import Topic
from ._wire import CHANGE_TIMEOUT_S, SOCKET, TIMEOUT_S, expected, patience
from .edits import Address, Edit, wire
from .network import Network
from .streams import Capture, Subscription

V = TypeVar("V")


class Client(Reads):
    """A connection to the daemon.

    Each call takes at most `timeout` seconds, connecting again and waiting for other threads' calls
    included; those that change something have a longer time of their own, and a keyword to choose
    it. Other threads run while a call waits, and several may use one client: their calls follow each
    other. After a failed exchange the next call connects again.

    `name` is who changed something in the daemon's events and its audit log."""

    def __init__(
        self,
        socket: str | os.PathLike[str] = SOCKET,
        timeout: float = TIMEOUT_S,
        *,
        name: str = "python",
    ) -> None:
        self._path = os.fspath(socket)
        self._timeout = patience(timeout)
        self._name = name
        self._lock = threading.Lock()
        self._is_closed = False
        self._connection: Connection | None = self._connect()

    def _connect(self, deadline: float | None = None) -> Connection:
        return Connection(self._path, deadline or monotonic() + self._timeout, self._name)

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[Connection]:
        """The connection, for one call alone."""
        if not self._lock.acquire(timeout=max(deadline - monotonic(), 0)):
            raise Timeout("calls of other threads took all the time")
        try:
            if self._is_closed:
                raise Error("the client was closed")
            if not self._connection:
                self._connection = self._connect(min(deadline, monotonic() + self._timeout))
            yield self._connection
        finally:
            self._lock.release()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection. Subscriptions and captures have their own."""
        with self._lock:
            self._is_closed = True
            self._drop()

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _call(self, request: Any, timeout: float | None = None) -> Any:
        deadline = monotonic() + (self._timeout if timeout is None else patience(timeout))
        with self._connected(deadline) as connection:
            try:
                return connection.exchange(request, deadline)
            except Refused:
                raise
            except BaseException:
                # whatever else ends an exchange leaves the stream in doubt
                self._drop()
                raise

    @property
    def welcome(self) -> views.Welcome:
        """What the daemon said at the start: its version, and what this user may do."""
        with self._connected(monotonic() + self._timeout) as connection:
            return connection.welcome

    def show(self, topic: Topic[V]) -> V:
        """The view of this topic, now."""
        shown: V = self._call({"Show": topic._wire()})
        return shown

    def plan(self) -> views.PlanView:
        """The plan that is in force, as JSON text."""
        plan: views.PlanView = expected(views.PlanView, self._call("Plan"))
        return plan

    def sources(self) -> views.SourcesView:
        """The texts of network.json and ShapedDevices.csv that are in force, with their revision."""
        sources: views.SourcesView = expected(views.SourcesView, self._call("Sources"))
        return sources

    def preview(
        self,
        *edits: Edit,
        base: str | None = None,
        shrink: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> views.PreviewView:
        """What these edits would change now; without any, what a reload would."""
        wanted = wire(edits, base, shrink) if edits or base else None
        reply = self._call({"Preview": wanted}, timeout)
        preview: views.PreviewView = expected(views.PreviewView, reply)
        return preview

    def edit(
        self,
        *edits: Edit,
        base: str | None = None,
        shrink: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> views.Edited:
        """Makes these changes, all or none: in the files and in force.

        With `base`, a revision, they are refused as `Outdated` when the files are others by now.
        `shrink`: more than half of the circuits or nodes may go, which is a likely mistake otherwise."""
        reply = self._call({"Edit": wire(edits, base, shrink)}, timeout)
        edited: views.Edited = expected(views.Edited, reply)
        return edited

    def submit(
        self,
        network: Network,
        *,
        base: str | None = None,
        shrink: bool = False,
        dry_run: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> Submission:
        """Makes the daemon's network this one, in one transaction, and tells what that changes.

        Only what differs is sent: a network without changes changes nothing, and a few changed
        circuits leave all other rows of the file as they were written. `base` and `shrink` are as
        for `edit`; with `dry_run` nothing is changed."""
        submitting = Submitting(network, self.sources(), base)
        if dry_run or not submitting.edits:
            preview = self.preview(
                *submitting.edits, base=submitting.base, shrink=shrink, timeout=timeout
            )
            return submitting.previewed(preview)
        edited = self.edit(*submitting.edits, base=submitting.base, shrink=shrink, timeout=timeout)
        return submitting.done(edited)

    def reload(self, *, shrink: bool = False, timeout: float = CHANGE_TIMEOUT_S) -> views.Reloaded:
        """Has the daemon read its files again. `Invalid` tells all that is wrong with them.

        `shrink` is as for `edit`."""
        reply = self._call({"Reload": {"shrink": shrink}}, timeout)
        reloaded: views.Reloaded = expected(views.Reloaded, reply)
        return reloaded

    def bypass(self, on: bool) -> None:
        """Passes everything unshaped, or shapes again."""
        self._call({"Bypass": on})

    def handover(self, *, timeout: float = CHANGE_TIMEOUT_S) -> None:
        """Has the daemon make way for the program that lies now where it was started from.

        Returns when that program has found the configuration right. It answers at the same socket
        soon after; until then, calls fail as `Disconnected` or `NotRunning`."""
        self._call("Handover", timeout)

    def subscribe(self, topic: Topic[V], *, timeout: float | None = None) -> Subscription[V]:
        """One view a tick, the first at once, on a connection of their own.

        `timeout`: how long each is waited for, in seconds."""
        return Subscription(self._connect(), topic, self._patience(timeout))

    def capture(
        self,
        *,
        circuit: str | None = None,
        host: Address | None = None,
        seconds: int = 60,
        packets: int = 100_000,
        snap_length: int = 128,
    ) -> Capture:
        """Captures the headers of a circuit's or a host's packets, on a connection of its own."""
        target = _requests.CaptureTarget(circuit, host)
        request = _requests.capture(target, seconds, packets, snap_length)
        return Capture(self._connect(), request, str(target), self._patience(None))

    def _patience(self, timeout: float | None) -> float:
        # views and packets come once a second, however short an answer may take
        return max(self._timeout, TIMEOUT_S) if timeout is None else patience(timeout)
