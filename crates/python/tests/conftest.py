"""Tests run against a real daemon: `tests/end_to_end/python.rs` starts one and says where it is."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import tidegate

T = TypeVar("T")
DEADLINE_S = 30.0


def wait_for(look: Callable[[], T | None]) -> T:
    """What `look` finds in the end."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come in time")


@pytest.fixture(scope="session")
def socket() -> str:
    if path := os.environ.get("TIDEGATE_SOCKET"):
        return path
    pytest.skip("TIDEGATE_SOCKET names no daemon; `cargo xtask python` starts one")


@pytest.fixture
def client(socket: str) -> Iterator[tidegate.Client]:
    with tidegate.Client(socket) as client:
        yield client


@pytest.fixture
def restart() -> Callable[[], None]:
    """Stops the daemon and starts another."""

    def restarted() -> None:
        wish = Path(os.environ["TIDEGATE_ASKED"]) / "restart"
        wish.touch()
        wait_for(lambda: not wish.exists())

    return restarted


@pytest.fixture
def files(client: tidegate.Client) -> Iterator[tidegate.views.SourcesView]:
    """The files as they were, which they are again afterwards."""
    before = client.sources()
    yield before
    client.edit(
        tidegate.NetworkFile(before.network), tidegate.CircuitsFile(before.circuits), shrink=True
    )
    tick = client.status().tick
    wait_for(lambda: client.status().tick > tick)
