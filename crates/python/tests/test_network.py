"""Networks that are built in Python: no daemon is needed."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from tidegate import (
    Circuit,
    Device,
    Gbps,
    Mbps,
    Network,
    Node,
    Problem,
    Rate,
    ValidationError,
    kbps,
    validate,
)


def built() -> Network:
    dish = Device("D2", "Dish, south", "02:00:00:00:00:02", ["100.64.0.8/30", "2001:db8:2::/56"])
    return Network(
        nodes=[
            Node("Tower", 1 * Gbps, "1 Gbps", kind="site", latitude=46.5, longitude=7.25),
            Node(
                "North",
                parent="Tower",
                download=2.5 * Mbps,
                id="n-1",
                circuits=[
                    Circuit(
                        "2",
                        "50 Mbps",
                        512 * kbps,
                        'Müller "5" & Co',
                        min_upload="0.1 Mbps",
                        sqm="cake/none",
                        comment="a, b",
                        devices=[Device("D1"), dish],
                    ),
                ],
            ),
            Node("Region", is_virtual=True, children=[Node("South", children=[Node("East")])]),
        ],
        circuits=[
            Circuit(
                "#1",
                100 * Mbps,
                "20 Mbps",
                parent="East",
                devices=[Device(addresses=[ip_address("100.64.0.1"), ip_network("fd00::/64")])],
            ),
            Circuit("3", "1 Gbps", "1 Gbps", devices=[Device(addresses=["100.64.0.3"])]),
        ],
    )


SETTINGS: dict[str, dict[str, object]] = {
    "interfaces": {"internet": "a", "customers": "b"},
    "queues": {"download": "1 Gbps", "upload": "1 Gbps"},
}


def problems(network: Network, **sections: dict[str, object]) -> list[Problem]:
    try:
        return validate(network, SETTINGS | sections if sections else None)
    except ValidationError as error:
        return list(error.problems)


def test_what_is_written_is_read_back() -> None:
    network = built()
    assert [p.why for p in validate(network)] == []
    again = Network.from_texts(*network.to_files())
    assert Network.from_texts(*again.to_files()) == again
    nodes = {node.name: (parent, node) for node, parent in again.walk()}
    assert [parent for parent, _ in nodes.values()] == [None, "Tower", None, "Region", "South"]
    assert nodes["North"][1].download == Rate("2.5 Mbps") and nodes["North"][1].id == "n-1"
    assert (nodes["Tower"][1].latitude, nodes["Tower"][1].kind) == (46.5, "site")
    assert nodes["Region"][1].is_virtual and nodes["South"][1].download is None
    circuits = {circuit.id: circuit for circuit in again.circuits}
    two = circuits["2"]
    assert (two.name, two.parent, two.sqm) == ('Müller "5" & Co', "North", "cake/none")
    assert (two.upload, two.min_upload, two.comment) == (512 * kbps, 100 * kbps, "a, b")
    assert two.devices[1] == built().nodes[1].circuits[0].devices[1]
    assert circuits["#1"].devices[0].addresses == ("100.64.0.1", "fd00::/64")
    assert circuits["3"].parent is None


def test_files_on_disk_are_read(tmp_path: Path) -> None:
    network, circuits = built().to_files()
    (tmp_path / "n.json").write_text(network)
    (tmp_path / "c.csv").write_text(circuits)
    assert Network.from_files(tmp_path / "n.json", tmp_path / "c.csv").to_files()[0] == network
    (tmp_path / "c.csv").write_text(circuits + "broken\n")
    with pytest.raises(ValidationError) as told:
        Network.from_files(tmp_path / "n.json", tmp_path / "c.csv")
    assert told.value.problems[0].where == "ShapedDevices.csv:6"


def test_all_problems_are_told_and_whose_they_are() -> None:
    network = built()
    network.nodes[1].download = "2.5 Mb"
    network.nodes.append(Node("Tower"))
    network.nodes.append(Node("Lost", parent="Nowhere"))
    network.circuits[0].parent = "Est"
    network.circuits[1].download = "100"
    network.circuits[1].devices.append(Device("X", addresses=["100.64.0.1", "100.64.0.300"]))
    with pytest.raises(ValidationError) as told:
        validate(network)
    found = {(problem.where, problem.why) for problem in told.value.problems}
    for where, why in [
        ("node 'North'", '"Mb" is not a unit of rate'),
        ("node 'Tower'", "has a node of this name"),
        ("node 'Lost'", "no node is called 'Nowhere'"),
        ("circuit '#1'", 'no node is called "Est"'),
        ("circuit '3'", '"100" has no unit'),
        ("circuit '3', device 'X'", '"100.64.0.300" is not an IP address'),
        ("circuit '3', device 'X'", 'belongs to circuit "#1" in line'),
    ]:
        assert [one for one in found if one[0] == where and why in one[1]], (where, why, found)
    assert all(problem.is_error for problem in told.value.problems)
    assert "the network has 7 errors:" in str(told.value)
    # a line that a text tells of is not left to be counted
    assert any("(circuit '#1')" in problem.why for problem in told.value.problems)
    with pytest.raises(ValidationError):
        network.to_files()
    changed = built()
    changed.circuits[0].upload = 50  # type: ignore[assignment]
    assert "50 has no unit" in problems(changed)[0].why


def test_what_only_the_box_knows_is_checked_with_its_settings(tmp_path: Path) -> None:
    assert problems(built()) == []
    wide = problems(built(), ranges={"customers": ["100.64.0.0/16"]})
    assert {one.where for one in wide} == {"circuit '2', device 'D2'", "circuit '#1'"}
    assert not any(one.is_error for one in wide)
    few = problems(built(), limits={"circuits": 2})
    assert "3 circuits are more than limits.circuits" in few[0].why and few[0].is_error
    wrong = problems(built(), limits={"circuit": 2})
    assert wrong[0].file == "settings" and wrong[0].help == 'did you mean "circuits"?'
    settings = tmp_path / "tidegate.toml"
    settings.write_text("[interfaces]\n")
    with pytest.raises(ValidationError) as told:
        validate(built(), settings)
    assert told.value.problems[0].file == str(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Circuit("1", 50, "1 Mbps"),  # type: ignore[arg-type]
        lambda: Circuit("1", 2.5, "1 Mbps"),  # type: ignore[arg-type]
        lambda: Node("A", download=100),  # type: ignore[arg-type]
        lambda: Device(addresses="100.64.0.1"),
    ],
)
def test_what_is_no_data_but_a_mistake_is_told_at_once(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        wrong()


def test_a_tree_that_bites_its_tail() -> None:
    loop = Network([Node("A", parent="B"), Node("B", parent="A")])
    assert {(one.where, one.why) for one in problems(loop)} == {
        ("node 'A'", "hangs from itself"),
        ("node 'B'", "hangs from itself"),
    }
    own = Node("A")
    own.children.append(own)
    with pytest.raises(ValueError, match="hangs from two nodes, or from itself"):
        validate(Network([own]))
    twice = Network([Node("A", circuits=[Circuit("1", "1 Mbps", "1 Mbps", parent="B")]), Node("B")])
    assert "but names 'B' as its parent" in problems(twice)[0].why


def test_rates_have_units() -> None:
    assert 2.5 * Mbps == Mbps * 2.5 == Rate("2.5 Mbps") == Rate(2_500_000)
    assert (str(50 * Mbps), repr(50 * Mbps), int(1 * kbps)) == ("50 Mbps", "Rate('50 Mbps')", 1000)
    assert repr(Rate(1_234_567_891)) == "Rate(1234567891)"
    assert 1 * Mbps < Rate("1 Gbps") and len({1 * Gbps, 1000 * Mbps}) == 1
    for wrong in ("50", "50 MB/s", "-1 Mbps", "Mbps"):
        with pytest.raises(ValueError):
            Rate(wrong)
    with pytest.raises(ValueError):
        Rate(-1)


def test_texts_that_would_act_on_a_terminal_are_told_inert() -> None:
    network = Network(circuits=[Circuit("a\x1b[2J", "1 Mbps", "1 Mbps", parent="x\n\x07")])
    network.nodes.append(Node("A"))
    with pytest.raises(ValidationError) as told:
        validate(network)
    assert "\x1b" not in str(told.value) and "\x07" not in str(told.value)
