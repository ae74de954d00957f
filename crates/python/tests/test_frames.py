"""Messages as bytes: the same files that old clients of the bus live on."""

import json
from pathlib import Path

import pytest
from tidegate import Page, Record, views
from tidegate._native import Decoder, encode
from tidegate._wire import CLASSES

FRAMES = Path(__file__).parents[3] / "tests/bus_frames"
ID = 0x0102_0304_0506_0708


def frame(name: str) -> bytes:
    return bytes.fromhex((FRAMES / f"{name}.hex").read_text())


@pytest.mark.parametrize("path", sorted(FRAMES.glob("reply-*.hex")), ids=lambda path: path.stem)
def test_every_reply_becomes_what_it_is_declared_to_be(path: Path) -> None:
    data = frame(path.stem)
    decoder = Decoder(CLASSES)
    # in two pieces, as a stream may bring it
    assert decoder.feed(data[:10]) == []
    [(number, reply)] = decoder.feed(data[10:])
    assert number == ID
    if path.stem == "reply-done":
        assert reply == "Done"
    elif path.stem == "reply-captured":
        assert all(isinstance(packet, views.CapturedPacket) for packet in reply)
        assert all(isinstance(packet.bytes, bytes) for packet in reply)
    else:
        assert isinstance(reply, Record)
        json.dumps(reply.to_dict())
        flat = reply.to_dict(flat=True)
        assert not [name for name, value in flat.items() if isinstance(value, (dict, Record))]
    if isinstance(reply, Page):
        assert len(reply) == len(reply.to_dicts()) > 0


def test_variants_letters_and_handles_are_what_json_has() -> None:
    def reply(name: str) -> views.FlowsPage | views.EventsPage | views.CircuitsPage:
        return Decoder(CLASSES).feed(frame(name))[0][1]  # type: ignore[no-any-return]

    flow = reply("reply-flows").rows[0]
    assert isinstance(flow, views.FlowRow)
    assert set(flow.streams.down.tcp_flags) <= set("FSRPAUEC")
    causes = {type(row.cause) for row in reply("reply-events").rows}  # type: ignore[union-attr]
    assert causes <= {views.Actor, str} and views.Actor in causes


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("plan", "Plan"),
        ("reload", {"Reload": {"shrink": True}}),
        ("sources", "Sources"),
        ("handover", "Handover"),
        ("show-status", {"Show": "Status"}),
        ("preview", {"Preview": None}),
    ],
)
def test_requests_are_the_bytes_that_a_daemon_knows(name: str, request_: object) -> None:
    assert encode(ID, request_) == frame(f"request-{name}")


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(TypeError, match="unknown variant `Explode`"):
        encode(1, "Explode")
    with pytest.raises(ValueError, match="does not speak this protocol"):
        Decoder(CLASSES).feed(b"GET / HTTP/1.1\r\n")
    broken = bytearray(frame("reply-circuits"))
    broken[30:] = b"\xff" * (len(broken) - 30)
    with pytest.raises(ValueError):
        Decoder(CLASSES).feed(bytes(broken))
    with pytest.raises(TypeError, match="no class is made of"):
        Decoder({}).feed(frame("reply-circuits"))
