"""Messages to devices: each arrives once, in order, across retries, long queues and restarts."""

import itertools
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
def test_delivered_messages_stay_delivered_over_a_restart(tmp_path: Path, *, clean: bool) -> None:
    server = Server(tmp_path)
    try:
        server.start()
        with http_client(server.url) as http:
            alice, bob = User(http, "alice"), User(http, "bob")
            for user in (alice, bob):
                user.register()
            for number in range(120):
                send(alice, to(bob, number), f"t{number}")
            first = bob.sync()
            second = bob.sync(first["next_batch"])
            assert (len(numbers(first)), len(numbers(second))) == (100, 20)
            token = bob.sync(second["next_batch"])["next_batch"]
            if clean:
                server.stop()
            else:
                server.kill()
            server.start()
            assert numbers(bob.sync(token)) == []
            send(alice, to(bob, 0), "t0")
            send(alice, to(bob, 200), "t200")
            assert numbers(bob.sync(token)) == [200]
            if clean:
                # What the device confirmed before the stop is gone for good, so that it takes no room.
                assert numbers(bob.sync()) == [200]
        server.stop()
        server.verify()
    finally:
        server.kill()
