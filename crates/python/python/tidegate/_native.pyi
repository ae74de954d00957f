"""What is the same for a script and for the daemon, and therefore written once in Rust."""

from collections.abc import Mapping
from typing import Any, BinaryIO, Final, final

__all__ = [
    "MAX_EDITS",
    "PROTOCOL_VERSION",
    "VERSION",
    "Decoder",
    "PcapngWriter",
    "encode",
    "format_rate",
    "inert",
    "parse_rate",
    "read_files",
    "settings_text",
]

VERSION: Final[str]
"""The version of the package, which is that of all of Tidegate."""

PROTOCOL_VERSION: Final[int]
"""The version of the bus's protocol."""

MAX_EDITS: Final[int]
"""The most edits of one change."""

def inert(text: str) -> str:
    """Text with everything replaced that would act on a terminal, line breaks among it."""

def encode(id: int, request: object) -> bytes:
    """The frame of a request that is written as JSON would write it."""

@final
class Decoder:
    """Takes a stream's bytes as they come and gives the replies in them."""

    def __new__(cls, classes: dict[str, type]) -> Decoder: ...
    def feed(self, data: bytes) -> list[tuple[int, Any]]:
        """The replies that are whole now, each with the id of its request."""

@final
class PcapngWriter:
    """Writes a capture to a binary file."""

    def __new__(
        cls,
        file: BinaryIO,
        program: str,
        comment: str,
        interfaces: list[dict[str, Any]],
        snap_length: int,
    ) -> PcapngWriter: ...
    def packet(
        self, seen_ns: int, interface: int, direction: str, length: int, bytes: bytes
    ) -> None:
        """Adds a packet, given by its fields."""

    def finish(self, lost: int) -> None:
        """Ends the capture, of which so many packets were lost."""

def read_files(
    settings: tuple[str, bytes] | None, network: bytes, circuits: bytes
) -> tuple[
    list[tuple[str, int | None, str | None, str, bool, str | None]],
    dict[str, list[dict[str, Any]]] | None,
]:
    """All problems of the files, and what they say where none is an error."""

def settings_text(sections: Mapping[str, Mapping[str, object]]) -> str:
    """The text of tidegate.toml with these sections."""

def parse_rate(text: str) -> int:
    """Bits per second of a text like `50 Mbps`."""

def format_rate(bps: int) -> str:
    """The text of a rate."""
