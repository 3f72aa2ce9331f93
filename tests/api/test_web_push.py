"""Browsers are told by way of their push services: encrypted for them alone, and signed by the node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import Json, User, http_client
from tests.api.test_pusher import near_server
from tests.api.test_receipts import read
from tests.helpers.push_service import PushService
from tests.server import Server

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
SECRET = {
    "algorithm": "m.megolm.v1.aes-sha2",
    "ciphertext": "비밀",
    "session_id": "s",
    "device_id": "d",
    "sender_key": "k",
}


@pytest.fixture
def browser() -> Iterator[PushService]:
    service = PushService()
    yield service
    service.close()


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = near_server(tmp_path_factory.mktemp("near"))
    server.start()
    try:
        yield server
        server.stop()
        server.verify()
    finally:
        server.kill()


@pytest.fixture
def pair(near: Server, request: pytest.FixtureRequest) -> Iterator[tuple[User, User, str]]:
    with http_client(near.url) as http:
        name = request.node.name.replace("_", "-")
        users = [User(http, f"{each}-{name}") for each in ("a", "b")]
        for user in users:
            user.register()
        room = users[0].create_room(preset="public_chat", name="마을 회관", initial_state=[ENCRYPTED])
        users[1].join(room)
        yield users[0], users[1], room


def key_of(user: User) -> str:
    return str(user.http.get("/_bongsu/client/v1/push").json()["key"])


def browsers_pusher(browser: PushService, vapid: str, **data: Any) -> Json:
    return {
        **{"app_id": "kr.bongsu.web", "pushkey": browser.p256dh, "kind": "http", "lang": "ko"},
        **{"app_display_name": "봉수", "device_display_name": "브라우저"},
        "data": {"endpoint": browser.endpoint, "auth": browser.auth, "vapid": vapid, "names": True, **data},
    }


def test_a_browser_is_told_who_and_where_and_never_what(
    pair: tuple[User, User, str], browser: PushService
) -> None:
    alice, bob, room = pair
    bob.post("pushers/set", body=browsers_pusher(browser, key_of(bob)))
    name = alice.get("rooms", room, "state", "m.room.member", alice.user_id)["displayname"]
    event_id = alice.send(room, SECRET, "m.room.encrypted")
    [told] = browser.wait(1)
    assert told == {
        **{"event_id": event_id, "room_id": room, "unread": 1, "lang": "ko", "prio": "high"},
        **{"room_name": "마을 회관", "sender_display_name": name},
    }
    assert browser.is_signed(0)
    assert key_of(bob) in browser.headers[0]["authorization"]
    assert browser.headers[0]["content-encoding"] == "aes128gcm"
    # Reading is not told: a browser must show something for each message that it is sent.
    read(bob, room, event_id)
    other = alice.send(room, SECRET, "m.room.encrypted")
    assert [each["event_id"] for each in browser.wait(2)] == [event_id, other]


def test_names_stay_away_when_they_are_not_wanted(pair: tuple[User, User, str], browser: PushService) -> None:
    alice, bob, room = pair
    bob.post("pushers/set", body=browsers_pusher(browser, key_of(bob), names=False))
    alice.send(room, SECRET, "m.room.encrypted")
    [told] = browser.wait(1)
    assert told.keys() == {"event_id", "room_id", "unread", "lang", "prio"}


def test_a_service_that_is_busy_is_asked_again_and_one_that_knows_no_more_ends_the_pusher(
    pair: tuple[User, User, str], browser: PushService
) -> None:
    alice, bob, room = pair
    bob.post("pushers/set", body=browsers_pusher(browser, key_of(bob)))
    browser.answers = [503, 201]
    event_id = alice.send(room, SECRET, "m.room.encrypted")
    assert [each["event_id"] for each in browser.wait(2)] == [event_id, event_id]
    browser.answers = [410]
    since = bob.sync()["next_batch"]
    alice.send(room, SECRET, "m.room.encrypted")
    browser.wait(3)
    bob.sync_until(lambda _: bob.get("pushers") == {"pushers": []}, since)


def test_a_browser_that_trusts_another_node_is_left_to_it(
    pair: tuple[User, User, str], browser: PushService
) -> None:
    alice, bob, room = pair
    own = PushService()
    try:
        bob.post("pushers/set", body=browsers_pusher(browser, browser.p256dh))
        bob.post("pushers/set", body=browsers_pusher(own, key_of(bob)))
        alice.send(room, SECRET, "m.room.encrypted")
        own.wait(1)
        assert browser.told == []
    finally:
        own.close()


@pytest.mark.parametrize(
    ("change", "pushkey"),
    [
        ({"endpoint": None}, None),
        ({"endpoint": "http://push.example/x"}, None),
        ({"endpoint": "https://u:p@push.example/x"}, None),
        ({"endpoint": "https://[::1]/x"}, None),
        ({"endpoint": "https://push example/x"}, None),
        ({"endpoint": f"https://push.example/{'x' * 3_000}"}, None),
        ({"auth": "short"}, None),
        ({"auth": 7}, None),
        ({"vapid": "x"}, None),
        ({"vapid": None}, None),
        ({}, "x"),
        # As long as a point, and on no curve.
        ({}, "B" + "A" * 86),
    ],
)
def test_what_is_no_subscription_is_refused(
    alice: User, browser: PushService, change: Json, pushkey: str | None
) -> None:
    body = browsers_pusher(browser, browser.p256dh, endpoint="https://push.example/x")
    body["data"].update(change)
    body["pushkey"] = pushkey or body["pushkey"]
    alice.refused(400, "M_INVALID_PARAM", "POST", "pushers/set", body=body)


def test_the_key_is_the_same_after_a_restart(tmp_path: Path) -> None:
    server = near_server(tmp_path)
    keys = []
    for _ in range(2):
        server.start()
        try:
            with http_client(server.url) as http:
                keys.append(http.get("/_bongsu/client/v1/push").json()["key"])
        finally:
            server.stop()
    assert keys[0] == keys[1]
