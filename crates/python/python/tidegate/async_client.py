"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from time import monotonic
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

from . import _requests, views
from ._async_connection import AsyncConnection
from ._async_reads import AsyncReads
from ._errors import Error, Timeout
from ._submission import Submission, Submitting
from ._topic import Topic
from ._wire import CHANGE_TIMEOUT_S, SOCKET, TIMEOUT_S, expected, patience
from .edits import Address, Edit, wire
from .network import Network
from .streams import add_packet, begin_pcapng, open_private

V = TypeVar("V")


class AsyncClient(AsyncReads):
    """As `Client`, but to be waited for. Several tasks may use one at the same time.

    It belongs to the event loop in which it is used first, and connects then, or when it is entered.
    Cancelling a call gives up its answer and nothing else; what it asked for may still be done."""

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
        self._is_closed = False
        self._connection: AsyncConnection | None = None
        self._connecting = asyncio.Lock()

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.open(self._path, self._timeout, self._name)

    async def _connected(self, deadline: float | None = None) -> AsyncConnection:
        left = self._timeout if deadline is None else min(deadline - monotonic(), self._timeout)
        try:
            # other tasks may be connecting
            async with asyncio.timeout(left), self._connecting:
                if self._is_closed:
                    raise Error("the client was closed")
                if not self._connection or self._connection.is_lost:
                    self._connection = await self._connect()
                return self._connection
        except TimeoutError as error:
            raise Timeout("the daemon did not answer in time") from error

    async def __aenter__(self) -> AsyncClient:
        await self._connected()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the connection. Subscriptions and captures have their own."""
        self._is_closed = True
        if self._connection:
            self._connection.close()

    def __del__(self) -> None:
        if connection := getattr(self, "_connection", None):
            connection.abandon()

    async def _call(self, request: Any, timeout: float | None = None) -> Any:
        deadline = monotonic() + (self._timeout if timeout is None else patience(timeout))
        connection = await self._connected(deadline)
        return await connection.exchange(request, deadline - monotonic())

    async def welcome(self) -> views.Welcome:
        """What the daemon said at the start: its version, and what this user may do."""
        return (await self._connected()).welcome

    async def show(self, topic: Topic[V]) -> V:
        """The view of this topic, now."""
        shown: V = await self._call({"Show": topic._wire()})
        return shown

    async def plan(self) -> views.PlanView:
        """The plan that is in force, as JSON text."""
        plan: views.PlanView = expected(views.PlanView, await self._call("Plan"))
        return plan

    async def sources(self) -> views.SourcesView:
        """The texts of network.json and ShapedDevices.csv that are in force, with their revision."""
        reply = await self._call("Sources")
        sources: views.SourcesView = expected(views.SourcesView, reply)
        return sources

    async def preview(
        self,
        *edits: Edit,
        base: str | None = None,
        shrink: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> views.PreviewView:
        """What these edits would change now; without any, what a reload would."""
        wanted = wire(edits, base, shrink) if edits or base else None
        reply = await self._call({"Preview": wanted}, timeout)
        preview: views.PreviewView = expected(views.PreviewView, reply)
        return preview

    async def edit(
        self,
        *edits: Edit,
        base: str | None = None,
        shrink: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> views.Edited:
        """Makes these changes, all or none: in the files and in force. See `Client.edit`."""
        reply = await self._call({"Edit": wire(edits, base, shrink)}, timeout)
        edited: views.Edited = expected(views.Edited, reply)
        return edited

    async def submit(
        self,
        network: Network,
        *,
        base: str | None = None,
        shrink: bool = False,
        dry_run: bool = False,
        timeout: float = CHANGE_TIMEOUT_S,
    ) -> Submission:
        """Makes the daemon's network this one. See `Client.submit`."""
        sources = await self.sources()
        # comparing large networks takes a while, which the loop must not wait for
        submitting = await asyncio.to_thread(Submitting, network, sources, base)
        if dry_run or not submitting.edits:
            preview = await self.preview(
                *submitting.edits, base=submitting.base, shrink=shrink, timeout=timeout
            )
            return submitting.previewed(preview)
        edited = await self.edit(
            *submitting.edits, base=submitting.base, shrink=shrink, timeout=timeout
        )
        return submitting.done(edited)

    async def reload(
        self, *, shrink: bool = False, timeout: float = CHANGE_TIMEOUT_S
    ) -> views.Reloaded:
        """Has the daemon read its files again. See `Client.reload`."""
        reply = await self._call({"Reload": {"shrink": shrink}}, timeout)
        reloaded: views.Reloaded = expected(views.Reloaded, reply)
        return reloaded

    async def bypass(self, on: bool) -> None:
        """Passes everything unshaped, or shapes again."""
        await self._call({"Bypass": on})

    async def handover(self, *, timeout: float = CHANGE_TIMEOUT_S) -> None:
        """Has the daemon make way for another program. See `Client.handover`."""
        await self._call("Handover", timeout)

    def subscribe(self, topic: Topic[V], *, timeout: float | None = None) -> AsyncSubscription[V]:
        """One view a tick, the first at once, on a connection of their own.

        `timeout`: how long each is waited for, in seconds."""
        wait_s = max(self._timeout, TIMEOUT_S) if timeout is None else patience(timeout)
        return AsyncSubscription(self._connect, topic, wait_s)

    async def capture(
        self,
        *,
        circuit: str | None = None,
        host: Address | None = None,
        seconds: int = 60,
        packets: int = 100_000,
        snap_length: int = 128,
    ) -> AsyncCapture:
        """Captures the headers of a circuit's or a host's packets, on a connection of its own."""
        target = _requests.CaptureTarget(circuit, host)
        request = _requests.capture(target, seconds, packets, snap_length)
        wait_s = max(self._timeout, TIMEOUT_S)
        capture = AsyncCapture(await self._connect(), request, str(target), wait_s)
        await capture._begin()
        return capture


class _AsyncStream:
    """A connection for one purpose. It ends with whoever reads it."""

    def __init__(self, request: Any, timeout: float) -> None:
        self._connection: AsyncConnection | None = None
        self._request = request
        self._timeout = timeout
        self._id: int | None = None
        self._is_over = False

    async def _receive(self) -> Any:
        """The next piece; nothing when it was closed. After an error there is none."""
        if self._is_over or not self._connection:
            raise StopAsyncIteration
        try:
            if self._id is None:
                self._id = self._connection.ask(self._request)
            return await self._connection.receive(self._id, self._timeout)
        except asyncio.CancelledError:
            # what comes is kept for whoever asks again
            raise
        except BaseException:
            if self._is_over:
                raise StopAsyncIteration from None
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Ends it. Iterating ends, too."""
        self._is_over = True
        if self._connection:
            self._connection.close()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # whoever breaks out of a loop need not think of it
        if connection := getattr(self, "_connection", None):
            connection.abandon()


class AsyncSubscription(_AsyncStream, Generic[V]):
    """Views as they come, one a tick, until it is closed or nobody refers to it.

    `Disconnected` ends it when the daemon stops or starts anew; `Timeout` when no view comes."""

    def __init__(self, connect: Any, topic: Topic[V], timeout: float) -> None:
        super().__init__(_requests.subscribe(topic), timeout)
        self._connect = connect

    async def __aenter__(self) -> AsyncSubscription[V]:
        return self

    def __aiter__(self) -> AsyncSubscription[V]:
        return self

    async def __anext__(self) -> V:
        if not self._connection and not self._is_over:
            self._connection = await self._connect()
        view: V = await self._receive()
        return view


class AsyncCapture(_AsyncStream):
    """Packets as they come. Iterating ends with the capture.

    Packets are taken as they arrive at the box, before they wait in any queue."""

    capturing: views.Capturing
    """Where packets are captured, and the bounds that the daemon keeps."""

    def __init__(
        self, connection: AsyncConnection, request: Any, target: str, timeout: float
    ) -> None:
        super().__init__(request, timeout)
        self.ended: views.CaptureEnded | None = None
        """How it ended; none while it goes on, or when it failed."""
        self._connection = connection
        self._target = target
        self._batch: deque[views.CapturedPacket] = deque()

    async def _begin(self) -> None:
        self.capturing = expected(views.Capturing, await self._receive())

    async def __aenter__(self) -> AsyncCapture:
        return self

    def __aiter__(self) -> AsyncCapture:
        return self

    async def __anext__(self) -> views.CapturedPacket:
        # a batch is empty when nothing came for a second
        while not self._batch:
            step = await self._receive()
            if isinstance(step, views.CaptureEnded):
                self.ended = step
                await self.aclose()
                raise StopAsyncIteration
            self._batch.extend(step)
        return self._batch.popleft()

    async def stop(self) -> None:
        """Asks for its end. Packets under way still come, then iterating ends."""
        if self._connection and not self._is_over:
            self._connection.forget(self._connection.ask({"Unsubscribe": self._id}))

    async def write_pcapng(self, file: str | os.PathLike[str] | BinaryIO) -> int:
        """Writes all packets that still come to a pcapng file, and tells how many.

        The file is valid even when the capture fails."""
        if isinstance(file, (str, os.PathLike)):
            with open_private(file) as opened:
                return await self.write_pcapng(opened)
        assert self._connection
        program = f"tidegated {self._connection.welcome.daemon_version}"
        begun = begin_pcapng(file, program, self._target, self.capturing)
        written = 0
        try:
            async for packet in self:
                add_packet(begun, packet)
                written += 1
        finally:
            begun.finish(self.ended.lost if self.ended else 0)
        return written
