"""Every view of the bus, as objects and as rows of tables."""

import dataclasses
import json
import threading
import time

import pandas
import pytest
import tidegate
from conftest import wait_for
from tidegate import Client, views


def test_the_daemon_says_who_it_is_and_what_one_may(client: Client) -> None:
    assert client.welcome.role == "control"
    assert client.welcome.daemon_version == tidegate.__version__


def test_every_topic_is_read(client: Client) -> None:
    status = client.status()
    assert (status.circuits, status.nodes, status.mode) == (3, 2, "bridge")
    assert {nic.side for nic in status.nics} == {"customers", "internet"}
    tree = wait_for(lambda: client.tree() if len(client.tree()) == 2 else None)
    assert [(row.name, row.depth) for row in tree] == [("Tower", 0), ("North", 1)]
    assert [row.name for row in client.tree(node="North")] == ["North"]
    assert client.queues().queues
    assert wait_for(lambda: len(client.unknown()))
    assert wait_for(lambda: len(client.flows(circuit="one")))
    assert [row.circuit for row in client.hosts(kind="known", circuit="one")] == ["one"]
    assert client.origins().rows == () or client.origins().rows[0].flows >= 0
    assert len(client.rtt(histogram=True)) == 1
    assert client.retransmits(events=10).rows
    assert client.events().rows[0].kind == "daemon"
    assert client.history().points
    plan = client.plan()
    assert plan.config.endswith("tidegate.toml")
    assert "one" in json.loads(plan.json)["circuits"][0].values()


def test_a_query_filters_orders_and_cuts(client: Client) -> None:
    ids = [row.id for row in client.circuits(sort="id", descending=True)]
    assert ids == ["two", "three", "one"]
    page = client.circuits(node="Tower", limit=1, offset=1)
    assert (page.total, page.matched, len(page), page.rows[0].id) == (3, 2, 1, "two")
    assert [row.id for row in client.circuits(filter="100.64.1.3")] == ["three"]
    assert [row.id for row in client.iter_circuits(page=1)] == ["one", "three", "two"]
    with pytest.raises(TypeError, match="shares"):
        client.circuits(sort="shares")  # type: ignore[arg-type]


def test_rows_are_frozen_records_that_say_what_they_hold(client: Client) -> None:
    row = client.circuits(id="one").rows[0]
    assert row.plan_bps == tidegate.PerDirection(20_000_000, 10_000_000)
    assert repr(row).startswith("CircuitRow(id='one', name='Circuit one', node='North'")
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.name = "x"  # type: ignore[misc]
    assert row.to_dict()["plan_bps"] == {"down": 20_000_000, "up": 10_000_000}
    assert json.loads(json.dumps(client.status().to_dict()))["mode"] == "bridge"
    assert "class" in row.to_dict() and row.class_.down


def test_tables_are_flat_and_their_columns_do_not_depend_on_what_is_there(client: Client) -> None:
    for page in (client.circuits(), client.hosts(), client.flows(), client.tree(), client.rtt()):
        dicts = page.to_dicts()
        assert len({tuple(one) for one in dicts}) <= 1
    columns = set(client.circuits().to_dicts()[0])
    assert {"plan_bps_down", "rtt_customer_p90_us", "leaf_down_drops", "class_up"} <= columns
    frame = pandas.DataFrame(client.circuits().to_dicts()).set_index("id")
    assert frame.loc["one", "plan_bps_down"] == 20_000_000
    first = [frame[name].iloc[0] for name in frame.columns]
    assert not [value for value in first if isinstance(value, (dict, tidegate.Record))]


def test_what_is_not_there_and_what_makes_no_sense_is_told(client: Client) -> None:
    with pytest.raises(tidegate.NotFound) as told:
        client.tree(node="nowhere")
    assert told.value.code == "not-found" and "nowhere" in str(told.value)
    with pytest.raises(ValueError, match="at least one row"):
        next(client.iter_circuits(page=0))


def test_other_threads_run_while_a_call_waits_and_share_a_client(client: Client) -> None:
    counted = 0
    over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    ticks: list[int] = []
    for view in client.subscribe(tidegate.topics.Status()):
        ticks.append(view.tick)
        if len(ticks) == 3:
            break
    over.set()
    counter.join()
    # two ticks take two seconds, of which a waiting thread that held the lock would leave nothing
    assert counted > 50
    answers: list[views.StatusView] = []
    askers = [threading.Thread(target=lambda: answers.append(client.status())) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(answers) == 8
