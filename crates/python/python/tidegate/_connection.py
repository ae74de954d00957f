"""A connection that blocks, with a deadline on everything.

Python's own socket is read and written, so that other threads run meanwhile and Ctrl-C counts."""

from __future__ import annotations

import socket
import struct
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any

from . import views
from ._errors import ProtocolError
from ._native import Decoder, encode
from ._wire import (
    CHUNK,
    CLASSES,
    accepted,
    closed,
    connecting,
    exchanging,
    expected,
    hello,
    new_socket,
)


class Connection:
    """A connection to the daemon that has said hello."""

    def __init__(self, path: str, deadline: float, name: str) -> None:
        self._decoder = Decoder(CLASSES)
        self._replies: deque[tuple[int, Any]] = deque()
        self._next_id = 1
        self._socket = new_socket()
        try:
            _connect(self._socket, path, deadline)
            reply = self.exchange(hello(name), deadline)
            self.welcome: views.Welcome = expected(views.Welcome, reply)
        except BaseException:
            self.close()
            raise

    def exchange(self, request: Any, deadline: float) -> Any:
        """Sends a request and waits for its reply."""
        return self.receive(self.send(request, deadline), deadline)

    def send(self, request: Any, deadline: float) -> int:
        """Sends a request; its id is what it is answered under."""
        number = self._next_id
        message = frame(number, request)
        self._next_id += 1
        # who no longer reads may have said why: what is received next tells
        with exchanging(), suppress(ConnectionError):
            self._socket.settimeout(_left(deadline))
            # the time is that of the whole, however little is taken at once
            self._socket.sendall(message)
        return number

    def receive(self, number: int, deadline: float) -> Any:
        """The next reply to a request. Those to others, given up since, are passed over."""
        while True:
            while self._replies:
                to, reply = self._replies.popleft()
                # id 0 is the daemon's own: it could not tell what it was asked
                if to in (number, 0):
                    return accepted(reply)
            with exchanging():
                self._socket.settimeout(_left(deadline))
                data = self._socket.recv(CHUNK)
            if not data:
                raise closed()
            self._replies.extend(decoded(self._decoder, data))

    def close(self) -> None:
        """Ends it. The daemon ends what was asked for on it."""
        self._socket.close()


def decoded(decoder: Decoder, data: bytes) -> list[tuple[int, Any]]:
    """The replies that are whole now."""
    try:
        return decoder.feed(data)
    except ValueError as error:
        raise ProtocolError(str(error)) from error


def frame(number: int, request: Any) -> bytes:
    """The bytes of a request."""
    try:
        return encode(number, request)
    except ValueError as error:
        raise ProtocolError(str(error)) from error


def _connect(unix: socket.socket, path: str, deadline: float) -> None:
    """Waits for room in the listener's backlog no longer than the socket's send timeout says."""
    with connecting(path):
        seconds, rest = divmod(_left(deadline), 1)
        left = struct.pack("ll", int(seconds), int(rest * 1e6) or 1)
        unix.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, left)
        try:
            unix.connect(path)
        except BlockingIOError as error:
            raise TimeoutError from error


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
