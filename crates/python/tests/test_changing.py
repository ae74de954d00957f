"""Changes of the running daemon's network."""

import pytest
import tidegate
from conftest import wait_for
from tidegate import Circuit, CircuitEdit, Client, Device, Mbps, Network, Node, views


def circuits(client: Client) -> dict[str, Circuit]:
    return {circuit.id: circuit for circuit in Network.from_client(client).circuits}


def test_one_circuit_is_changed(client: Client, files: views.SourcesView) -> None:
    edited = client.edit(CircuitEdit("one", download="30 Mbps"), base=files.revision)
    counts = edited.reloaded.circuit_changes
    assert (counts.changed, counts.added, counts.removed) == (1, 0, 0)
    assert edited.revision == client.sources().revision != files.revision
    wait_for(lambda: client.circuits(id="one").rows[0].plan_bps.down == 30_000_000)
    # all other rows are as they were written
    assert client.sources().circuits == files.circuits.replace(",20,10,", ",30,10,")
    with pytest.raises(tidegate.Outdated) as told:
        client.edit(CircuitEdit("one", download="40 Mbps"), base=files.revision)
    assert told.value.code == "outdated"
    with pytest.raises(TypeError, match="has no unit"):
        client.edit(CircuitEdit("one", download=40))  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        client.edit(CircuitEdit("one", download="40"))


def test_several_changes_are_made_together_or_not_at_all(
    client: Client, files: views.SourcesView
) -> None:
    new = CircuitEdit(
        "four",
        parent="North",
        download=5 * Mbps,
        upload=5 * Mbps,
        min_download=1 * Mbps,
        min_upload=1 * Mbps,
        addresses=["100.64.1.4"],
    )
    with pytest.raises(tidegate.Invalid, match=r"100\.64\.1\.1"):
        client.edit(new, CircuitEdit("four", addresses=["100.64.1.1"]))
    assert client.sources() == files
    assert client.preview(new).changes and client.sources() == files
    edited = client.edit(new, tidegate.RemoveCircuit("two"))
    counts = edited.reloaded.circuit_changes
    assert (counts.added, counts.removed) == (1, 1)
    assert sorted(circuits(client)) == ["four", "one", "three"]


def test_a_network_is_submitted_as_what_differs(client: Client, files: views.SourcesView) -> None:
    network = Network.from_client(client)
    newest = client.events().newest
    assert not client.submit(network) and client.sources() == files
    # what changes nothing is not told as a change
    assert client.events().newest == newest
    network.circuits += [
        Circuit(
            f"c{n}", "5 Mbps", "5 Mbps", devices=[Device(f"Dc{n}", addresses=[f"100.64.2.{n}"])]
        )
        for n in range(1, 41)
    ]
    grown = client.submit(network)
    assert (len(grown.added), grown.removed, grown.changed) == (40, (), ())
    assert grown.edited and grown.edited.reloaded.circuit_changes.added == 40
    assert grown.revision == client.sources().revision
    before = client.sources().circuits
    by_id = {circuit.id: circuit for circuit in network.circuits}
    by_id["one"].download = 25 * Mbps
    by_id["c1"].devices.append(Device("Dc1b", addresses=["100.64.3.1"]))
    by_id["c2"].devices[0].mac = "02:00:00:00:00:01"
    network.circuits.remove(by_id["two"])
    dry = client.submit(network, dry_run=True)
    assert (dry.removed, dry.changed, dry.nodes_changed) == (("two",), ("c1", "c2", "one"), False)
    assert dry.preview and dry.preview.circuits and dry.edited is None
    assert client.sources().circuits == before
    done = client.submit(network, base=grown.revision)
    assert (done.removed, done.changed) == (dry.removed, dry.changed) and done.edited
    counts = done.edited.reloaded.circuit_changes
    assert (counts.removed, counts.changed) == (1, 3)
    # few circuits of many have changed: the other rows are as they were
    kept = [
        row for row in before.splitlines() if row.split(",")[0] not in ("one", "two", "c1", "c2")
    ]
    after = client.sources().circuits.splitlines()
    assert [row for row in after if row in kept] == kept
    with pytest.raises(tidegate.Outdated):
        client.submit(network, base=grown.revision)
    assert not client.submit(network)


def test_devices_that_cannot_be_named_one_by_one_go_as_the_whole_file(
    client: Client, files: views.SourcesView
) -> None:
    network = Network.from_client(client)
    unnamed = Device("", addresses=["100.64.2.1"])
    named = Device("R2", addresses=["100.64.2.2"])
    network.circuits.append(Circuit("c1", "5 Mbps", "5 Mbps", devices=[unnamed, named]))
    client.submit(network)
    unnamed.addresses = ["100.64.2.3"]
    assert client.submit(network).changed == ("c1",)
    assert "100.64.2.3" in client.sources().circuits
    network.circuits[-1].download = 6 * Mbps
    assert client.submit(network).changed == ("c1",)
    assert not client.submit(network)


def test_nodes_and_circuits_are_submitted_together(
    client: Client, files: views.SourcesView
) -> None:
    network = Network.from_client(client)
    network.nodes.append(Node("South", "50 Mbps", "50 Mbps", parent="Tower"))
    network.circuits[2].parent = "South"
    done = client.submit(network)
    assert done.nodes_changed and done.changed == ("three",)
    rows = wait_for(lambda: [r for r in client.tree() if r.name == "South" and r.circuits == 1])
    assert rows[0].depth == 1
    assert circuits(client)["three"].parent == "South"


def test_a_network_cut_short_takes_nobody_away(client: Client, files: views.SourcesView) -> None:
    network = Network.from_client(client)
    del network.circuits[:2]
    with pytest.raises(tidegate.Invalid, match="2 of 3 circuits would go"):
        client.submit(network)
    assert len(circuits(client)) == 3
    assert client.submit(network, shrink=True).removed == ("one", "two")


def test_a_network_with_problems_is_told_and_never_sent(
    client: Client, files: views.SourcesView
) -> None:
    network = Network.from_client(client)
    network.circuits[0].parent = "Nort"
    network.circuits[1].download = "5"
    with pytest.raises(tidegate.ValidationError) as told:
        client.submit(network)
    assert len(told.value.problems) == 2
    assert client.sources() == files


def test_the_daemon_reloads_bypasses_and_tells_it(client: Client) -> None:
    newest = client.events().newest
    client.bypass(True)
    assert wait_for(lambda: client.status().bypass)
    client.bypass(False)
    assert client.reload().circuits == 3
    assert client.preview().changes == ()
    events = client.events(after=newest, kinds=("bypass",))
    assert len(events) == 2
    cause = events.rows[0].cause
    assert isinstance(cause, views.Actor) and cause.client == f"python {tidegate.__version__}"


def test_a_handover_leaves_a_daemon_that_answers(socket: str) -> None:
    with Client(socket, name="crm") as client:
        views_of_old = client.subscribe(tidegate.topics.Status())
        next(views_of_old)
        client.handover()
        with pytest.raises(tidegate.Disconnected):
            for _ in views_of_old:
                pass

        def followed() -> bool:
            try:
                return len(client.circuits()) == 3
            except (tidegate.Disconnected, tidegate.ConnectError):
                return False

        assert wait_for(followed)
