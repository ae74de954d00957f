"""What both clients say and hear, whatever carries it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from . import views
from ._errors import (
    ConnectError,
    Disconnected,
    NotRunning,
    PermissionDenied,
    ProtocolError,
    Refused,
    Timeout,
)
from ._native import PROTOCOL_VERSION, VERSION
from ._record import PerDirection, PerSegment
from ._refusals import BY_CODE

SOCKET: Final = "/run/tidegate/bus.sock"
"""Where the daemon listens unless its configuration says otherwise."""

TIMEOUT_S: Final = 5.0
"""How long an answer is waited for."""

CHANGE_TIMEOUT_S: Final = 300.0
"""How long a change is waited for: a large network takes a while to apply."""

CHUNK: Final = 256 * 1024
"""Bytes read at once."""

CLASSES: Final[dict[str, type]] = {
    name: made for name in views.__all__ if isinstance(made := getattr(views, name), type)
} | {"PerDirection": PerDirection, "PerSegment": PerSegment}
"""What the decoder makes objects of."""


def hello(name: str) -> Any:
    """The first request of every connection."""
    versions = {"min": PROTOCOL_VERSION, "max": PROTOCOL_VERSION}
    return {"Hello": {"client": f"{name} {VERSION}", "versions": versions}}


def accepted(reply: Any) -> Any:
    """The reply, unless it is a refusal."""
    if isinstance(reply, views.Refusal):
        raise BY_CODE.get(reply.code, Refused)(reply.text)
    return reply


def expected(kind: type[Any], reply: Any) -> Any:
    """The reply, if it is an answer to what was asked."""
    if not isinstance(reply, kind):
        raise ProtocolError(f"the daemon's answer is no {kind.__name__}")
    return reply


def patience(timeout: float) -> float:
    """How long is waited; not to wait at all is no way to be answered."""
    if not timeout > 0:
        raise ValueError(f"a timeout is longer than no time: {timeout}")
    return timeout


def new_socket() -> socket.socket:
    """A socket as the daemon's is."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextmanager
def connecting(path: str) -> Iterator[None]:
    """Sorts what connecting says."""
    try:
        yield
    except TimeoutError as error:
        raise Timeout("the daemon did not answer in time") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(f"the daemon is not running: nobody listens on {path!r}") from error
    except PermissionError as error:
        raise PermissionDenied(f"no permission to open {path!r}") from error
    except OSError as error:
        raise ConnectError(f"could not connect to {path!r}: {error}") from error


@contextmanager
def exchanging() -> Iterator[None]:
    """Sorts what reading and writing say."""
    try:
        yield
    except TimeoutError as error:
        raise Timeout("the daemon did not answer in time") from error
    except OSError as error:
        raise closed() from error


def closed() -> Disconnected:
    """What the end of a stream means."""
    return Disconnected("the daemon closed the connection")
