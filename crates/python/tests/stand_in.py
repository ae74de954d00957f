"""Something in the daemon's place that speaks as a test wants it to."""

import socket as sockets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FRAMES = Path(__file__).parents[3] / "tests/bus_frames"
HEADER = 18


class Peer:
    """One client's connection."""

    def __init__(self, connection: sockets.socket) -> None:
        self.connection = connection

    def read(self, length: int, chunk: int = 65_536) -> bytes:
        """As many bytes, of which at most `chunk` are taken at once."""
        data = b""
        while len(data) < length:
            got = self.connection.recv(min(chunk, length - len(data)))
            if not got:
                raise EOFError
            data += got
        return data

    def asked(self, chunk: int = 65_536) -> bytes:
        """The next request, whole."""
        header = self.read(HEADER)
        return header + self.read(int.from_bytes(header[6:10], "little"), chunk)

    def answer(self, name: str, request: bytes | None) -> None:
        """Answers a request with a golden frame; none: it is not known what was asked."""
        self.connection.sendall(reply(name, request))

    def greet(self) -> None:
        """Answers the hello."""
        self.answer("welcome", self.asked())


def reply(name: str, request: bytes | None) -> bytes:
    """A golden frame as an answer to a request."""
    golden = bytes.fromhex((FRAMES / f"reply-{name}.hex").read_text())
    number = request[10:HEADER] if request else bytes(8)
    return golden[:10] + number + golden[HEADER:]


@contextmanager
def stand_in(folder: Path, serve: Callable[[Peer], None]) -> Iterator[str]:
    """Serves each client on a thread of its own until the client is gone."""
    path = folder / "stand_in.sock"
    path.unlink(missing_ok=True)

    def work(connection: sockets.socket) -> None:
        with connection, suppress(EOFError, ConnectionError):
            serve(Peer(connection))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=work, args=[connection], daemon=True).start()

    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield str(path)
        finally:
            listener.shutdown(sockets.SHUT_RDWR)
            acceptor.join()
