"""Pushers, the notifications they bring to a gateway, and the list of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.client import Json, User, http_client
from tests.api.test_receipts import counts, read
from tests.helpers.gateway import PATH, Gateway
from tests.server import Server


def pusher(url: str, pushkey: str = "key", **fields: Any) -> Json:
    return {
        **{"app_id": "kr.bongsu.test", "pushkey": pushkey, "kind": "http", "lang": "ko"},
        **{"app_display_name": "봉수", "device_display_name": "전화기"},
        "data": {"url": url, "format": "event_id_only", "brand": "x"},
        **fields,
    }


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


def near_server(folder: Path) -> Server:
    """A server that may push to loopback."""
    settings = folder / "bongsu.toml"
    settings.write_text("push_allow_private = true\n", encoding="utf-8")
    return Server(folder, "--config", str(settings))


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
    """Two users in a room, on the server that may push to loopback."""
    with http_client(near.url) as http:
        name = request.node.name.replace("_", "-")
        users = [User(http, f"{each}-{name}") for each in ("a", "b")]
        for user in users:
            user.register()
        room = users[0].create_room(preset="public_chat")
        users[1].join(room)
        yield users[0], users[1], room


URL = f"https://push.example{PATH}"


def test_pushers_are_set_listed_replaced_and_deleted(alice: User, bob: User) -> None:
    assert alice.get("pushers") == {"pushers": []}
    alice.post("pushers/set", body=pusher(URL))
    alice.post("pushers/set", body=pusher(URL, lang="en", profile_tag="t"))
    assert alice.get("pushers") == {"pushers": [pusher(URL, lang="en", profile_tag="t")]}
    # The device changes hands, unless it says that both use it.
    bob.post("pushers/set", body=pusher(URL, append=True))
    assert len(alice.get("pushers")["pushers"]) == 1
    bob.post("pushers/set", body=pusher(URL))
    assert alice.get("pushers") == {"pushers": []}
    gone = {"app_id": "kr.bongsu.test", "pushkey": "key", "kind": None}
    bob.post("pushers/set", body=gone)
    bob.post("pushers/set", body=gone)
    assert bob.get("pushers") == {"pushers": []}


def test_a_pusher_ends_with_its_session(alice: User) -> None:
    other = alice.another_device()
    other.post("pushers/set", body=pusher(URL))
    assert len(alice.get("pushers")["pushers"]) == 1
    other.post("logout")
    assert alice.get("pushers") == {"pushers": []}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"app_id": "x" * 65}, "M_INVALID_PARAM"),
        ({"app_id": None}, "M_MISSING_PARAM"),
        ({"pushkey": ""}, "M_INVALID_PARAM"),
        ({"pushkey": "x" * 513}, "M_INVALID_PARAM"),
        ({"pushkey": 7}, "M_BAD_JSON"),
        ({"kind": "email"}, "M_INVALID_PARAM"),
        ({"kind": 7}, "M_INVALID_PARAM"),
        ({"lang": None}, "M_MISSING_PARAM"),
        ({"data": None}, "M_MISSING_PARAM"),
        ({"data": "x"}, "M_BAD_JSON"),
        ({"data": {}}, "M_MISSING_PARAM"),
        ({"data": {"url": URL, "format": "whole"}}, "M_INVALID_PARAM"),
        ({"data": {"url": f"http://push.example{PATH}"}}, "M_INVALID_PARAM"),
        ({"data": {"url": "https://push.example/other"}}, "M_INVALID_PARAM"),
        ({"data": {"url": f"https://u:p@push.example{PATH}"}}, "M_INVALID_PARAM"),
        ({"data": {"url": f"https://[::1{PATH}"}}, "M_INVALID_PARAM"),
        ({"data": {"url": f"https://push.example:99999{PATH}"}}, "M_INVALID_PARAM"),
        ({"data": {"url": f"file://push.example{PATH}"}}, "M_INVALID_PARAM"),
        ({"append": "yes"}, "M_BAD_JSON"),
    ],
)
def test_bad_pushers_are_refused(alice: User, change: Json, errcode: str) -> None:
    alice.refused(400, errcode, "POST", "pushers/set", body={**pusher(URL), **change})
    assert alice.get("pushers") == {"pushers": []}


def test_a_message_reaches_the_gateway_once_and_reading_clears_the_badge(
    pair: tuple[User, User, str], gateway: Gateway
) -> None:
    alice, bob, room = pair
    bob.post("pushers/set", body=pusher(gateway.url))
    first = alice.send(room, "하나")
    told = gateway.wait(1)[0]
    assert told["event_id"] == first
    assert set(told) == {"event_id", "room_id", "prio", "counts", "devices"}
    assert (told["room_id"], told["counts"]) == (room, {"unread": 1})
    device = told["devices"][0]
    assert (device["app_id"], device["pushkey"]) == ("kr.bongsu.test", "key")
    assert device["data"] == {"format": "event_id_only", "brand": "x"}
    # Own messages and those of no interest are not pushed: the next to come is this mention.
    bob.send(room, "내 것")
    alice.send(room, {"msgtype": "m.notice", "body": "알림"})
    mention = {"msgtype": "m.text", "body": "너", "m.mentions": {"user_ids": [bob.user_id]}}
    second = alice.send(room, mention)
    told = gateway.wait(2)[1]
    assert (told["event_id"], told["counts"], told["prio"]) == (second, {"unread": 2}, "high")
    assert told["devices"][0]["tweaks"] == {"sound": "default", "highlight": True}
    read(bob, room, second)
    told = gateway.wait(3)[2]
    assert (told["counts"], "event_id" in told) == ({}, False)


def test_an_invitation_is_pushed(pair: tuple[User, User, str], gateway: Gateway) -> None:
    alice, bob, _ = pair
    bob.post("pushers/set", body=pusher(gateway.url))
    room = alice.create_room(invite=[bob.user_id])
    told = gateway.wait(1)[0]
    assert (told["room_id"], told["counts"]) == (room, {"unread": 1})


def test_a_refused_notification_is_tried_again(pair: tuple[User, User, str], gateway: Gateway) -> None:
    alice, bob, room = pair
    gateway.answers += [(503, b""), (302, b""), (200, b"no JSON")]
    bob.post("pushers/set", body=pusher(gateway.url))
    event_id = alice.send(room, "하나")
    assert [each["event_id"] for each in gateway.wait(4)] == [event_id] * 4


def test_reading_while_the_gateway_fails_clears_the_badge(
    pair: tuple[User, User, str], gateway: Gateway, near: Server
) -> None:
    alice, bob, room = pair
    bob.post("pushers/set", body=pusher(gateway.url))
    alice.send(room, "하나")
    gateway.wait(1)
    # An address that somebody is told at is a secret of theirs.
    assert gateway.url not in near.errors.read_text(encoding="utf-8")
    gateway.answers += [(503, b"")] * 2
    second = alice.send(room, "둘")
    gateway.wait(2)
    read(bob, room, second)
    told = gateway.wait(3)
    while "event_id" in told[-1]:  # it may have been on its way while it was read
        told = gateway.wait(len(told) + 1)
    assert told[-1]["counts"] == {}


def test_a_rejected_push_key_is_deleted(pair: tuple[User, User, str], gateway: Gateway) -> None:
    alice, bob, room = pair
    gateway.answers.append((200, b'{"rejected":["key"]}'))
    bob.post("pushers/set", body=pusher(gateway.url))
    bob.post("pushers/set", body=pusher(URL, "other"))
    since = bob.sync()["next_batch"]
    alice.send(room, "하나")
    gateway.wait(1)
    bob.sync_until(lambda _: len(bob.get("pushers")["pushers"]) == 1, since)
    assert [each["pushkey"] for each in bob.get("pushers")["pushers"]] == ["other"]
    assert counts(bob, room) == (1, 0)


def test_after_a_crash_what_is_unread_is_pushed_again(tmp_path: Path, gateway: Gateway) -> None:
    server = near_server(tmp_path)
    server.start()
    try:
        with http_client(server.url) as http:
            alice, bob = User(http, "alice"), User(http, "bob")
            alice.register()
            bob.register()
            room = alice.create_room(preset="public_chat")
            bob.join(room)
            gateway.answers += [(503, b"")] * 3
            bob.post("pushers/set", body=pusher(gateway.url))
            read_already = alice.send(room, "읽음")
            gateway.wait(1)
            read(bob, room, read_already)
            event_id = alice.send(room, "하나")
        server.kill()
        gateway.answers.clear()
        before = len(gateway.told)
        server.start()
        assert {each["event_id"] for each in gateway.wait(before + 1)[before:]} == {event_id}
        server.stop()
    finally:
        server.kill()


def test_notifications_are_listed(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    alice.send(room, "먼저")
    bob.join(room)
    sent = [alice.send(room, f"소식 {number}") for number in range(3)]
    mention = {"msgtype": "m.text", "body": "너", "m.mentions": {"user_ids": [bob.user_id]}}
    sent.append(alice.send(room, mention))
    bob.send(room, "내 것")
    alice.send(room, {"msgtype": "m.notice", "body": "x"})
    read(bob, room, sent[0])
    page = bob.get("notifications", limit=3)
    assert [each["event"]["event_id"] for each in page["notifications"]] == sent[:0:-1]
    assert [each["read"] for each in page["notifications"]] == [False] * 3
    rest = bob.get("notifications", **{"from": page["next_token"]})
    assert [(each["event"]["event_id"], each["read"]) for each in rest["notifications"]] == [(sent[0], True)]
    only = bob.get("notifications", only="highlight")["notifications"]
    assert [each["event"]["event_id"] for each in only] == [sent[-1]]
    bob.refused(400, "M_INVALID_PARAM", "GET", "notifications", query={"from": "x"})


def test_a_gateway_that_is_not_public_is_not_asked(alice: User, bob: User, http: httpx.Client) -> None:
    """On the server without the setting, plain http is refused at once; the look-up is tried by itself."""
    bad = pusher(f"http://127.0.0.1{PATH}")
    alice.refused(400, "M_INVALID_PARAM", "POST", "pushers/set", body=bad)
