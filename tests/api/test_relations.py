"""Relations between events, and replacing a room by another."""

from collections.abc import Callable

import pytest

from tests.api.client import Json, User

RELATIONS = "/_matrix/client/v1/rooms"


def relate(user: User, room: str, event_id: str, kind: str, event_type: str = "m.room.message") -> str:
    body = {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": kind, "event_id": event_id}}
    return user.send(room, body, event_type)


def chunk(user: User, room: str, event_id: str, *kinds: str, **query: object) -> list[str]:
    answer = user.get(RELATIONS, room, "relations", event_id, *kinds, **query)
    return [event["event_id"] for event in answer["chunk"]]


def test_relations(alice: User, bob: User) -> None:
    room = alice.create_room()
    top = alice.send(room, "머리")
    replies = [relate(alice, room, top, "m.thread") for _ in range(3)]
    reaction = relate(alice, room, top, "m.annotation", "m.reaction")
    assert chunk(alice, room, top) == [reaction, *replies[::-1]]
    assert chunk(alice, room, top, dir="f") == [*replies, reaction]
    assert chunk(alice, room, top, "m.thread") == replies[::-1]
    assert chunk(alice, room, top, "m.annotation", "m.reaction") == [reaction]
    assert chunk(alice, room, top, "m.annotation", "m.room.message") == []
    below = relate(alice, room, replies[0], "m.annotation", "m.reaction")
    assert below not in chunk(alice, room, top)
    assert chunk(alice, room, top, recurse="true") == [below, reaction, *replies[::-1]]
    alice.put("rooms", room, "redact", replies[1], "once")
    assert replies[1] not in chunk(alice, room, top)
    bob.refused(403, "M_FORBIDDEN", "GET", RELATIONS, room, "relations", top)
    alice.refused(404, "M_NOT_FOUND", "GET", RELATIONS, room, "relations", "$nothing")


@pytest.mark.parametrize("direction", ["f", "b"])
def test_pages_of_relations(alice: User, direction: str) -> None:
    room = alice.create_room()
    top = alice.send(room, "머리")
    replies = [relate(alice, room, top, "m.thread") for _ in range(5)]
    found: list[str] = []
    query: Json = {"dir": direction, "limit": 2}
    for _ in range(3):
        answer = alice.get(RELATIONS, room, "relations", top, **query)
        found += [event["event_id"] for event in answer["chunk"]]
        query["from"] = answer.get("next_batch")
    assert query["from"] is None
    assert found == (replies if direction == "f" else replies[::-1])


def test_a_circle_of_relations_ends(alice: User) -> None:
    room = alice.create_room()
    top = alice.send(room, "처음")
    for _ in range(5):
        relate(alice, room, top, "m.thread")
    assert len(chunk(alice, room, top, recurse="true", limit=10**12)) == 5
    for query in ({"dir": "x"}, {"limit": "x"}, {"from": "x"}, {"recurse": "x"}):
        answer = alice.request("GET", RELATIONS, room, "relations", top, query=query)
        assert answer.status_code == 400


@pytest.mark.parametrize("before", ["10", "11", "12"])
@pytest.mark.parametrize("after", ["10", "12"])
def test_an_upgrade_moves_a_room(
    alice: User, bob: User, make_user: Callable[[str], User], before: str, after: str
) -> None:
    alias = f"up-{before}-{after}-{alice.name}"
    old = alice.create_room(
        room_version=before,
        name="옛 방",
        preset="public_chat",
        visibility="public",
        room_alias_name=alias,
        power_level_content_override={"events": {"m.room.name": 30, "m.room.tombstone": 100}},
        creation_content={"type": "m.space"},
    )
    bob.join(old)
    bob.refused(403, "M_FORBIDDEN", "POST", "rooms", old, "upgrade", body={"new_version": after})
    new = alice.post("rooms", old, "upgrade", body={"new_version": after})["replacement_room"]
    assert alice.get("rooms", old, "state", "m.room.tombstone")["replacement_room"] == new
    create = alice.get("rooms", new, "state", "m.room.create")
    assert create["predecessor"]["room_id"] == old
    assert (create["room_version"], create["type"]) == (after, "m.space")
    assert alice.get("rooms", new, "state", "m.room.name") == {"name": "옛 방"}
    assert alice.get("rooms", new, "state", "m.room.power_levels")["events"]["m.room.name"] == 30
    assert alice.get("directory/room", f"#{alias}:localhost")["room_id"] == new
    assert alice.get("rooms", new, "state", "m.room.canonical_alias") == {"alias": f"#{alias}:localhost"}
    assert alice.get("directory/list/room", new) == {"visibility": "public"}
    assert alice.get("directory/list/room", old) == {"visibility": "private"}
    bob.refused(403, "M_FORBIDDEN", "PUT", "rooms", old, "send", "m.room.message", "t", body={"body": "x"})
    bob.join(new)
    bob.send(new, "새 방")
    alice.set_state(new, "m.room.topic", {"topic": "새 주제"})


def test_odd_upgrades(alice: User) -> None:
    room = alice.create_room()
    for body, errcode in (
        ({}, "M_MISSING_PARAM"),
        ({"new_version": 12}, "M_BAD_JSON"),
        ({"new_version": "99"}, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"new_version": "12", "additional_creators": ["nobody"]}, "M_INVALID_PARAM"),
    ):
        alice.refused(400, errcode, "POST", "rooms", room, "upgrade", body=body)
    alice.refused(
        403, "M_FORBIDDEN", "POST", "rooms", "!nowhere:localhost", "upgrade", body={"new_version": "12"}
    )
    alice.send(room, "그대로")
