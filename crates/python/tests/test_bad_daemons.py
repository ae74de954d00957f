"""Daemons that are slow, say no or go away: a script is told in time, and told why."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import tidegate
from stand_in import Peer, reply, stand_in
from tidegate import AsyncClient, Client, topics

TIMEOUT_S = 1.0
# larger than what lies in a socket between two processes
FILE = tidegate.CircuitsFile("x" * 1_000_000)

# what both clients do alike, given the socket's path
Play = Callable[[str], None]


def blocking(play: Callable[[Client], Any]) -> Play:
    def played(path: str) -> None:
        with Client(path, timeout=TIMEOUT_S) as client:
            play(client)

    return played


def in_a_loop(play: Callable[[AsyncClient], Awaitable[Any]]) -> Play:
    async def main(path: str) -> None:
        async with AsyncClient(path, timeout=TIMEOUT_S) as client:
            await play(client)

    return lambda path: asyncio.run(main(path))


async def drained(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]


def answers_a_byte_at_a_time(peer: Peer) -> None:
    peer.greet()
    # each byte is in time, all of them take half a minute
    for byte in reply("status", peer.asked()):
        peer.connection.sendall(bytes([byte]))
        sleep(TIMEOUT_S / 10)


def test_an_answer_that_trickles_in_takes_no_longer_than_said(tmp_path: Path) -> None:
    with stand_in(tmp_path, answers_a_byte_at_a_time) as path:
        for play in (blocking(lambda client: client.status()), in_a_loop(AsyncClient.status)):
            with pytest.raises(tidegate.Timeout):
                play(path)

    def greets_a_byte_at_a_time(peer: Peer) -> None:
        for byte in reply("welcome", peer.asked()) * 100:
            peer.connection.sendall(bytes([byte]))
            sleep(TIMEOUT_S / 10)

    with stand_in(tmp_path, greets_a_byte_at_a_time) as path:
        for play in (blocking(lambda _: None), in_a_loop(AsyncClient.welcome)):
            with pytest.raises(tidegate.Timeout):
                play(path)


def test_a_subscription_that_trickles_in_takes_no_longer_than_said(tmp_path: Path) -> None:
    with stand_in(tmp_path, answers_a_byte_at_a_time) as path:
        with Client(path) as client, pytest.raises(tidegate.Timeout):
            next(client.subscribe(topics.Status(), timeout=TIMEOUT_S))

        async def main() -> None:
            async with AsyncClient(path) as client:
                await anext(client.subscribe(topics.Status(), timeout=TIMEOUT_S))

        with pytest.raises(tidegate.Timeout):
            asyncio.run(main())


def test_waiting_for_another_threads_call_counts(tmp_path: Path) -> None:
    over, asked = threading.Event(), threading.Event()

    def never_answers(peer: Peer) -> None:
        peer.greet()
        peer.asked()
        asked.set()
        over.wait()

    with stand_in(tmp_path, never_answers) as path:
        client = Client(path, timeout=TIMEOUT_S)

        def change() -> None:
            with pytest.raises(tidegate.Disconnected):
                client.reload(timeout=5 * TIMEOUT_S)

        other = threading.Thread(target=change)
        other.start()
        asked.wait()
        with pytest.raises(tidegate.Timeout, match="other threads"):
            client.status()
        over.set()
        other.join()


def test_a_large_request_arrives_whole_at_who_takes_little_at_once(tmp_path: Path) -> None:
    lengths = []

    def takes_little(peer: Peer) -> None:
        peer.greet()
        request = peer.asked(chunk=1000)
        lengths.append(request.count(b"x"))
        peer.answer("edited", request)

    with stand_in(tmp_path, takes_little) as path:
        for play in (blocking(lambda client: client.edit(FILE)), in_a_loop(lambda c: c.edit(FILE))):
            play(path)
    assert len(lengths) == 2 and min(lengths) >= 1_000_000


def test_who_takes_nothing_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    over = threading.Event()

    def takes_nothing(peer: Peer) -> None:
        peer.greet()
        over.wait()

    with stand_in(tmp_path, takes_nothing) as path:
        for play in (
            blocking(lambda client: client.edit(FILE, timeout=TIMEOUT_S)),
            in_a_loop(lambda client: client.edit(FILE, timeout=TIMEOUT_S)),
        ):
            with pytest.raises(tidegate.Timeout):
                play(path)
        over.set()


def test_a_refusal_is_told_though_the_request_was_not_read(tmp_path: Path) -> None:
    def refuses(peer: Peer) -> None:
        peer.greet()
        peer.read(18)
        peer.answer("error", None)

    with stand_in(tmp_path, refuses) as path:
        for play in (blocking(lambda client: client.edit(FILE)), in_a_loop(lambda c: c.edit(FILE))):
            with pytest.raises(tidegate.Refused) as told:
                play(path)
            assert told.value.code == "denied"


def views_then(end: Callable[[Peer, bytes], None]) -> Callable[[Peer], None]:
    def serve(peer: Peer) -> None:
        peer.greet()
        request = peer.asked()
        peer.answer("status", request)
        end(peer, request)

    return serve


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda peer, request: peer.answer("error", request), tidegate.Refused),
        (lambda _peer, _request: None, tidegate.Disconnected),
    ],
)
def test_a_subscription_that_fails_says_why(
    tmp_path: Path, end: Callable[[Peer, bytes], None], error: type[tidegate.Error]
) -> None:
    with stand_in(tmp_path, views_then(end)) as path:
        seen = []
        with Client(path) as client, pytest.raises(error):
            for view in client.subscribe(topics.Status()):
                seen.append(view)

        async def main() -> None:
            async with AsyncClient(path) as client:
                async for view in client.subscribe(topics.Status()):
                    seen.append(view)

        with pytest.raises(error):
            asyncio.run(main())
    assert len(seen) == 2


def test_a_connection_that_is_lost_at_once_is_told_by_every_iterator(tmp_path: Path) -> None:
    def iterators(client: Any) -> list[Iterator[Any]]:
        return [client.subscribe(topics.Status()), client.iter_circuits()]

    with stand_in(tmp_path, Peer.greet) as path:
        with Client(path) as client:
            for rows in iterators(client):
                with pytest.raises(tidegate.Disconnected):
                    list(rows)
            with pytest.raises(tidegate.Disconnected):
                client.capture(circuit="one")

        async def main() -> None:
            async with AsyncClient(path) as client:
                for rows in iterators(client):
                    with pytest.raises(tidegate.Disconnected):
                        await drained(rows)  # type: ignore[arg-type]
                    # and there is no more of it
                    assert await drained(rows) == []  # type: ignore[arg-type]
                with pytest.raises(tidegate.Disconnected):
                    await client.capture(circuit="one")

        asyncio.run(main())
