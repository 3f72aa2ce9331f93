"""Typing, which ends by itself."""

import pytest

from tests.api.client import Json, User


def typing(answer: Json, room_id: str) -> list[str] | None:
    entry = answer.get("rooms", {}).get("join", {}).get(room_id, {})
    for event in entry.get("ephemeral", {}).get("events", []):
        if event["type"] == "m.typing":
            users: list[str] = event["content"]["user_ids"]
            return users
    return None


@pytest.fixture
def room(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


def put(user: User, room_id: str, body: object) -> None:
    assert user.put("rooms", room_id, "typing", user.user_id, body=body) == {}


def test_typing_starts_and_stops(alice: User, bob: User, room: str) -> None:
    since = bob.sync()["next_batch"]
    put(alice, room, {"typing": True, "timeout": 30_000})
    answer = bob.sync_until(lambda found: typing(found, room) is not None, since)
    assert typing(answer, room) == [alice.user_id]
    assert typing(bob.sync(), room) == [alice.user_id]
    put(alice, room, {"typing": False})
    answer = bob.sync_until(lambda found: typing(found, room) is not None, answer["next_batch"])
    assert typing(answer, room) == []


def test_typing_ends_by_itself(alice: User, bob: User, room: str) -> None:
    since = bob.sync()["next_batch"]
    put(alice, room, {"typing": True, "timeout": 50})
    answer = bob.sync_until(lambda found: typing(found, room) == [], since)
    assert typing(bob.sync(answer["next_batch"]), room) is None


def test_bad_typing_is_refused(alice: User, bob: User, room: str) -> None:
    path = ("rooms", room, "typing", alice.user_id)
    bob.refused(403, "M_FORBIDDEN", "PUT", *path, body={"typing": True})
    alice.refused(400, "M_MISSING_PARAM", "PUT", *path, body={})
    alice.refused(400, "M_BAD_JSON", "PUT", *path, body={"typing": "yes"})
    alice.refused(400, "M_BAD_JSON", "PUT", *path, body={"typing": True, "timeout": "1"})
    other = bob.create_room()
    alice.refused(403, "M_FORBIDDEN", "PUT", "rooms", other, "typing", alice.user_id, body={"typing": True})
    put(alice, room, {"typing": True, "timeout": -5})
