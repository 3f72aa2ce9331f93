"""Who is there: told to those one shares a room with, and to nobody else."""

from collections.abc import Callable

from tests.api.client import Json, User


def presence(answer: Json, user: User) -> Json | None:
    for event in reversed(answer.get("presence", {}).get("events", [])):
        if event["sender"] == user.user_id:
            content: Json = event["content"]
            return content
    return None


def put(user: User, state: str, **fields: str) -> None:
    assert user.put("presence", user.user_id, "status", body={"presence": state, **fields}) == {}


def test_those_who_share_a_room_see_it(alice: User, bob: User, make_user: Callable[[str], User]) -> None:
    carol = make_user("carol")
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    since = bob.sync(set_presence="offline")["next_batch"]
    put(alice, "online", status_msg="점심")
    answer = bob.sync_until(lambda found: presence(found, alice) is not None, since)
    content = presence(answer, alice)
    assert content is not None
    assert (content["presence"], content["status_msg"], content["currently_active"]) == (
        "online",
        "점심",
        True,
    )
    assert presence(bob.sync(), alice) is not None
    assert presence(carol.sync(), alice) is None
    found = bob.get("presence", alice.user_id, "status")
    assert (found["presence"], found["status_msg"]) == ("online", "점심")
    carol.refused(403, "M_FORBIDDEN", "GET", "presence", alice.user_id, "status")
    put(alice, "unavailable")
    answer = bob.sync_until(lambda found: presence(found, alice) is not None, answer["next_batch"])
    assert presence(answer, alice) is not None
    assert bob.get("presence", alice.user_id, "status")["presence"] == "unavailable"


def test_a_sync_says_that_one_is_there(alice: User, bob: User) -> None:
    assert alice.get("presence", alice.user_id, "status")["presence"] == "offline"
    alice.sync(set_presence="offline")
    assert alice.get("presence", alice.user_id, "status")["presence"] == "offline"
    alice.sync(set_presence="unavailable")
    assert alice.get("presence", alice.user_id, "status")["presence"] == "unavailable"
    alice.sync()
    assert alice.get("presence", alice.user_id, "status")["presence"] == "online"
    put(alice, "offline")
    assert alice.get("presence", alice.user_id, "status")["presence"] == "offline"


def test_bad_presence_is_refused(alice: User, bob: User) -> None:
    path = ("presence", alice.user_id, "status")
    bob.refused(403, "M_FORBIDDEN", "PUT", *path, body={"presence": "online"})
    alice.refused(400, "M_MISSING_PARAM", "PUT", *path, body={})
    alice.refused(400, "M_INVALID_PARAM", "PUT", *path, body={"presence": "away"})
    alice.refused(400, "M_BAD_JSON", "PUT", *path, body={"presence": "online", "status_msg": 7})
    alice.refused(413, "M_TOO_LARGE", "PUT", *path, body={"presence": "online", "status_msg": "x" * 501})
    alice.refused(400, "M_INVALID_PARAM", "GET", "presence", "alice", "status")
