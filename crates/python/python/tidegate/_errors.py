"""What can go wrong. `code` is for programs, the text is for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ._native import inert


class Error(Exception):
    """Whatever goes wrong between a script and Tidegate."""

    code: ClassVar[str] = "error"


class ConnectError(Error):
    """The daemon's socket could not be opened."""

    code = "connect"


class NotRunning(ConnectError):
    """Nobody listens on the socket: it does not exist, or was left behind."""

    code = "not-running"


class PermissionDenied(ConnectError):
    """The socket's permissions keep this user out."""

    code = "permission-denied"


class Timeout(Error, TimeoutError):
    """The daemon did not answer in time. What was asked for may still be done."""

    code = "timeout"


class Disconnected(Error, ConnectionError):
    """The daemon closed the connection: it was stopped or started anew, or handed over.

    The client's next call connects again; a subscription or a capture does not go on."""

    code = "disconnected"


class ProtocolError(Error):
    """What came is no message, or no answer to what was asked; or a request is too large to be sent."""

    code = "protocol"


class Refused(Error):
    """The daemon said no. There is a class for each of its codes."""

    def __init__(self, text: str) -> None:
        # the text may quote files and clients, and a traceback shows it
        super().__init__("\n".join(map(inert, text.splitlines())))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a network or in a file."""

    where: str
    """Whose: `circuit '17', device 'D1'` or `node 'Tower'`; the file where it is nobody's."""
    file: str
    """The file that has it, or would."""
    line: int | None
    """Its line, counted from 1, in the text that `Network.to_files` gives."""
    key: str | None
    """The key or column, where there is one."""
    why: str
    """What is wrong."""
    is_error: bool
    """Whether the network cannot be used; else it may not do what was meant."""
    help: str | None
    """What to do about it, where `why` does not say."""

    def __str__(self) -> str:
        severity = "error" if self.is_error else "warning"
        key = f"{self.key}: " if self.key else ""
        help = f"\n    {inert(self.help)}" if self.help else ""
        return inert(f"{self.where}: {severity}: {key}{self.why}") + help


class ValidationError(Error, ValueError):
    """A network cannot be used. `problems` are all that are wrong with it, warnings among them."""

    code = "validation"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        errors = [str(problem) for problem in self.problems if problem.is_error]
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        return "\n".join([f"the network has {count}:", *errors])
