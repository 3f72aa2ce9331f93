"""Bad input where devices meet: keys, messages to devices, receipts, typing and presence."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import User, timeline
from tests.api.olm import Device

Make = Callable[[str], User]
NAME = "signed_curve25519"

# Not JSON objects, or not of this world.
ODD_BODIES = [b"", b"[]", b'"x"', b"7", b"null", b"{", b'{"a":NaN}', b'{"a":1,"a":2}', b"\xff\xfe"]
TARGETS = {
    "keys/upload": ("POST", "keys/upload"),
    "keys/query": ("POST", "keys/query"),
    "keys/claim": ("POST", "keys/claim"),
    "sendToDevice": ("PUT", "sendToDevice/m.room.encrypted/hostile"),
    "typing": ("PUT", "rooms/ROOM/typing/USER"),
    "presence": ("PUT", "presence/USER/status"),
}


@pytest.mark.parametrize("raw", ODD_BODIES)
@pytest.mark.parametrize("target", TARGETS)
def test_bodies_that_are_none(alice: User, room: str, target: str, raw: bytes) -> None:
    method, path = TARGETS[target]
    path = path.replace("ROOM", room).replace("USER", alice.user_id)
    answer = alice.request(method, f"/_matrix/client/v3/{path}", content=raw)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errcode"] in ("M_NOT_JSON", "M_BAD_JSON", "M_MISSING_PARAM"), answer.text


def spoiled(device: Device, other: User, fault: str) -> Any:
    """The device's keys with one fault, signed where a signature can hide it."""
    keys = device.keys()
    own = device.user.device_id
    changes: dict[str, Callable[[], Any]] = {
        "another user": lambda: device.sign({**keys, "user_id": other.user_id}),
        "another device": lambda: device.sign({**keys, "device_id": "OTHER"}),
        "no signature": lambda: {name: each for name, each in keys.items() if name != "signatures"},
        "an altered key": lambda: {
            **keys,
            "keys": {**keys["keys"], f"curve25519:{own}": Device(other).curve},
        },
        "algorithms of numbers": lambda: device.sign({**keys, "algorithms": [1, 2]}),
        "keys in a list": lambda: {**keys, "keys": [keys["keys"]]},
        "a key of no length": lambda: device.sign({**keys, "keys": {**keys["keys"], f"ed25519:{own}": ""}}),
        "signatures of numbers": lambda: {**keys, "signatures": {device.user.user_id: {f"ed25519:{own}": 1}}},
        "a text": lambda: "keys",
        "a hundred thousand bytes": lambda: device.sign({**keys, "kr.more": "x" * 100_000}),
    }
    return changes[fault]()


@pytest.mark.parametrize(
    "fault",
    [
        "another user",
        "another device",
        "no signature",
        "an altered key",
        "algorithms of numbers",
        "keys in a list",
        "a key of no length",
        "signatures of numbers",
        "a text",
        "a hundred thousand bytes",
    ],
)
def test_device_keys_with_a_fault(alice: User, bob: User, fault: str) -> None:
    device = Device(alice)
    answer = alice.request("POST", "keys/upload", body={"device_keys": spoiled(device, bob, fault)})
    assert answer.status_code in (400, 403, 413), answer.text
    found = bob.post("keys", "query", body={"device_keys": {alice.user_id: []}})
    assert found["device_keys"][alice.user_id] == {}


@pytest.mark.parametrize(
    "keys",
    [
        {"": {"key": "x"}},
        {"signed_curve25519": {"key": "x"}},
        {f"{NAME}:A": 5},
        {f"{NAME}:A": {"key": 5, "signatures": {}}},
        {f"{NAME}:A": {"key": "x" * 100_000}},
        {f"{NAME}:" + "A" * 300: {"key": "x"}},
        {f"{NAME}:K{number}": {"key": "x"} for number in range(5_000)},
        ["x"],
    ],
)
@pytest.mark.parametrize("kind", ["one_time_keys", "fallback_keys"])
def test_one_time_keys_with_a_fault(alice: User, kind: str, keys: Any) -> None:
    device = Device(alice)
    device.upload()
    answer = alice.request("POST", "keys/upload", body={kind: keys})
    assert answer.status_code in (400, 413), answer.text
    assert alice.sync()["device_one_time_keys_count"] == {NAME: 0}


@pytest.mark.parametrize("path", ["query", "claim"])
@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        "@x:localhost",
        {"@x:localhost": 5},
        {"@x:localhost": "DEVICE"},
        {"@x:localhost": [5]},
        {f"@u{number}:localhost": [] for number in range(20_000)},
    ],
)
def test_odd_questions_about_keys(alice: User, path: str, asked: Any) -> None:
    name = "device_keys" if path == "query" else "one_time_keys"
    answer = alice.request("POST", f"keys/{path}", body={name: asked})
    assert answer.status_code in (400, 413), answer.text


@pytest.mark.parametrize(
    "user_id", ["", "x", "@", "@a\0b:localhost", "@x:elsewhere.example", "@" + "봉" * 300]
)
def test_keys_of_nobody(alice: User, user_id: str) -> None:
    asked = alice.post("keys/query", body={"device_keys": {user_id: []}})
    assert asked["device_keys"] == {}
    claimed = alice.post("keys/claim", body={"one_time_keys": {user_id: {"D": NAME}}})
    assert claimed["one_time_keys"] == {}


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        {"USER": []},
        {"USER": {"*": "text"}},
        {"USER": {"*": None}},
        {"USER": {"*": {"x": "y" * 70_000}}},
    ],
)
def test_odd_messages_to_devices(alice: User, bob: User, messages: Any) -> None:
    body = json.loads(json.dumps({"messages": messages}).replace("USER", bob.user_id))
    answer = alice.request("PUT", "sendToDevice", "kr.hostile", "t1", body=body)
    assert answer.status_code in (400, 413), answer.text
    assert "to_device" not in bob.sync()


def test_messages_to_those_who_are_not_there_go_nowhere(alice: User, bob: User) -> None:
    everybody = {f"@nobody{number}:localhost": {"*": {}} for number in range(2_000)}
    far = {"@x:elsewhere.example": {"D": {}}, bob.user_id: {f"NONE{number}": {} for number in range(2_000)}}
    alice.put("sendToDevice", "kr.hostile", "t2", body={"messages": {**everybody, **far}})
    assert "to_device" not in bob.sync()


@pytest.mark.parametrize(("kind", "txn_id"), [("k" * 300, "t"), ("kr.x", "t" * 300), ("봉" * 100, "t")])
def test_long_names_of_messages_to_devices(alice: User, kind: str, txn_id: str) -> None:
    alice.refused(400, "M_INVALID_PARAM", "PUT", "sendToDevice", kind, txn_id, body={"messages": {}})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("m.unread", {}),
        ("m.read\0", {}),
        ("m.read", {"thread_id": 5}),
        ("m.read", {"thread_id": ""}),
        ("m.read", {"thread_id": "x" * 10_000}),
        ("m.fully_read", {"thread_id": "main"}),
    ],
)
def test_odd_receipts(alice: User, room: str, kind: str, body: Any) -> None:
    event_id = alice.send(room, "글")
    answer = alice.request("POST", "rooms", room, "receipt", kind, event_id, body=body)
    assert answer.status_code == 400, answer.text


def test_receipts_for_what_one_may_not_see(alice: User, bob: User, room: str, make_user: Make) -> None:
    event_id = alice.send(room, "우리끼리")
    said = set()
    for room_id in (room, "!nowhere:localhost"):
        refused = bob.refused(403, "M_FORBIDDEN", "POST", "rooms", room_id, "receipt", "m.read", event_id)
        said.add(refused["error"])
    body = {"m.read": event_id}
    markers = bob.refused(403, "M_FORBIDDEN", "POST", "rooms", room, "read_markers", body=body)
    assert said == {markers["error"]}
    # An event of another room is not of this one, whoever asks.
    other = bob.create_room()
    bob.refused(400, "M_INVALID_PARAM", "POST", "rooms", other, "receipt", "m.read", event_id)
    for odd in ("x", "$", "$" + "a" * 300, "$a\0b"):
        assert bob.request("POST", "rooms", other, "receipt", "m.read", odd).status_code == 400


def test_the_receipts_of_others_stay_theirs(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    event_id = alice.send(room, "글")
    body = {"user_id": alice.user_id, "ts": 1, "m.read": event_id}
    bob.post("rooms", room, "read_markers", body=body)
    ephemeral = alice.sync()["rooms"]["join"][room]["ephemeral"]["events"]
    (receipt,) = [event for event in ephemeral if event["type"] == "m.receipt"]
    readers = receipt["content"][event_id]["m.read"]
    assert list(readers) == [bob.user_id]
    assert readers[bob.user_id]["ts"] > 1


@pytest.mark.parametrize(
    "body", [{}, {"typing": "yes"}, {"typing": 1}, {"typing": True, "timeout": "long"}, {"typing": None}]
)
def test_odd_typing(alice: User, room: str, body: Any) -> None:
    assert alice.request("PUT", "rooms", room, "typing", alice.user_id, body=body).status_code == 400


def test_typing_for_another_and_where_one_is_not(alice: User, bob: User, room: str) -> None:
    body = {"typing": True, "timeout": 10**12}
    since = alice.sync()["next_batch"]
    bob.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "typing", alice.user_id, body=body)
    bob.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "typing", bob.user_id, body=body)
    assert "rooms" not in alice.sync(since)
    # A time beyond the bound is cut to it.
    alice.put("rooms", room, "typing", alice.user_id, body=body)
    assert timeline(alice.sync(since), room) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"presence": "busy"},
        {"presence": 5},
        {"presence": "online", "status_msg": 5},
        {"presence": "online", "status_msg": "봉" * 10_000},
    ],
)
def test_odd_presence(alice: User, body: Any) -> None:
    before = alice.get("presence", alice.user_id, "status").get("status_msg")
    assert alice.request("PUT", "presence", alice.user_id, "status", body=body).status_code in (400, 413)
    assert alice.get("presence", alice.user_id, "status").get("status_msg") == before


def test_the_presence_of_others(alice: User, bob: User) -> None:
    path = ("presence", alice.user_id, "status")
    bob.refused(403, "M_FORBIDDEN", "PUT", *path, body={"presence": "offline"})
    bob.refused(403, "M_FORBIDDEN", "GET", *path)
    for odd in ("x", "@", "@a\0b:localhost", "@" + "x" * 300 + ":localhost"):
        assert bob.request("GET", "presence", odd, "status").status_code in (400, 403, 404)
