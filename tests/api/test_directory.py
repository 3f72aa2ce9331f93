"""Aliases, the directory of rooms, and finding people."""

import unicodedata
from collections.abc import Callable

import pytest

from tests.api.client import Json, User

Make = Callable[[str], User]
PUBLIC = "publicRooms"


def alias_of(user: User, name: str) -> str:
    return f"#{name}-{user.name}:localhost"


def test_an_alias_leads_to_its_room(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    alias = alias_of(alice, "봉수/대")
    alice.put("directory/room", alias, body={"room_id": room})
    assert bob.get("directory/room", alias) == {"room_id": room, "servers": ["localhost"]}
    bob.join(alias)
    assert bob.get("rooms", room, "aliases") == {"aliases": [alias]}
    other = bob.create_room()
    bob.refused(409, "M_ROOM_IN_USE", "PUT", "directory/room", alias, body={"room_id": other})
    bob.refused(403, "M_FORBIDDEN", "DELETE", "directory/room", alias)
    alice.delete("directory/room", alias)
    bob.refused(404, "M_NOT_FOUND", "GET", "directory/room", alias)
    alice.refused(404, "M_NOT_FOUND", "DELETE", "directory/room", alias)
    alice.put("directory/room", alias, body={"room_id": room})


def test_who_may_handle_aliases(alice: User, bob: User, make_user: Make) -> None:
    room = alice.create_room(preset="public_chat")
    alias = alias_of(bob, "mine")
    bob.refused(403, "M_FORBIDDEN", "PUT", "directory/room", alias, body={"room_id": room})
    bob.refused(403, "M_FORBIDDEN", "GET", "rooms", room, "aliases")
    bob.join(room)
    bob.put("directory/room", alias, body={"room_id": room})
    # The creator of the room did not make the alias, but moderates the room.
    alice.delete("directory/room", alias)
    alice.set_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert make_user("eve").get("rooms", room, "aliases") == {"aliases": []}


@pytest.mark.parametrize(
    ("alias", "body"),
    [
        ("no-hash:localhost", {}),
        ("#:localhost", {}),
        ("#no-server", {}),
        ("#nul\0:localhost", {}),
        ("#" + "봉" * 90 + ":localhost", {}),
        ("#there:elsewhere.example", {"room_id": "!x:localhost"}),
        ("#fine:localhost", {"room_id": "@not:a.room"}),
    ],
)
def test_odd_aliases(alice: User, alias: str, body: Json) -> None:
    if body.get("room_id") is None:
        alice.refused(400, "M_INVALID_PARAM", "GET", "directory/room", alias)
        body = {"room_id": alice.create_room()}
    alice.refused(400, "M_INVALID_PARAM", "PUT", "directory/room", alias, body=body)


def test_the_directory_of_rooms(alice: User, bob: User) -> None:
    name = f"재난 상황실 {alice.name}"
    room = alice.create_room(name=name, visibility="public", topic="비상 연락")
    assert alice.get("directory/list/room", room) == {"visibility": "public"}
    bob.join(room)

    def search(term: str) -> list[Json]:
        found: list[Json] = bob.post(PUBLIC, body={"filter": {"generic_search_term": term}})["chunk"]
        return [entry for entry in found if entry["room_id"] == room]

    (entry,) = search(alice.name)
    assert entry["name"] == name
    assert entry["join_rule"] == "public"
    assert not entry["world_readable"]
    for term in ("상황실", "비상", unicodedata.normalize("NFD", "상황실"), "재난 상", alice.name.upper()):
        assert search(term), term
    assert search("없는 방") == []
    bob.refused(403, "M_FORBIDDEN", "PUT", "directory/list/room", room, body={"visibility": "private"})
    alice.put("directory/list/room", room, body={"visibility": "private"})
    assert search("상황실") == []
    alice.put("directory/list/room", room)
    assert search("상황실") != []


def test_pages_of_the_directory(alice: User) -> None:
    rooms = {
        alice.create_room(name=f"쪽 {alice.name}", visibility="public", creation_content={"type": kind})
        for kind in ("m.space", "kr.example", "kr.example")
    }
    body: Json = {"filter": {"generic_search_term": alice.name}, "limit": 2}
    first = alice.post(PUBLIC, body=body)
    assert first["total_room_count_estimate"] == 3
    second = alice.post(PUBLIC, body={**body, "since": first["next_batch"]})
    assert "next_batch" not in second
    assert {entry["room_id"] for entry in first["chunk"] + second["chunk"]} == rooms
    assert alice.post(PUBLIC, body={**body, "since": second["prev_batch"]}) == first
    spaces = alice.post(PUBLIC, body={"filter": {**body["filter"], "room_types": ["m.space"]}})
    assert [entry["room_type"] for entry in spaces["chunk"]] == ["m.space"]
    everything = alice.get(PUBLIC, server="localhost")
    assert rooms <= {entry["room_id"] for entry in everything["chunk"]}


@pytest.mark.parametrize(
    "body",
    [
        {"since": "nonsense"},
        {"since": "p-1"},
        {"since": "p99999999999999999999"},
        {"limit": "many"},
        {"filter": "x"},
        {"filter": {"generic_search_term": 5}},
        {"filter": {"room_types": [1]}},
        {"filter": {"generic_search_term": "x" * 5_000}},
    ],
)
def test_odd_questions_for_the_directory(alice: User, body: Json) -> None:
    assert alice.request("POST", PUBLIC, body=body).status_code in (400, 413)
    alice.post(PUBLIC, body={"limit": 1})


def test_other_servers_are_not_asked(alice: User) -> None:
    alice.refused(404, "M_NOT_FOUND", "GET", PUBLIC, query={"server": "elsewhere.example"})


def test_a_room_is_summed_up_for_who_may_find_it(alice: User, bob: User) -> None:
    path = "/_matrix/client/v1/room_summary"
    room = alice.create_room(preset="public_chat", name="장터", topic="물물교환")
    summary = bob.get(path, room)
    assert summary["name"] == "장터"
    assert summary["membership"] == "leave"
    assert summary["num_joined_members"] == 1
    assert alice.get(path, room)["membership"] == "join"
    stranger = User(bob.http, "")
    assert "membership" not in stranger.get(path, room)
    closed = alice.create_room(name="비밀")
    bob.refused(404, "M_NOT_FOUND", "GET", path, closed)
    stranger.refused(404, "M_NOT_FOUND", "GET", path, closed)
    alice.invite(closed, bob)
    assert bob.get(path, closed)["membership"] == "invite"
    bob.refused(404, "M_NOT_FOUND", "GET", path, "!nowhere:localhost")
    bob.refused(400, "M_INVALID_PARAM", "GET", path, "nonsense")


def test_rooms_in_common(alice: User, bob: User) -> None:
    path = "/_matrix/client/v1/mutual_rooms"
    rooms = sorted(alice.create_room(invite=[bob.user_id]) for _ in range(3))
    alice.create_room()
    for room in rooms:
        bob.join(room)
    assert alice.get(path, user_id=bob.user_id) == {"joined": rooms, "count": 3}
    assert alice.get(path, user_id="@nobody:localhost") == {"joined": [], "count": 0}
    alice.refused(400, "M_INVALID_PARAM", "GET", path, query={"user_id": alice.user_id})
    alice.refused(400, "M_INVALID_PARAM", "GET", path, query={"user_id": "nobody"})
    alice.refused(400, "M_MISSING_PARAM", "GET", path)


def people(user: User, term: str) -> list[str]:
    answer = user.post("user_directory/search", body={"search_term": term, "limit": 50})
    return [found["user_id"] for found in answer["results"]]


def test_people_are_found_by_a_syllable(alice: User, bob: User) -> None:
    bob.put("profile", bob.user_id, "displayname", body={"displayname": f"박쏠쒯 {bob.name}"})
    assert people(alice, "쏠쒯") == []
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    for term in ("쏠쒯", "쒯", "박쏠", unicodedata.normalize("NFD", "쏠쒯"), bob.name, bob.user_id):
        assert people(alice, term) == [bob.user_id], term
    assert bob.user_id in people(alice, bob.name.upper()[:3])
    bob.put("profile", bob.user_id, "displayname", body={"displayname": "다른 이름"})
    assert people(alice, "쏠쒯") == []
    bob.post("rooms", room, "leave")
    assert people(alice, bob.name) == []


def test_people_in_open_rooms_are_found(alice: User, bob: User) -> None:
    room = bob.create_room(preset="public_chat")
    assert people(alice, bob.name) == [bob.user_id]
    bob.set_state(room, "m.room.join_rules", {"join_rule": "invite"})
    assert people(alice, bob.name) == []
    assert people(alice, alice.name) == [alice.user_id]
    assert people(alice, "") == people(alice, "@") == []


def test_a_search_for_people_is_bounded(alice: User, make_user: Make) -> None:
    for _ in range(3):
        make_user("crowd").create_room(preset="public_chat")
    answer = alice.post("user_directory/search", body={"search_term": "crowd", "limit": 2})
    assert len(answer["results"]) == 2
    assert answer["limited"]
    for body in ({}, {"search_term": 5}, {"search_term": "x", "limit": "y"}, {"search_term": "x" * 9_999}):
        assert alice.request("POST", "user_directory/search", body=body).status_code in (400, 413)
