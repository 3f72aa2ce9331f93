"""What a visitor left at a hub is sent once, where the room is kept, if his device signed it."""

from collections.abc import Callable

import httpx
import pytest

from tests.api.client import Json, User, timeline
from tests.api.olm import Device

PATH = "/_bongsu/client/v1/deferred_sends"
NOW_MS_MIN = 1_795_000_000_000


@pytest.fixture
def pair(alice: User, bob: User) -> tuple[Device, str]:
    """A device of alice's whose keys are known, and a room with bob."""
    device = Device(alice)
    device.upload()
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    return device, room


def request(device: Device, room: str, body: str, txn_id: str = "t", **changed: object) -> Json:
    said = {
        "user_id": device.user.user_id,
        "device_id": device.user.device_id,
        "room_id": room,
        "type": "m.room.message",
        "txn_id": txn_id,
        "content": {"msgtype": "m.text", "body": body},
        "ts": NOW_MS_MIN,
    }
    return {**device.sign(said), **changed}


def hears(bob: User, room: str, last: str) -> list[str]:
    """What bob is told, up to the message that must come."""

    def bodies(answer: Json) -> list[str]:
        return [each["content"].get("body", "") for each in timeline(answer, room)]

    return bodies(bob.sync_until(lambda answer: last in bodies(answer)))


def test_a_signed_request_is_sent_once(
    http: httpx.Client, pair: tuple[Device, str], alice: User, bob: User
) -> None:
    device, room = pair
    said = request(device, room, "강릉에서 씁니다")
    for _ in range(2):
        assert http.post(PATH, json=said).json() == {"site": "main"}
    alice.sync_until(lambda answer: "강릉에서 씁니다" in str(answer))
    # The same device sends the same again by itself, as every client does that had no answer.
    alice.send(room, "강릉에서 씁니다", txn_id="t")
    alice.send(room, "last")
    heard = hears(bob, room, "last")
    assert heard.count("강릉에서 씁니다") == 1


def test_what_the_device_did_not_sign_is_not_sent(
    http: httpx.Client, pair: tuple[Device, str], alice: User, bob: User
) -> None:
    device, room = pair
    forged = request(device, room, "forged", content={"msgtype": "m.text", "body": "changed"})
    stranger = Device(bob)
    stranger.upload()
    other = {**request(stranger, room, "as alice", "u"), "user_id": alice.user_id}
    other["signatures"] = {alice.user_id: {f"ed25519:{other['device_id']}": "A" * 86}}
    for said in (forged, other):
        assert http.post(PATH, json=said).status_code == 200
    assert http.post(PATH, json=request(device, room, "honest", "v")).status_code == 200
    heard = hears(bob, room, "honest")
    assert not {"changed", "forged", "as alice"} & {*heard}


def test_who_left_sends_nothing(http: httpx.Client, make_user: Callable[[str], User], bob: User) -> None:
    carol = make_user("carol")
    device = Device(carol)
    device.upload()
    room = bob.create_room(invite=[carol.user_id])
    carol.join(room)
    carol.post("rooms", room, "leave")
    assert http.post(PATH, json=request(device, room, "from outside")).status_code == 200
    bob.send(room, "last")
    assert "from outside" not in hears(bob, room, "last")


def test_what_comes_before_its_sender_is_known_in_the_room_is_sent_then(
    http: httpx.Client, make_user: Callable[[str], User], bob: User
) -> None:
    """A courier brings the request by one way, and the joining, made at another hub, by another."""
    carol = make_user("carol")
    device = Device(carol)
    room = bob.create_room(invite=[carol.user_id])
    assert http.post(PATH, json=request(device, room, "too early")).status_code == 200
    bob.send(room, "meanwhile")
    assert hears(bob, room, "meanwhile").count("too early") == 0
    carol.join(room)
    device.upload()
    assert hears(bob, room, "too early").count("too early") == 1


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"user_id": 7}, "M_BAD_JSON"),
        ({"user_id": "nobody"}, "M_INVALID_PARAM"),
        ({"room_id": "x"}, "M_INVALID_PARAM"),
        ({"txn_id": ""}, "M_INVALID_PARAM"),
        ({"txn_id": "t" * 300}, "M_INVALID_PARAM"),
        ({"signatures": {}}, "M_INVALID_PARAM"),
        ({"content": "text"}, "M_BAD_JSON"),
        ({"content": {"body": "x" * 70_000}}, "M_TOO_LARGE"),
    ],
)
def test_a_request_that_is_none_is_refused(
    http: httpx.Client, pair: tuple[Device, str], changed: Json, errcode: str
) -> None:
    answered = http.post(PATH, json=request(*pair, "x", **changed))
    assert 400 <= answered.status_code < 500
    assert answered.json()["errcode"] == errcode
