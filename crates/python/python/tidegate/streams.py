"""What is sent piece by piece: views of a subscription, packets of a capture."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

from . import _requests, views
from ._connection import Connection
from ._native import PcapngWriter
from ._topic import Topic
from ._wire import expected

V = TypeVar("V")


class _Stream:
    """A connection for one purpose. It ends with whoever reads it."""

    def __init__(self, connection: Connection, request: Any, timeout: float) -> None:
        self._connection: Connection | None = connection
        self._timeout = timeout
        try:
            self._id = connection.send(request, monotonic() + timeout)
        except BaseException:
            self.close()
            raise

    def _receive(self) -> Any:
        """The next piece; nothing when it was closed. After an error there is none."""
        if not self._connection:
            raise StopIteration
        try:
            return self._connection.receive(self._id, monotonic() + self._timeout)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends it. Iterating ends, too."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # whoever breaks out of a loop need not think of it
        if getattr(self, "_connection", None):
            self.close()


class Subscription(_Stream, Generic[V]):
    """Views as they come, one a tick, until it is closed or nobody refers to it.

    `Disconnected` ends it when the daemon stops or starts anew; `Timeout` when no view comes."""

    def __init__(self, connection: Connection, topic: Topic[V], timeout: float) -> None:
        super().__init__(connection, _requests.subscribe(topic), timeout)

    def __enter__(self) -> Subscription[V]:
        return self

    def __iter__(self) -> Iterator[V]:
        return self

    def __next__(self) -> V:
        view: V = self._receive()
        return view


class Capture(_Stream):
    """Packets as they come. Iterating ends with the capture.

    Packets are taken as they arrive at the box, before they wait in any queue."""

    def __init__(self, connection: Connection, request: Any, target: str, timeout: float) -> None:
        self.ended: views.CaptureEnded | None = None
        """How it ended; none while it goes on, or when it failed."""
        self._target = target
        self._program = f"tidegated {connection.welcome.daemon_version}"
        self._batch: deque[views.CapturedPacket] = deque()
        super().__init__(connection, request, timeout)
        self.capturing: views.Capturing = expected(views.Capturing, self._receive())
        """Where packets are captured, and the bounds that the daemon keeps."""

    def __enter__(self) -> Capture:
        return self

    def __iter__(self) -> Iterator[views.CapturedPacket]:
        return self

    def __next__(self) -> views.CapturedPacket:
        # a batch is empty when nothing came for a second
        while not self._batch:
            step = self._receive()
            if isinstance(step, views.CaptureEnded):
                self.ended = step
                self.close()
                raise StopIteration
            self._batch.extend(step)
        return self._batch.popleft()

    def stop(self) -> None:
        """Asks for its end. Packets under way still come, then iterating ends."""
        if self._connection:
            self._connection.send({"Unsubscribe": self._id}, monotonic() + self._timeout)

    def write_pcapng(self, file: str | os.PathLike[str] | BinaryIO) -> int:
        """Writes all packets that still come to a pcapng file, and tells how many.

        The file is valid even when the capture fails."""
        if isinstance(file, (str, os.PathLike)):
            with open_private(file) as opened:
                return self.write_pcapng(opened)
        begun = begin_pcapng(file, self._program, self._target, self.capturing)
        written = 0
        try:
            for packet in self:
                add_packet(begun, packet)
                written += 1
        finally:
            begun.finish(self.ended.lost if self.ended else 0)
        return written


@contextmanager
def open_private(file: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a file to write that only its owner may read: a capture tells who spoke with whom."""
    with open(file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
        if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            os.fchmod(opened.fileno(), 0o600)
        yield opened


def begin_pcapng(
    file: BinaryIO, program: str, target: str, capturing: views.Capturing
) -> PcapngWriter:
    """Begins a file of what is captured."""
    comment = f"{target}, as packets arrived, before any queue"
    interfaces = [interface.to_dict() for interface in capturing.interfaces]
    return PcapngWriter(file, program, comment, interfaces, capturing.snap_length)


def add_packet(file: PcapngWriter, packet: views.CapturedPacket) -> None:
    """Adds a packet to it."""
    file.packet(packet.seen_ns, packet.interface, packet.direction, packet.length, packet.bytes)
