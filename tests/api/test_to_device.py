"""Messages to devices: each arrives once, in order, across retries, long queues and restarts."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.client import Json, User, http_client, timeline
from tests.server import Server

_txn_ids = itertools.count(1)


def send(sender: User, messages: Json, txn_id: str = "") -> None:
    sender.put("sendToDevice", "m.test", txn_id or f"d{next(_txn_ids)}", body={"messages": messages})


def numbers(answer: Json) -> list[int]:
    events = answer.get("to_device", {}).get("events", [])
    return [event["content"]["number"] for event in events]


def to(user: User, number: int) -> Json:
    return {user.user_id: {user.device_id: {"number": number}}}


def test_a_message_arrives_once_and_again_until_it_is_confirmed(alice: User, bob: User) -> None:
    since = bob.sync()["next_batch"]
    send(alice, to(bob, 1))
    for _ in range(2):
        answer = bob.sync(since, timeout_ms=2_000)
        event = {"sender": alice.user_id, "type": "m.test", "content": {"number": 1}}
        assert answer["to_device"]["events"] == [event]
    assert "to_device" not in bob.sync(answer["next_batch"])


def test_an_initial_sync_brings_what_waits(alice: User, bob: User) -> None:
    send(alice, to(bob, 1))
    assert numbers(bob.sync()) == [1]


def test_a_retried_request_sends_nothing_twice(alice: User, bob: User) -> None:
    since = bob.sync()["next_batch"]
    send(alice, to(bob, 1), "same")
    answer = bob.sync(since)
    send(alice, to(bob, 1), "same")
    assert numbers(answer) == [1]
    assert numbers(bob.sync(answer["next_batch"])) == []
    send(alice.another_device(), to(bob, 2), "same")
    assert numbers(bob.sync(answer["next_batch"])) == [2]


def test_a_star_means_every_device_and_a_name_beats_it(alice: User, bob: User) -> None:
    other = bob.another_device()
    messages = {bob.user_id: {"*": {"number": 1}, other.device_id: {"number": 2}, "NONE": {"number": 3}}}
    send(alice, messages)
    assert (numbers(bob.sync()), numbers(other.sync())) == ([1], [2])
    assert numbers(alice.sync()) == []


def test_a_long_queue_comes_in_parts_without_gap_or_twin(
    alice: User, bob: User, make_user: Callable[[str], User]
) -> None:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = bob.sync()["next_batch"]
    bob.put("user", bob.user_id, "account_data", "org.test", body={"a": 1})
    spoken = []
    for number in range(250):
        send(alice, to(bob, number))
        if number % 50 == 0:
            spoken.append(alice.send(room_id, f"message {number}"))
    parts, heard, told = [], [], 0
    for _ in range(4):
        answer = bob.sync(since)
        parts.append(numbers(answer))
        heard += [event["event_id"] for event in timeline(answer, room_id)]
        told += len(answer.get("account_data", {}).get("events", []))
        since = answer["next_batch"]
    assert parts == [[*range(100)], [*range(100, 200)], [*range(200, 250)], []]
    assert heard == spoken
    assert told == 1


def test_a_message_must_be_an_object_of_bounded_size(alice: User, bob: User) -> None:
    path = ("sendToDevice", "m.test", "x")
    alice.refused(400, "M_MISSING_PARAM", "PUT", *path, body={})
    for messages in ([], {bob.user_id: []}, {bob.user_id: {bob.device_id: "text"}}):
        alice.refused(400, "M_BAD_JSON", "PUT", *path, body={"messages": messages})
    large = {bob.user_id: {bob.device_id: {"text": "x" * 70_000}}}
    alice.refused(413, "M_TOO_LARGE", "PUT", *path, body={"messages": large})
    alice.refused(400, "M_INVALID_PARAM", "PUT", "sendToDevice", "m" * 300, "x", body={"messages": {}})
    send(alice, {"@nobody-at-all:localhost": {"*": {"number": 1}}, bob.user_id: {"NONE": {"number": 1}}})
    assert numbers(bob.sync()) == []


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may stop and kill; its data must verify in the end."""
    server = Server(tmp_path)
    server.start()
    try:
        yield server
        server.stop()
        server.verify()
    finally:
        server.kill()


def two_users(http: httpx.Client) -> tuple[User, User]:
    alice, bob = User(http, "alice"), User(http, "bob")
    for user in (alice, bob):
        user.register()
    return alice, bob


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
def test_what_since_covers_is_not_given_again_after_a_restart(own_server: Server, *, clean: bool) -> None:
    with http_client(own_server.url) as http:
        alice, bob = two_users(http)
        for number in range(20):
            send(alice, to(bob, number), f"t{number}")
        first = bob.sync()
        assert len(numbers(first)) == 20
        token = bob.sync(first["next_batch"])["next_batch"]
        if clean:
            own_server.stop()
        else:
            own_server.kill()
        own_server.start()
        assert numbers(bob.sync(token)) == []
        send(alice, to(bob, 0), "t0")
        send(alice, to(bob, 99), "t99")
        assert numbers(bob.sync(token)) == [99]
        # A client that has lost its token: what was confirmed before a clean stop is gone for good.
        kept = [] if clean else [*range(20)]
        assert numbers(bob.sync()) == [*kept, 99]


def test_a_hundred_delivered_messages_are_gone_for_good_at_once(own_server: Server) -> None:
    with http_client(own_server.url) as http:
        alice, bob = two_users(http)
        for number in range(120):
            send(alice, to(bob, number), f"t{number}")
        first = bob.sync()["next_batch"]
        assert numbers(bob.sync(first)) == [*range(100, 120)]
        send(alice, to(bob, 0), "t0")
        # Bodies go hollow in the order of writing: once this is acknowledged, those before it are gone.
        send(alice, to(bob, 120), "t120")
        own_server.kill()
        own_server.start()
        assert numbers(bob.sync()) == numbers(bob.sync(first)) == [*range(100, 121)]
    own_server.stop()
    log = sqlite3.connect(own_server.data / "log.db")
    ((hollow, of_all),) = log.execute("SELECT sum(state=1), count(*) FROM records WHERE kind=25").fetchall()
    log.close()
    # The retry of the first message is hollow too, since it says nothing new.
    assert (hollow, of_all) == (101, 122)
    own_server.start()
