"""What can go wrong, and how it is told."""

import grp
import os
import signal
import socket as sockets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import tidegate
from conftest import wait_for
from tidegate import Client

NOBODY = 65_534


@contextmanager
def as_nobody(group: int = NOBODY) -> Iterator[None]:
    """Connections in here are those of a user who is in no other group."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextmanager
def within_reach(socket: str) -> Iterator[Path]:
    """The daemon's socket where everybody gets to: the lab's folder is root's alone."""
    with TemporaryDirectory(dir=Path(socket).parents[2]) as folder:
        os.chmod(folder, 0o755)
        link = Path(folder) / "bus.sock"
        os.link(socket, link)
        yield link


def test_nobody_listens(tmp_path: Path) -> None:
    missing = tmp_path / "bus.sock"
    with pytest.raises(tidegate.NotRunning, match="nobody listens on") as told:
        Client(missing)
    assert told.value.code == "not-running" and isinstance(told.value, tidegate.ConnectError)
    # left behind by a daemon that was killed
    with sockets.socket(sockets.AF_UNIX) as left:
        left.bind(str(missing))
    with pytest.raises(tidegate.NotRunning):
        Client(missing)
    with pytest.raises(tidegate.ConnectError):
        Client(tmp_path / ("x" * 200))


def test_a_socket_out_of_reach(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(str(folder / "bus.sock"))
        listener.listen()
        with as_nobody(), pytest.raises(tidegate.PermissionDenied):
            Client(folder / "bus.sock")


def test_who_is_in_no_group_is_denied(socket: str) -> None:
    with within_reach(socket) as link, as_nobody(), pytest.raises(tidegate.Denied) as told:
        Client(link)
    assert told.value.code == "denied"


def test_who_may_look_changes_nothing(socket: str) -> None:
    # the lab's read_group, which Debian always has
    games = grp.getgrnam("games").gr_gid
    with within_reach(socket) as link, as_nobody(games), Client(link) as client:
        assert client.welcome.role == "read" and client.status().circuits == 3
        for change in (client.reload, client.sources, lambda: client.bypass(True)):
            with pytest.raises(tidegate.Denied):
                change()
        with pytest.raises(tidegate.Denied):
            client.capture(circuit="one")
        # a refusal is an answer: the connection is as good as before
        assert client.status().bypass is False


def test_who_never_answers_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus.sock"))
        listener.listen(0)
        with pytest.raises(tidegate.Timeout) as told:
            Client(tmp_path / "bus.sock", timeout=0.2)
        assert isinstance(told.value, TimeoutError)
        # by now the backlog is full, so that not even connecting goes on
        with pytest.raises(tidegate.Timeout):
            Client(tmp_path / "bus.sock", timeout=0.2)


def test_who_speaks_something_else(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus.sock"))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        speaker = threading.Thread(target=answer)
        speaker.start()
        with pytest.raises(tidegate.ProtocolError, match="does not speak this protocol"):
            Client(tmp_path / "bus.sock")
        speaker.join()


def test_a_daemon_that_starts_anew_is_told_and_found_again(
    client: Client, restart: Callable[[], None]
) -> None:
    views = client.subscribe(tidegate.topics.Status())
    next(views)
    restart()
    with pytest.raises(tidegate.Disconnected):
        for _ in views:
            pass
    assert list(views) == []
    with pytest.raises(tidegate.Disconnected) as told:
        client.status()
    assert isinstance(told.value, ConnectionError)
    assert wait_for(lambda: client.status().circuits) == 3


def test_ctrl_c_counts_while_a_call_waits(client: Client, tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "bus.sock"))
        silent.listen()
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        # it would be a timeout, and too late, if waiting could not be interrupted
        with pytest.raises(KeyboardInterrupt):
            Client(tmp_path / "bus.sock", timeout=30)
    assert client.status().circuits == 3


def test_a_timeout_is_some_time(socket: str) -> None:
    for timeout in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="a timeout is longer"):
            Client(socket, timeout=timeout)


def test_a_closed_client_says_so(socket: str) -> None:
    client = Client(socket)
    client.close()
    with pytest.raises(tidegate.Error, match="closed"):
        client.status()


def test_texts_of_refusals_are_inert(client: Client) -> None:
    with pytest.raises(tidegate.NotFound) as told:
        client.edit(tidegate.RemoveCircuit("\x1b[2J"))
    assert "\x1b" not in str(told.value)


def test_every_code_has_its_class() -> None:
    for code in ("denied", "not-found", "invalid", "busy", "outdated", "too-large", "internal"):
        name = "".join(word.title() for word in code.split("-"))
        refused = getattr(tidegate, name)
        assert issubclass(refused, tidegate.Refused) and refused.code == code
