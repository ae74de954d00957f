"""A connection in an event loop, with a deadline on everything.

The loop's own transport carries it: the codec does no IO, so there is no thread and no second loop,
and a call that is cancelled gives up nothing but its place in the inbox."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from . import views
from ._connection import decoded, frame
from ._errors import Error
from ._native import Decoder
from ._wire import CLASSES, accepted, closed, connecting, exchanging, expected, hello, new_socket

PAUSE_AT = 64
"""Replies to one request that wait to be taken before the daemon is kept waiting."""

RETRY_S = 0.02
"""How soon a full backlog is tried again."""


class AsyncConnection(asyncio.Protocol):
    """A connection to the daemon that has said hello."""

    welcome: views.Welcome

    def __init__(self) -> None:
        self._decoder = Decoder(CLASSES)
        self._inbox: dict[int, asyncio.Queue[Any]] = {}
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._lost: Error | None = None
        self._next_id = 1

    @classmethod
    async def open(cls, path: str, timeout: float, name: str) -> AsyncConnection:
        """Connects and says hello."""
        deadline = monotonic() + timeout
        connection = cls()
        unix = new_socket()
        unix.setblocking(False)
        try:
            with connecting(path):
                async with asyncio.timeout(timeout):
                    while True:
                        try:
                            unix.connect(path)
                            break
                        except BlockingIOError:
                            await asyncio.sleep(RETRY_S)
                    await connection._loop.create_unix_connection(lambda: connection, sock=unix)
        except BaseException:
            unix.close()
            raise
        try:
            reply = await connection.exchange(hello(name), deadline - monotonic())
            connection.welcome = expected(views.Welcome, reply)
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be asked on it any more."""
        return self._lost is not None

    async def exchange(self, request: Any, timeout: float) -> Any:
        """Sends a request and waits for its reply."""
        number = self.ask(request)
        try:
            return await self.receive(number, timeout)
        finally:
            self.forget(number)

    def ask(self, request: Any) -> int:
        """Sends a request; its replies are kept until it is forgotten."""
        if self._lost or not self._transport:
            raise self._lost or closed()
        number = self._next_id
        message = frame(number, request)
        self._next_id += 1
        self._inbox[number] = asyncio.Queue()
        self._transport.write(message)
        return number

    async def receive(self, number: int, timeout: float) -> Any:
        """The next reply to a request."""
        queue = self._inbox[number]
        if self._transport and queue.qsize() <= PAUSE_AT // 2:
            self._transport.resume_reading()
        if queue.empty() and self._lost:
            raise self._lost
        with exchanging():
            async with asyncio.timeout(timeout):
                reply = await queue.get()
        if isinstance(reply, Error):
            raise reply
        return accepted(reply)

    def forget(self, number: int) -> None:
        """Passes over what still comes for a request."""
        self._inbox.pop(number, None)

    def close(self) -> None:
        """Ends it. The daemon ends what was asked for on it."""
        self._lose(closed())

    def abandon(self) -> None:
        """Ends it from whichever thread finds that nobody needs it any more."""
        if not self.is_lost and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            replies = decoded(self._decoder, data)
        except Error as error:
            self._lose(error)
            return
        for number, reply in replies:
            # id 0 is the daemon's own: it could not tell what it was asked
            queues = list(self._inbox.values()) if number == 0 else [self._inbox.get(number)]
            for queue in queues:
                if queue is not None:
                    queue.put_nowait(reply)
                    if queue.qsize() >= PAUSE_AT and self._transport:
                        self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(closed())

    def _lose(self, error: Error) -> None:
        if self._lost is None:
            self._lost = error
            for queue in self._inbox.values():
                queue.put_nowait(error)
        if self._transport:
            self._transport.abort()
            self._transport = None
