"""The tree of rooms below a space."""

from collections.abc import Callable

import pytest

from tests.api.client import Json, User

Make = Callable[[str], User]


def space(user: User, **fields: object) -> str:
    return user.create_room(creation_content={"type": "m.space"}, **fields)


def child(user: User, parent: str, room: str, **content: object) -> None:
    user.set_state(parent, "m.space.child", {"via": ["localhost"], **content}, room)


def tree(user: User, room: str, **query: object) -> Json:
    answer: Json = user.get("/_matrix/client/v1/rooms", room, "hierarchy", **query)
    return answer


def ids(answer: Json) -> list[str]:
    return [each["room_id"] for each in answer["rooms"]]


def test_a_space_shows_what_its_reader_may_find(alice: User, bob: User, make_user: Make) -> None:
    top, below = space(alice, preset="public_chat", name="시청"), space(alice, preset="public_chat")
    rooms = {name: alice.create_room(preset="public_chat", name=name) for name in ("가", "나", "다")}
    private = alice.create_room(name="비밀")
    rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": top}]}
    restricted = alice.create_room(
        initial_state=[{"type": "m.room.join_rules", "state_key": "", "content": rule}]
    )
    child(alice, top, rooms["다"], order="b")
    child(alice, top, below, order="a", suggested=True)
    child(alice, top, private)
    child(alice, top, restricted)
    child(alice, top, "!nowhere:localhost")
    child(alice, below, rooms["가"])
    child(alice, below, rooms["나"], via=[])
    child(alice, below, top)
    found = tree(bob, top)
    assert ids(found) == [top, below, rooms["가"], rooms["다"]]
    assert "next_batch" not in found
    first = found["rooms"][0]
    assert (first["name"], first["room_type"], first["num_joined_members"]) == ("시청", "m.space", 1)
    assert [each["state_key"] for each in first["children_state"]][:2] == [below, rooms["다"]]
    assert found["rooms"][-1]["children_state"] == []
    assert ids(tree(alice, top)) == [top, below, rooms["가"], rooms["다"], private, restricted]
    bob.join(top)
    assert ids(tree(bob, top)) == [top, below, rooms["가"], rooms["다"], restricted]
    assert ids(tree(bob, top, max_depth=0)) == [top]
    assert ids(tree(bob, top, max_depth=1)) == [top, below, rooms["다"], restricted]
    assert ids(tree(bob, top, suggested_only="true")) == [top, below]
    pages: list[str] = []
    token: Json = {}
    for _ in range(3):
        page = tree(bob, top, limit=2, **token)
        pages += ids(page)
        if "next_batch" not in page:
            break
        token = {"from": page["next_batch"]}
    assert pages == [top, below, rooms["가"], rooms["다"], restricted]
    # A room that is no space has no tree; one that cannot be found is refused like one that is not there.
    assert ids(tree(bob, rooms["가"])) == [rooms["가"]]
    path = "/_matrix/client/v1/rooms"
    for hidden in (private, "!nowhere:localhost", "x"):
        bob.refused(403, "M_FORBIDDEN", "GET", path, hidden, "hierarchy")
    for query in (
        {"from": "x"},
        {"limit": "x"},
        {"suggested_only": "x"},
        {"max_depth": 3, **token},
        {"suggested_only": "true", **token},
    ):
        bob.refused(400, "M_INVALID_PARAM", "GET", path, top, "hierarchy", query=query)


@pytest.mark.parametrize("path", ["/_matrix/client/v1/media/preview_url", "/_matrix/media/v3/preview_url"])
def test_no_address_is_fetched_for_a_preview(alice: User, path: str) -> None:
    assert alice.get(path, url="http://127.0.0.1:1/") == {}
    alice.refused(400, "M_MISSING_PARAM", "GET", path)
