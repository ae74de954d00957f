"""Subscriptions and captures, blocking and in an event loop."""

import asyncio
import gc
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tidegate
from conftest import wait_for
from tidegate import AsyncClient, Client, topics, views


def clients(client: Client) -> int:
    return client.status().clients


def test_views_come_once_a_tick_and_end_with_whoever_reads_them(client: Client) -> None:
    before = clients(client)
    ticks = []
    for page in client.subscribe(topics.Circuits(sort="id", limit=2)):
        assert [row.id for row in page] == ["one", "three"]
        # the loop's own connection is no one's in the way
        assert client.status().circuits == 3
        ticks.append(page.tick)
        if len(ticks) == 2:
            break
    assert ticks[1] > ticks[0]
    wait_for(lambda: clients(client) == before)
    with client.subscribe(topics.History()) as history:
        assert next(history).points
        history.close()
        assert list(history) == []


def test_events_are_sent_once(client: Client) -> None:
    with client.subscribe(topics.Events(kinds=("bypass",))) as events:
        seen = [row.number for row in next(events)]
        client.bypass(True)
        client.bypass(False)
        new: list[views.EventRow] = []
        while len(new) < 2:
            new.extend(next(events))
    assert len(new) == 2 and not {row.number for row in new} & set(seen)


def test_packets_are_captured(client: Client, tmp_path: Path) -> None:
    capture = client.capture(circuit="one", packets=20, snap_length=64)
    assert {nic.side for nic in capture.capturing.interfaces} == {"customers", "internet"}
    packets = list(capture)
    assert len(packets) == 20 and capture.ended and capture.ended.reason == "packets"
    assert {packet.direction for packet in packets} == {"download", "upload"}
    assert all(len(p.bytes) <= 64 < p.length and isinstance(p.bytes, bytes) for p in packets)
    file = tmp_path / "one.pcapng"
    file.write_bytes(b"what everybody may read")
    file.chmod(0o644)
    assert client.capture(host="100.64.1.1", packets=10).write_pcapng(file) == 10
    read = subprocess.run(["tshark", "-r", file], capture_output=True, text=True, check=True)
    assert read.stdout.count("ICMP") == 10
    assert file.stat().st_mode & 0o777 == 0o600
    with client.capture(circuit="one", seconds=30) as stopped:
        next(stopped)
        stopped.stop()
        list(stopped)
        assert stopped.ended and stopped.ended.reason == "asked"
    with pytest.raises(tidegate.NotFound):
        client.capture(circuit="nobody")
    with pytest.raises(TypeError, match="either a circuit or a host"):
        client.capture()


def test_calls_of_several_tasks_share_a_connection(socket: str) -> None:
    async def main() -> None:
        async with AsyncClient(socket) as client:
            one, two, three = await asyncio.gather(
                client.status(), client.circuits(limit=1), client.tree()
            )
            assert (one.circuits, len(two), len(three)) == (3, 1, 2)
            assert [row.id async for row in client.iter_circuits(page=2)] == ["one", "three", "two"]
            assert (await client.welcome()).role == "control"
            with pytest.raises(tidegate.NotFound):
                await client.tree(node="nowhere")
            sources = await client.sources()
            network = tidegate.Network.from_texts(sources.network, sources.circuits)
            assert not await client.submit(network, dry_run=True)
        with pytest.raises(tidegate.Error, match="closed"):
            await client.status()

    asyncio.run(main())


def test_a_cancelled_call_leaves_the_client_usable_and_the_loop_runs(socket: str) -> None:
    async def main() -> None:
        async with AsyncClient(socket) as client:
            for patience in (0.0, 0.0001, 0.001):
                task = asyncio.create_task(client.circuits())
                await asyncio.sleep(patience)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert (await client.status()).circuits == 3
            views = client.subscribe(topics.Status())
            last = await anext(views)
            # who waits no longer than this gets the next one later
            for _ in range(20):
                try:
                    last = await asyncio.wait_for(anext(views), 0.01)
                except TimeoutError:
                    break
            else:
                raise AssertionError("views came without a pause")
            assert (await anext(views)).tick > last.tick
            await views.aclose()
            assert [view async for view in views] == []

    asyncio.run(main(), debug=True)


def test_an_async_subscription_ends_with_its_loop(client: Client, socket: str) -> None:
    before = clients(client)

    async def main() -> None:
        asynchronous = AsyncClient(socket)
        async for view in asynchronous.subscribe(topics.Status()):
            assert view.circuits == 3
            break
        gc.collect()
        await asyncio.to_thread(wait_for, lambda: clients(client) == before)
        await asynchronous.aclose()

    asyncio.run(main())


def test_a_restart_ends_async_subscriptions_and_the_next_call_connects(
    socket: str, restart: Callable[[], None]
) -> None:
    async def main() -> None:
        async with AsyncClient(socket) as client, client.subscribe(topics.Status()) as views:
            await anext(views)
            await asyncio.to_thread(restart)
            with pytest.raises(tidegate.Disconnected):
                async for _ in views:
                    pass
            assert [view async for view in views] == []
            assert (await client.status()).mode == "bridge"

    asyncio.run(main())


def test_packets_are_captured_in_a_loop(socket: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(socket) as client:
            capture = await client.capture(circuit="one", packets=5)
            assert len([packet async for packet in capture]) == 5
            assert capture.ended and capture.ended.captured >= 5
            file = tmp_path / "one.pcapng"
            capture = await client.capture(circuit="one", seconds=30)
            await capture.stop()
            await capture.write_pcapng(file)
            assert file.stat().st_size > 100
            with pytest.raises(tidegate.NotFound):
                await client.capture(circuit="nobody")

    asyncio.run(main())


def test_nobody_answers_in_a_loop(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(tidegate.NotRunning):
            async with AsyncClient(tmp_path / "bus.sock"):
                pass
        silent = await asyncio.start_unix_server(lambda *_: asyncio.sleep(5), tmp_path / "s.sock")
        with pytest.raises(tidegate.Timeout):
            async with AsyncClient(tmp_path / "s.sock", timeout=0.2):
                pass
        silent.close()

    asyncio.run(main())
