"""Which events a bundle's events follow, and which they are."""

from bongsu.bearer.bundle import Bundle
from bongsu.bearer.causes import causes, event_ids
from bongsu.canonical import json_bytes
from bongsu.log.key import NodeKey
from bongsu.log.record import ForeignRecord, Header, Kind, Lane, body_hash
from bongsu.room.build import build
from bongsu.room.event import Event
from bongsu.room.versions import VERSIONS

KEY = NodeKey.generate()


def bundle(*bodies: bytes, kind: Kind = Kind.EVENT) -> Bundle:
    records = [
        ForeignRecord(Header(seq, kind, bytes(16), 0, 5, body_hash(body)), body)
        for seq, body in enumerate(bodies, 2)
    ]
    return Bundle(KEY.public, 7, Lane.TEXT, tuple(records), bytes(64))


def event(version: str, prev: tuple[str, ...]) -> Event:
    return build(
        VERSIONS[version],
        room_id="!room:x",
        sender="@a:x",
        type="m.room.message",
        content={"body": "x"},
        state_key=None,
        prev_events=prev,
        auth_events=(),
        depth=2,
        origin_server_ts=5,
        redacts=None,
    )


def test_a_bundles_events_and_what_they_follow() -> None:
    first = event("11", ("$" + "a" * 43,))
    second = event("11", (first.event_id,))
    made = bundle(*(json_bytes({"event": each.pdu}) for each in (first, second)))
    assert list(causes(made)) == ["$" + "a" * 43, first.event_id]
    assert event_ids(made, lambda room: "11") == {first.event_id, second.event_id}


def test_a_room_that_is_unknown_yet_may_be_of_any_version() -> None:
    first = event("10", ("$" + "a" * 43,))
    made = bundle(json_bytes({"event": first.pdu}))
    assert first.event_id in event_ids(made, lambda room: None)


def test_what_is_no_event_is_passed_over() -> None:
    odd = (b"", b"[]", b'{"event": 5}', b'{"event": {"prev_events": [5]}}', b"\xff", b'{"event": {}}')
    assert list(causes(bundle(*odd))) == []
    assert list(causes(bundle(b'{"event": {"prev_events": ["$x"]}}', kind=Kind.REGISTER))) == []
    event_ids(bundle(*odd[:4], odd[5]), lambda room: "11")
