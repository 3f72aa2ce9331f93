"""Rooms one is not in, powers one does not have, and state that would break a room."""

from collections.abc import Callable

import pytest

from tests.api.client import Json, User

Make = Callable[[str], User]

READS = [
    ("GET", ("state",)),
    ("GET", ("state", "m.room.create", "")),
    ("GET", ("members",)),
    ("GET", ("joined_members",)),
    ("GET", ("messages?dir=b",)),
    ("GET", ("event", "$x")),
    ("GET", ("context", "$x")),
    ("PUT", ("send", "m.room.message", "t")),
    ("PUT", ("state", "m.room.name", "")),
    ("PUT", ("redact", "$x", "t")),
    ("POST", ("invite",)),
    ("POST", ("kick",)),
    ("POST", ("ban",)),
    ("POST", ("unban",)),
    ("POST", ("upgrade",)),
    ("GET", ("aliases",)),
]


@pytest.mark.parametrize(("method", "steps"), READS, ids=lambda value: str(value)[:40])
def test_rooms_one_has_no_business_in_all_sound_alike(
    alice: User, bob: User, method: str, steps: tuple[str, ...]
) -> None:
    """Not in it, banned from it, and no such room: the same words."""
    outside = alice.create_room()
    banned = alice.create_room(invite=[bob.user_id])
    alice.post("rooms", banned, "ban", body={"user_id": bob.user_id})
    body = {"user_id": alice.user_id, "new_version": "12"} if method != "GET" else None
    query = {"dir": "b"} if "messages" in steps[0] else None
    path = [step.partition("?")[0] for step in steps]
    said = {
        str(bob.refused(403, "M_FORBIDDEN", method, "rooms", room, *path, body=body, query=query))
        for room in (outside, banned, "!nowhere:localhost", "!" + "A" * 43)
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    "room_id",
    ["!", "!x", "x", "@x:localhost", "!a\0b:localhost", "!\u202e:localhost", "!" + "x" * 10_000, "..", " "],
)
def test_odd_room_ids(alice: User, room_id: str) -> None:
    for method, path in (("GET", "state"), ("POST", "leave"), ("POST", "join"), ("POST", "forget")):
        answer = alice.request(method, "rooms", room_id, path)
        assert answer.status_code in (400, 403, 404, 414), answer.text


@pytest.mark.parametrize(
    "event_id", ["$", "x", "$a\0b", "$" + "x" * 5_000, "$x:elsewhere.example", "$ ", "$%41"]
)
def test_odd_event_ids(alice: User, room: str, event_id: str) -> None:
    for path in (("event", event_id), ("context", event_id)):
        answer = alice.request("GET", "rooms", room, *path)
        assert answer.status_code in (400, 404, 414), answer.text
    answer = alice.request("PUT", "rooms", room, "redact", event_id, "t", body={})
    assert answer.status_code in (400, 404, 414), answer.text


@pytest.mark.parametrize(
    "user_id",
    ["", "x", "@x", "x:localhost", "@a\0b:localhost", "@" + "x" * 300 + ":localhost", "@nobody:localhost"],
)
def test_odd_user_ids(alice: User, room: str, user_id: str) -> None:
    for act in ("invite", "kick", "unban"):
        answer = alice.request("POST", "rooms", room, act, body={"user_id": user_id})
        assert answer.status_code in (400, 403, 404), answer.text
    answer = alice.request("GET", "profile", user_id)
    assert answer.status_code in (400, 404), answer.text


@pytest.fixture
def shared(alice: User, bob: User) -> str:
    """A room where alice has 100 and bob 50, of the version that has no creators above all."""
    room_id = alice.create_room(
        room_version="11",
        invite=[bob.user_id],
        power_level_content_override={"users": {alice.user_id: 100, bob.user_id: 50}},
    )
    bob.join(room_id)
    return room_id


@pytest.mark.parametrize(
    "change",
    [
        {"users": {"ALICE": 100, "BOB": 51}},
        {"users": {"ALICE": 0, "BOB": 50}},
        {"users": {"BOB": 50}},
        {"users": {"ALICE": 100, "BOB": 50, "@eve:localhost": 99}},
        {"ban": 100},
        {"ban": 51},
        {"events": {"m.room.name": 51}},
        {"events": {"m.room.power_levels": 0}},
        {"notifications": {"room": 51}},
        {"state_default": 0, "users": {"ALICE": 100, "BOB": 100}},
    ],
    ids=str,
)
def test_nobody_rises_by_themselves(alice: User, bob: User, shared: str, change: Json) -> None:
    levels = alice.get("rooms", shared, "state", "m.room.power_levels")
    levels["events"]["m.room.power_levels"] = 50
    alice.set_state(shared, "m.room.power_levels", levels)
    names = {"ALICE": alice.user_id, "BOB": bob.user_id}
    if "users" in change:
        change = {
            **change,
            "users": {names.get(name, name): level for name, level in change["users"].items()},
        }
    if "events" in change:
        change = {"events": {**levels["events"], **change["events"]}}
    wanted = {**levels, **change}
    path = ("rooms", shared, "state", "m.room.power_levels")
    if change == {"events": {**levels["events"], "m.room.power_levels": 0}}:
        bob.expect(200, "PUT", *path, body=wanted)
        return
    bob.refused(403, "M_FORBIDDEN", "PUT", *path, body=wanted)
    assert alice.get(*path) == levels


@pytest.mark.parametrize(
    "levels",
    [
        {"users": {"@a:localhost": "100"}},
        {"users": {"@a:localhost": None}},
        {"users": {"nobody": 5}},
        {"users": []},
        {"ban": "50"},
        {"events": {"m.room.name": "0"}},
        {"events": 5},
        {"state_default": True},
        {"notifications": {"room": "50"}},
        {"users_default": [0]},
    ],
    ids=str,
)
def test_levels_of_the_wrong_type(alice: User, room: str, levels: Json) -> None:
    before = alice.get("rooms", room, "state", "m.room.power_levels")
    answer = alice.request("PUT", "rooms", room, "state", "m.room.power_levels", body={**before, **levels})
    assert answer.status_code in (400, 403), answer.text
    assert alice.get("rooms", room, "state", "m.room.power_levels") == before


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_a_room_has_one_beginning(alice: User, version: str) -> None:
    room = alice.create_room(room_version=version)
    body = {"room_version": version, "creator": alice.user_id}
    alice.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "state", "m.room.create", "", body=body)
    create = next(each for each in alice.get("rooms", room, "state") if each["type"] == "m.room.create")
    answer = alice.request("PUT", "rooms", room, "redact", create["event_id"], "t", body={})
    assert answer.status_code in (200, 403)
    assert alice.get("rooms", room, "state", "m.room.create")["room_version"] == version


@pytest.mark.parametrize("version", ["0", "13", "org.matrix.x", "", " 12", 12, 1.5, None, ["12"]])
def test_room_versions_there_are_not(alice: User, version: object) -> None:
    answer = alice.request("POST", "createRoom", body={"room_version": version})
    if version is None or version == "":
        assert answer.status_code in (200, 400)
        return
    assert answer.status_code == 400
    assert answer.json()["errcode"] in ("M_UNSUPPORTED_ROOM_VERSION", "M_BAD_JSON", "M_NOT_JSON")


def test_redactions_do_not_go_in_circles(alice: User, bob: User) -> None:
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    first = alice.send(room, "하나")
    bob.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "redact", first, "t", body={})
    redaction = alice.put("rooms", room, "redact", first, "a")["event_id"]
    again = alice.put("rooms", room, "redact", redaction, "b")["event_id"]
    alice.put("rooms", room, "redact", again, "c")
    alice.put("rooms", room, "redact", again, "d")
    assert alice.get("rooms", room, "event", first)["content"] == {}
    elsewhere = alice.create_room()
    alice.refused(404, "M_NOT_FOUND", "PUT", "rooms", elsewhere, "redact", first, "e", body={})


@pytest.mark.parametrize(
    ("state_key", "content"),
    [
        ("SELF", {"membership": "ban"}),
        ("SELF", {"membership": "king"}),
        ("SELF", {"membership": 5}),
        ("SELF", {}),
        ("OTHER", {"membership": "join"}),
        ("OTHER", {"membership": "knock"}),
        ("nobody", {"membership": "invite"}),
        ("", {"membership": "join"}),
        ("SELF", {"membership": "invite"}),
    ],
    ids=str,
)
def test_forged_memberships(alice: User, bob: User, room: str, state_key: str, content: Json) -> None:
    names = {"SELF": alice.user_id, "OTHER": bob.user_id}
    path = ("rooms", room, "state", "m.room.member", names.get(state_key, state_key))
    answer = alice.request("PUT", *path, body=content)
    assert answer.status_code in (400, 403), answer.text
    assert bob.user_id not in alice.get("rooms", room, "joined_members")["joined"]
    bob.sync()


def test_an_invitation_is_for_one(alice: User, bob: User, make_user: Make) -> None:
    room = alice.create_room(invite=[bob.user_id])
    make_user("eve").refused(403, "M_FORBIDDEN", "POST", "join", room)
    content = {"membership": "join", "join_authorised_via_users_server": alice.user_id}
    make_user("eve").refused(
        403, "M_FORBIDDEN", "PUT", "rooms", room, "state", "m.room.member", bob.user_id, body=content
    )


@pytest.mark.parametrize(
    "content",
    [
        {"displayname": 5, "avatar_url": []},
        {"displayname": "\u202e" * 100},
        {"displayname": "x" * 60_000},
        {"is_direct": "x", "third_party_invite": 5},
        {"third_party_invite": {"signed": {"mxid": "x", "token": "y", "signatures": []}}},
    ],
    ids=lambda content: str(content)[:40],
)
def test_a_broken_invitation_breaks_nobody(alice: User, bob: User, room: str, content: Json) -> None:
    path = ("rooms", room, "state", "m.room.member", bob.user_id)
    answer = alice.request("PUT", *path, body={"membership": "invite", **content})
    assert answer.status_code in (200, 400, 403, 413), answer.text
    if answer.status_code == 200:
        bob.sync_until(lambda each: room in each.get("rooms", {}).get("invite", {}))
        bob.join(room)


@pytest.mark.parametrize(
    "relates_to",
    [
        5,
        [],
        {"rel_type": 5, "event_id": "$x"},
        {"rel_type": "m.replace", "event_id": 5},
        {"rel_type": "m.replace", "event_id": "$" + "x" * 10_000},
        {"m.in_reply_to": 5},
        {"rel_type": "m.annotation", "event_id": "$x", "key": 5},
    ],
    ids=lambda value: str(value)[:40],
)
def test_odd_relations(alice: User, room: str, relates_to: object) -> None:
    event_id = alice.send(room, {"msgtype": "m.text", "body": "x", "m.relates_to": relates_to})
    assert alice.get("rooms", room, "event", event_id)["event_id"] == event_id
    alice.sync()
    alice.get("rooms", room, "messages", dir="b")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.room.name", {"name": 5}),
        ("m.room.name", {"name": ["x"]}),
        ("m.room.topic", {"topic": {}}),
        ("m.room.avatar", {"url": 5}),
        ("m.room.canonical_alias", {"alias": 5}),
        ("m.room.history_visibility", {"history_visibility": 5}),
        ("m.room.join_rules", {"join_rule": 5}),
        ("m.room.join_rules", {"join_rule": "restricted", "allow": 5}),
        ("m.room.join_rules", {"join_rule": "restricted", "allow": [{"room_id": 5}, 7]}),
        ("m.room.guest_access", {"guest_access": []}),
        ("m.room.encryption", {"algorithm": 5}),
        ("m.room.server_acl", {"deny": ["*" * 200 + "a"], "allow": 5}),
        ("m.room.tombstone", {"replacement_room": 5}),
        ("m.room.pinned_events", {"pinned": "x"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_state_of_the_wrong_type_breaks_no_reader(alice: User, bob: User, kind: str, content: Json) -> None:
    room = alice.create_room(preset="public_chat", visibility="public")
    answer = alice.request("PUT", "rooms", room, "state", kind, "", body=content)
    assert answer.status_code in (200, 400, 403), answer.text
    alice.sync()
    alice.get("rooms", room, "messages", dir="b")
    bob.get("publicRooms")
    bob.request("GET", "/_matrix/client/v1/room_summary", room)
    bob.request("POST", "join", room)
    alice.request("PUT", "rooms", room, "send", "m.room.message", "t", body={"body": "x"})
