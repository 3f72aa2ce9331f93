"""Making rooms, membership, state: rooms behave as the specification says, for good and bad requests."""

from collections.abc import Callable

import httpx
import pytest

from tests.api.client import User, timeline

VERSIONS = ("10", "11", "12")
Make = Callable[[str], User]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_room_has_its_first_events_in_order(alice: User, version: str) -> None:
    room = alice.create_room(room_version=version, name="봉수 마을", topic="소식", preset="private_chat")
    events = timeline(alice.sync(), room)
    assert [event["type"] for event in events] == [
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.name",
        "m.room.topic",
    ]
    create = alice.get("rooms", room, "state", "m.room.create", "")
    assert create["room_version"] == version
    assert (":" in room) == (version != "12")
    levels = alice.get("rooms", room, "state", "m.room.power_levels", "")
    assert (alice.user_id in levels["users"]) == (version != "12")


@pytest.mark.parametrize(
    ("preset", "rule", "visibility"),
    [
        ("public_chat", "public", "shared"),
        ("private_chat", "invite", "shared"),
        ("trusted_private_chat", "invite", "shared"),
    ],
)
def test_presets(alice: User, preset: str, rule: str, visibility: str) -> None:
    room = alice.create_room(preset=preset)
    assert alice.get("rooms", room, "state", "m.room.join_rules")["join_rule"] == rule
    state = alice.get("rooms", room, "state", "m.room.history_visibility")
    assert state["history_visibility"] == visibility


def test_the_trusted_preset_makes_the_invited_equal(alice: User, bob: User) -> None:
    for version in VERSIONS:
        room = alice.create_room(
            preset="trusted_private_chat", invite=[bob.user_id], is_direct=True, room_version=version
        )
        bob.join(room)
        bob.set_state(room, "m.room.name", {"name": "우리"})
        bob.set_state(room, "m.room.history_visibility", {"history_visibility": "joined"})


def test_initial_state_and_overrides(alice: User) -> None:
    room = alice.create_room(
        initial_state=[
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
            {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}},
        ],
        power_level_content_override={"events_default": 10},
        creation_content={"m.federate": False, "type": "m.space"},
    )
    assert alice.get("rooms", room, "state", "m.room.join_rules") == {"join_rule": "knock"}
    assert alice.get("rooms", room, "state", "m.room.power_levels")["events_default"] == 10
    create = alice.get("rooms", room, "state", "m.room.create")
    assert create["type"] == "m.space"
    assert create["m.federate"] is False


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"room_version": "99"}, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 12}, "M_BAD_JSON"),
        ({"preset": "castle"}, "M_BAD_JSON"),
        ({"visibility": "secret"}, "M_BAD_JSON"),
        ({"invite": "@a:b"}, "M_BAD_JSON"),
        ({"invite": ["nobody"]}, "M_INVALID_PARAM"),
        ({"invite": ["@never.seen:localhost"]}, "M_INVALID_PARAM"),
        ({"initial_state": [{"content": {}}]}, "M_BAD_JSON"),
        ({"initial_state": {}}, "M_BAD_JSON"),
        ({"name": 5}, "M_BAD_JSON"),
        ({"room_alias_name": "has:colon"}, "M_INVALID_PARAM"),
        ({"creation_content": []}, "M_BAD_JSON"),
        ({"power_level_content_override": {"ban": "50"}}, None),
    ],
)
def test_bad_rooms_are_refused_and_leave_nothing(alice: User, body: dict[str, object], errcode: str) -> None:
    before = alice.get("joined_rooms")["joined_rooms"]
    answer = alice.request("POST", "createRoom", body=body)
    assert 400 <= answer.status_code < 500
    if errcode is not None:
        assert answer.json()["errcode"] == errcode
    assert alice.get("joined_rooms")["joined_rooms"] == before


def test_invite_join_leave_and_forget(alice: User, bob: User) -> None:
    room = alice.create_room(name="모임")
    token = bob.sync()["next_batch"]
    alice.invite(room, bob)
    answer = bob.sync_until(lambda found: room in found.get("rooms", {}).get("invite", {}), token)
    stripped = answer["rooms"]["invite"][room]["invite_state"]["events"]
    kinds = {(event["type"], event["state_key"]) for event in stripped}
    assert ("m.room.member", bob.user_id) in kinds
    assert ("m.room.name", "") in kinds
    assert ("m.room.create", "") in kinds
    bob.refused(403, "M_FORBIDDEN", "GET", "rooms", room, "messages", query={"dir": "b"})
    bob.join(room)
    bob.join(room)
    assert room in bob.get("joined_rooms")["joined_rooms"]
    token = bob.sync()["next_batch"]
    bob.refused(400, "M_UNKNOWN", "POST", "rooms", room, "forget")
    bob.post("rooms", room, "leave", body={"reason": "이사"})
    answer = bob.sync(token)
    left = answer["rooms"]["leave"][room]["timeline"]["events"]
    assert left[-1]["content"] == {"membership": "leave", "reason": "이사"}
    alice.send(room, "이제 너는 못 본다")
    texts = [event["content"].get("body") for event in bob.get("rooms", room, "messages", dir="b")["chunk"]]
    assert "이제 너는 못 본다" not in texts
    bob.post("rooms", room, "forget")
    assert room not in bob.sync(filter={"room": {"include_leave": True}}).get("rooms", {}).get("leave", {})


def test_refusing_an_invitation(alice: User, bob: User) -> None:
    room = alice.create_room()
    alice.invite(room, bob)
    token = bob.sync()["next_batch"]
    bob.post("rooms", room, "leave")
    assert room in bob.sync(token)["rooms"]["leave"]
    bob.refused(403, "M_FORBIDDEN", "POST", "join", room)


def test_kick_ban_unban(alice: User, bob: User, make_user: Make) -> None:
    carol = make_user("carol")
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    carol.join(room)
    bob.refused(403, "M_FORBIDDEN", "POST", "rooms", room, "kick", body={"user_id": carol.user_id})
    bob.refused(403, "M_FORBIDDEN", "POST", "rooms", room, "ban", body={"user_id": alice.user_id})
    alice.post("rooms", room, "kick", body={"user_id": bob.user_id, "reason": "잠시"})
    bob.refused(
        403, "M_FORBIDDEN", "PUT", "rooms", room, "send", "m.room.message", "k1", body={"msgtype": "m.text"}
    )
    bob.join(room)
    alice.post("rooms", room, "ban", body={"user_id": bob.user_id})
    bob.refused(403, "M_FORBIDDEN", "POST", "join", room)
    alice.refused(403, "M_FORBIDDEN", "POST", "rooms", room, "kick", body={"user_id": bob.user_id})
    alice.post("rooms", room, "unban", body={"user_id": bob.user_id})
    alice.refused(403, "M_FORBIDDEN", "POST", "rooms", room, "unban", body={"user_id": bob.user_id})
    bob.join(room)
    joined = alice.get("rooms", room, "joined_members")["joined"]
    assert set(joined) == {alice.user_id, bob.user_id, carol.user_id}
    assert joined[bob.user_id]["display_name"] == bob.name


def test_knocking(alice: User, bob: User) -> None:
    room = alice.create_room(
        initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}], name="문"
    )
    bob.refused(403, "M_FORBIDDEN", "POST", "join", room)
    bob.post("knock", room, body={"reason": "안녕하세요"})
    found = bob.sync()["rooms"]["knock"][room]["knock_state"]["events"]
    assert any(event["type"] == "m.room.name" for event in found)
    alice.invite(room, bob)
    bob.join(room)


def test_restricted_rooms_let_in_members_of_the_other_room(alice: User, bob: User, make_user: Make) -> None:
    carol = make_user("carol")
    town = alice.create_room(preset="public_chat")
    rule = {
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": town}],
    }
    room = alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": rule}])
    bob.join(town)
    bob.join(room)
    member = bob.get("rooms", room, "state", "m.room.member", bob.user_id)
    assert member["join_authorised_via_users_server"] == alice.user_id
    carol.refused(403, "M_FORBIDDEN", "POST", "join", room)


def test_members_can_be_filtered_and_asked_for_in_the_past(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    token = alice.sync()["next_batch"]
    bob.join(room)
    chunk = alice.get("rooms", room, "members", membership="join")["chunk"]
    assert {event["state_key"] for event in chunk} == {alice.user_id, bob.user_id}
    assert alice.get("rooms", room, "members", not_membership="join")["chunk"] == []
    past = alice.get("rooms", room, "members", at=token)["chunk"]
    assert {event["state_key"] for event in past} == {alice.user_id}


def test_power_levels_hold(alice: User, bob: User) -> None:
    for version in VERSIONS:
        room = alice.create_room(preset="public_chat", room_version=version)
        bob.join(room)
        levels = alice.get("rooms", room, "state", "m.room.power_levels")
        raised = {**levels, "users": {**levels["users"], bob.user_id: 100}}
        path = ("PUT", "rooms", room, "state", "m.room.power_levels")
        bob.refused(403, "M_FORBIDDEN", *path, body=raised)
        alice.set_state(
            room, "m.room.power_levels", {**levels, "users": {**levels["users"], bob.user_id: 50}}
        )
        bob.set_state(room, "m.room.name", {"name": "이름"})
        bob.refused(403, "M_FORBIDDEN", *path, body=raised)
        for wrong in ({"users": {bob.user_id: "50"}}, {"ban": "1"}, {"users": [1]}):
            answer = alice.request(*path, body={**levels, **wrong})
            assert answer.status_code in (400, 403)
        answer = alice.request(*path, content=b'{"ban": 1.5}')
        assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")


def test_state_is_idempotent_and_readable(alice: User, bob: User) -> None:
    room = alice.create_room()
    first = alice.set_state(room, "kr.bongsu.test", {"a": 1}, "열쇠")
    assert alice.set_state(room, "kr.bongsu.test", {"a": 1}, "열쇠") == first
    assert alice.set_state(room, "kr.bongsu.test", {"a": 2}, "열쇠") != first
    path = ("rooms", room, "state", "kr.bongsu.test", "열쇠")
    assert alice.get(*path) == {"a": 2}
    event = alice.get(*path, format="event")
    assert event["content"] == {"a": 2}
    assert event["unsigned"]["prev_content"] == {"a": 1}
    everything = alice.get("rooms", room, "state")
    assert ("kr.bongsu.test", "열쇠") in {(event["type"], event["state_key"]) for event in everything}
    alice.refused(404, "M_NOT_FOUND", "GET", "rooms", room, "state", "kr.bongsu.test", "다른")
    bob.refused(403, "M_FORBIDDEN", "GET", *path)
    bob.refused(403, "M_FORBIDDEN", "PUT", *path, body={})
    body = {"room_version": "12"}
    alice.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "state", "m.room.create", "", body=body)


def test_a_room_one_is_not_in_and_one_that_is_not_there_answer_alike(alice: User, bob: User) -> None:
    room = alice.create_room()
    for name in (room, "!neverneverneverneverneverneverneverneverne", "!x:localhost", "!bad id"):
        for method, path, body in (
            ("GET", ("state",), None),
            ("GET", ("members",), None),
            ("GET", ("joined_members",), None),
            ("GET", ("messages",), None),
            ("PUT", ("send", "m.room.message", "x1"), {"msgtype": "m.text", "body": "x"}),
        ):
            query = {"dir": "b"} if path == ("messages",) else None
            answer = bob.request(method, "rooms", name, *path, body=body, query=query)
            assert (answer.status_code, answer.json()["errcode"]) == (403, "M_FORBIDDEN"), (name, path)


def test_profile_changes_reach_rooms(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = alice.sync()["next_batch"]
    bob.put("profile", bob.user_id, "displayname", body={"displayname": "홍길동"})
    answer = alice.sync_until(lambda found: bool(timeline(found, room)), token)
    event = timeline(answer, room)[-1]
    assert event["content"]["displayname"] == "홍길동"
    assert event["content"]["membership"] == "join"
    assert alice.get("profile", bob.user_id)["displayname"] == "홍길동"
    assert alice.get("profile", bob.user_id, "displayname") == {"displayname": "홍길동"}
    bob.delete("profile", bob.user_id, "displayname")
    alice.refused(404, "M_NOT_FOUND", "GET", "profile", bob.user_id, "displayname")
    body = {"displayname": "x"}
    alice.refused(403, "M_FORBIDDEN", "PUT", "profile", bob.user_id, "displayname", body=body)
    alice.refused(404, "M_NOT_FOUND", "GET", "profile", "@nobody-at-all:localhost")


@pytest.mark.parametrize("state_key", ["a/b", "/", "a//b/", "%41", "100 %", "%2F", "봉수/대", "?x=1#y"])
def test_a_state_key_is_taken_as_it_was_encoded(alice: User, state_key: str) -> None:
    room = alice.create_room()
    event_id = alice.set_state(room, "kr.example.place", {"n": 1}, state_key)
    assert alice.get("rooms", room, "event", event_id)["state_key"] == state_key
    assert alice.get("rooms", room, "state", "kr.example.place", state_key) == {"n": 1}


def test_an_address_that_is_not_utf_8_is_refused(alice: User, http: httpx.Client) -> None:
    path = f"/_matrix/client/v3/rooms/{alice.create_room()}/state/x/%ff"
    answer = http.get(path, headers={"authorization": f"Bearer {alice.access_token}"})
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_INVALID_PARAM")
