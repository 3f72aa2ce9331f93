"""The event format: what an event must look like, and what identifies it."""

from typing import Any

import pytest

from bongsu import limits
from bongsu.canonical import canonical_bytes
from bongsu.errors import MatrixError
from bongsu.room.build import build
from bongsu.room.event import Event, content_hash, hash_matches, reference_hash
from bongsu.room.versions import VERSIONS

ROOM_ID = "!room:bongsu.example"
HASH_ROOM_ID = "!" + "a" * 43


def message(id: str = "11", **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "room_id": HASH_ROOM_ID if id == "12" else ROOM_ID,
        "sender": "@alice:bongsu.example",
        "type": "m.room.message",
        "content": {"msgtype": "m.text", "body": "불이 났다"},
        "prev_events": ["$" + "p" * 43],
        "auth_events": ["$" + "a" * 43],
        "depth": 7,
        "origin_server_ts": 1_700_000_000_000,
        **changes,
    }
    return build(VERSIONS[id], **fields)


def test_an_event_has_the_fields_of_its_pdu() -> None:
    event = message(type="m.room.member", state_key="@b:h", content={"membership": "join"})
    assert event.key == ("m.room.member", "@b:h")
    assert event.membership == "join"
    assert event.prev_events == ("$" + "p" * 43,)
    assert event.auth_events == ("$" + "a" * 43,)
    assert (event.room_id, event.sender, event.depth) == (ROOM_ID, "@alice:bongsu.example", 7)
    assert event.origin_server_ts == 1_700_000_000_000
    assert event.pdu["hashes"] == {"sha256": content_hash(event.pdu)}
    assert event.event_id in repr(event)


def test_only_member_events_have_a_membership_and_only_state_events_a_key() -> None:
    assert message(content={"membership": "join"}).membership is None
    assert message(type="m.room.member", state_key="@b:h", content={"membership": 1}).membership is None
    with pytest.raises(AssertionError, match="state event"):
        _ = message().key


@pytest.mark.parametrize("id", VERSIONS)
def test_the_id_is_the_reference_hash_and_covers_the_content_through_its_hash(id: str) -> None:
    event = message(id)
    assert event.event_id == "$" + reference_hash(event.pdu, VERSIONS[id])
    assert message(id).event_id == event.event_id
    assert message(id, content={"body": "다른 말"}).event_id != event.event_id
    signed = {**event.pdu, "signatures": {"h": {"ed25519:1": "x"}}, "unsigned": {"age": 1}}
    assert Event.from_pdu(signed, VERSIONS[id]).event_id == event.event_id
    assert hash_matches(Event.from_pdu(signed, VERSIONS[id]))


def test_a_changed_content_no_longer_matches_its_hash() -> None:
    event = message()
    forged = Event.from_pdu({**event.pdu, "content": {"body": "거짓"}}, VERSIONS["11"])
    assert forged.event_id == event.event_id, "redaction removes the content, so the id cannot tell"
    assert hash_matches(event)
    assert not hash_matches(forged)


def test_a_create_event_of_version_12_names_its_room() -> None:
    create = build(
        VERSIONS["12"],
        room_id=None,
        sender="@alice:bongsu.example",
        type="m.room.create",
        content={"room_version": "12"},
        state_key="",
        prev_events=[],
        auth_events=[],
        depth=1,
        origin_server_ts=1,
    )
    assert create.room_id == "!" + create.event_id[1:]
    assert "room_id" not in create.pdu
    with pytest.raises(MatrixError, match="no room id"):
        Event.from_pdu({**create.pdu, "room_id": create.room_id}, VERSIONS["12"])


def test_a_trusted_event_equals_the_one_that_was_checked() -> None:
    event = message()
    loaded = Event.trusted(event.pdu, event.event_id, event.room_id)
    for name in Event.__slots__:
        assert getattr(loaded, name) == getattr(event, name)


def test_a_redaction_names_its_target_where_the_version_wants_it() -> None:
    target = "$" + "t" * 43
    old = message("10", type="m.room.redaction", content={"reason": "x"}, redacts=target)
    assert old.pdu["redacts"] == target
    assert old.content == {"reason": "x"}
    new = message("11", type="m.room.redaction", content={"reason": "x"}, redacts=target)
    assert new.content == {"reason": "x", "redacts": target}
    assert "redacts" not in new.pdu
    assert old.redacts == new.redacts == target
    assert Event.trusted(old.pdu, old.event_id, old.room_id, VERSIONS["10"]).redacts == target
    assert Event.trusted(new.pdu, new.event_id, new.room_id).redacts == target
    assert message("11", content={"redacts": target}).redacts is None
    assert message("11", type="m.room.redaction", content={"redacts": 1}).redacts is None


@pytest.mark.parametrize(
    "changes",
    [
        {"type": None},
        {"type": 1},
        {"content": []},
        {"content": {"a": 1.5}},
        {"content": {"a": "\ud800"}},
        {"content": {"a": 2**53}},
        {"sender": "alice"},
        {"sender": 1},
        {"room_id": 1},
        {"room_id": "room"},
        {"state_key": 1},
        {"state_key": None},
        {"origin_server_ts": "1"},
        {"origin_server_ts": True},
        {"depth": -1},
        {"depth": 2**53},
        {"depth": True},
        {"depth": 1.0},
        {"hashes": None},
        {"hashes": {}},
        {"hashes": {"sha256": 1}},
        {"unsigned": []},
        {"signatures": "x"},
        {"prev_events": "x"},
        {"prev_events": [1]},
        {"prev_events": [["$a", {"sha256": "x"}]]},
        {"prev_events": ["$" + "p" * 43] * 21},
        {"prev_events": ["$" + "p" * 300]},
        {"auth_events": ["x"]},
        {"auth_events": ["$" + "p" * 43] * 11},
    ],
)
def test_a_malformed_event_is_bad_json(changes: dict[str, Any]) -> None:
    with pytest.raises(MatrixError) as refusal:
        Event.from_pdu({**message().pdu, **changes}, VERSIONS["11"])
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_BAD_JSON")


@pytest.mark.parametrize(
    "name", ["type", "content", "sender", "room_id", "hashes", "depth", "origin_server_ts", "prev_events"]
)
def test_a_missing_field_is_bad_json(name: str) -> None:
    pdu = message().pdu
    with pytest.raises(MatrixError, match=f"M_BAD_JSON: The event has no {name}"):
        Event.from_pdu({key: value for key, value in pdu.items() if key != name}, VERSIONS["11"])


def test_a_room_of_version_12_has_no_server_in_its_id() -> None:
    with pytest.raises(MatrixError, match="names no server"):
        message("12", room_id=ROOM_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "가" * 86},
        {"state_key": "가" * 86},
        {"state_key": "a" * 256},
        {"sender": "@" + "a" * 255 + ":h"},
        {"room_id": "!" + "a" * 255 + ":h"},
    ],
)
def test_a_field_longer_than_255_bytes_is_too_large(changes: dict[str, Any]) -> None:
    with pytest.raises(MatrixError) as refusal:
        Event.from_pdu({**message().pdu, **changes}, VERSIONS["11"])
    assert (refusal.value.status, refusal.value.errcode) == (413, "M_TOO_LARGE")
    assert message(type="가" * 85, state_key="a" * 255).state_key == "a" * 255


def test_an_event_holds_65536_bytes_and_not_one_more() -> None:
    empty = len(canonical_bytes(message(content={"body": ""}).pdu))
    room = limits.EVENT_BYTES_MAX - empty
    assert len(canonical_bytes(message(content={"body": "a" * room}).pdu)) == limits.EVENT_BYTES_MAX
    with pytest.raises(MatrixError) as refusal:
        message(content={"body": "a" * (room + 1)})
    assert (refusal.value.status, refusal.value.errcode) == (413, "M_TOO_LARGE")
