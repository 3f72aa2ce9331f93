"""GET /sync: tokens, filters, lazy loading, long polls."""

import json
import threading
from collections.abc import Callable

import pytest

from bongsu.sync.token import NO_START, Token, decode
from tests.api.client import User, timeline

Make = Callable[[str], User]


def without_shortcut(text: str) -> str:
    """The token as a node that did not write it sees it: the version vector alone."""
    token = decode(text)
    return Token(NO_START, 0, 0, token.vector).encode()


def test_a_token_is_a_vector_and_needs_no_shortcut(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    sent = [alice.send(room, f"글 {number}") for number in range(3)]
    by_shortcut = timeline(bob.sync(token), room)
    by_vector = timeline(bob.sync(without_shortcut(token)), room)
    assert [event["event_id"] for event in by_shortcut] == sent
    assert [event["event_id"] for event in by_vector] == sent
    after = bob.sync(without_shortcut(token))["next_batch"]
    assert timeline(bob.sync(without_shortcut(after)), room) == []


def test_nothing_is_missed_or_repeated_over_many_syncs(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    sent: list[str] = []
    writer = threading.Thread(target=lambda: sent.extend(alice.send(room, str(n)) for n in range(60)))
    writer.start()
    seen: list[str] = []
    while len(seen) < 60:
        answer = bob.sync(token, timeout_ms=5_000)
        token = answer["next_batch"]
        seen += [event["event_id"] for event in timeline(answer, room)]
    writer.join()
    assert seen == sent


def test_a_long_poll_ends_with_the_first_news(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    answers: list[object] = []
    poll = threading.Thread(target=lambda: answers.append(bob.sync(token, timeout_ms=30_000)))
    poll.start()
    sent = alice.send(room, "깨어나라")
    poll.join(20)
    assert not poll.is_alive()
    assert [event["event_id"] for event in timeline(answers[0], room)] == [sent]  # type: ignore[arg-type]


def test_an_empty_poll_ends_by_itself_and_says_nothing(alice: User) -> None:
    token = alice.sync()["next_batch"]
    answer = alice.sync(token, timeout_ms=50)
    assert "rooms" not in answer


def test_a_newly_joined_room_comes_whole(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat", name="마을")
    for number in range(30):
        alice.send(room, str(number))
    token = bob.sync()["next_batch"]
    bob.join(room)
    found = bob.sync(token)["rooms"]["join"][room]
    assert found["timeline"]["limited"] is True
    kinds = {event["type"] for event in found["state"]["events"]}
    assert {"m.room.create", "m.room.name", "m.room.power_levels"} <= kinds
    assert found["summary"]["m.joined_member_count"] == 2


def test_state_after_holds_the_state_at_the_end(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    alice.set_state(room, "m.room.name", {"name": "하나"})
    alice.set_state(room, "m.room.name", {"name": "둘"})
    found = bob.sync(token, use_state_after="true")["rooms"]["join"][room]
    assert "state" not in found
    names = [event["content"] for event in found["state_after"]["events"] if event["type"] == "m.room.name"]
    assert names == [{"name": "둘"}]
    classic = bob.sync(token)["rooms"]["join"][room]
    assert classic["state"]["events"] == []


def test_state_after_has_the_name_it_was_asked_by(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    for number in range(30):
        alice.send(room, str(number))
    bob.join(room)
    found = bob.sync(**{"org.matrix.msc4222.use_state_after": "true"})["rooms"]["join"][room]
    assert "state" not in found
    assert "state_after" not in found
    kinds = {event["type"] for event in found["org.matrix.msc4222.state_after"]["events"]}
    assert {"m.room.create", "m.room.member", "m.room.power_levels"} <= kinds


def test_state_in_the_gap_of_a_limited_sync(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    alice.set_state(room, "m.room.topic", {"topic": "틈"})
    for number in range(10):
        alice.send(room, str(number))
    found = bob.sync(token, filter={"room": {"timeline": {"limit": 3}}})["rooms"]["join"][room]
    assert [event["type"] for event in found["state"]["events"]] == ["m.room.topic"]


def test_lazy_loading_sends_the_members_that_speak(alice: User, bob: User, make_user: Make) -> None:
    room = alice.create_room(preset="public_chat")
    people = [make_user("p") for _ in range(4)]
    for person in (bob, *people):
        person.join(room)
    for number in range(5):
        alice.send(room, str(number))
    lazy = {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 3}}}
    answer = bob.sync(filter=lazy)
    state = answer["rooms"]["join"][room]["state"]["events"]
    shown = {event["state_key"] for event in state if event["type"] == "m.room.member"}
    assert shown == {alice.user_id, bob.user_id}
    people[0].send(room, "나도")
    later = bob.sync(answer["next_batch"], filter=lazy)["rooms"]["join"][room]
    shown = {event["state_key"] for event in later["state"]["events"] if event["type"] == "m.room.member"}
    assert shown == {people[0].user_id}


def test_filters_by_type_sender_and_room(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    other = alice.create_room(preset="public_chat")
    bob.join(room)
    bob.join(other)
    token = bob.sync()["next_batch"]
    alice.send(room, "글")
    alice.send(room, {"n": 1}, "kr.bongsu.n")
    bob.send(room, "내 글")
    alice.send(other, "딴 방")
    chosen = {"room": {"rooms": [room], "timeline": {"types": ["kr.*"]}}}
    answer = bob.sync(token, filter=chosen)
    assert [event["type"] for event in timeline(answer, room)] == ["kr.bongsu.n"]
    assert other not in answer["rooms"]["join"]
    kept = bob.post(
        "user", bob.user_id, "filter", body={"room": {"timeline": {"not_senders": [bob.user_id]}}}
    )
    again = bob.post(
        "user", bob.user_id, "filter", body={"room": {"timeline": {"not_senders": [bob.user_id]}}}
    )
    assert again == kept
    answer = bob.sync(token, filter=kept["filter_id"])
    assert bob.user_id not in {event["sender"] for event in timeline(answer, room)}
    stored = bob.get("user", bob.user_id, "filter", kept["filter_id"])
    assert stored == {"room": {"timeline": {"not_senders": [bob.user_id]}}}
    alice.refused(403, "M_FORBIDDEN", "GET", "user", bob.user_id, "filter", kept["filter_id"])


@pytest.mark.parametrize(
    "text",
    ["garbage", "s", "s!!!!", "s" + "A" * 5000, "sAAAA", "t5_$x", "s한글", "-1", "s" + "A" * 60],
)
def test_garbage_tokens_are_refused(alice: User, text: str) -> None:
    alice.refused(400, "M_INVALID_PARAM", "GET", "sync", query={"since": text})


def test_a_token_from_the_future_is_answered_and_never_lowered(alice: User) -> None:
    room = alice.create_room()
    token = decode(alice.sync()["next_batch"])
    ahead = token.vector.advance(*_log_beyond(token))
    text = Token(NO_START, 0, 0, ahead).encode()
    answer = alice.sync(text)
    after = decode(answer["next_batch"])
    assert ahead <= after.vector
    sent = alice.send(room, "이어서")
    again = alice.sync_until(lambda found: bool(timeline(found, room)), answer["next_batch"])
    assert sent in [event["event_id"] for event in timeline(again, room)]


def _log_beyond(token: Token) -> tuple[object, int, int]:
    """Another node's log, as (log, ordinal, seq), that this service has never held."""
    from bongsu.log.record import Lane, LogName

    return LogName(b"another node's x", 0x1234567890ABCDEF, Lane.TEXT), 1, 10


@pytest.mark.parametrize(
    "value",
    [
        5,
        [],
        "x",
        {"room": 1},
        {"room": {"timeline": []}},
        {"room": {"timeline": {"limit": "5"}}},
        {"room": {"timeline": {"limit": -1}}},
        {"room": {"timeline": {"types": "m.room.message"}}},
        {"room": {"timeline": {"types": [1]}}},
        {"room": {"rooms": {}}},
        {"room": {"state": {"lazy_load_members": 1}}},
        {"event_fields": [1]},
        {"event_format": "xml"},
        {"presence": []},
    ],
)
def test_malformed_filters_are_refused(alice: User, value: object) -> None:
    answer = alice.request("POST", "user", alice.user_id, "filter", body=value)
    assert answer.status_code == 400
    if isinstance(value, dict):
        answer = alice.request("GET", "sync", query={"filter": json.dumps(value)})
        assert answer.status_code == 400
    alice.sync()


def test_account_data_and_tags_come_once(alice: User) -> None:
    room = alice.create_room()
    token = alice.sync()["next_batch"]
    alice.put("user", alice.user_id, "account_data", "kr.bongsu.a", body={"n": 1.5})
    alice.put("user", alice.user_id, "rooms", room, "account_data", "kr.bongsu.b", body={"m": [1]})
    alice.put("user", alice.user_id, "rooms", room, "tags", "u.집", body={"order": 0.25})
    answer = alice.sync(token)
    assert {"type": "kr.bongsu.a", "content": {"n": 1.5}} in answer["account_data"]["events"]
    data = answer["rooms"]["join"][room]["account_data"]["events"]
    assert {"type": "m.tag", "content": {"tags": {"u.집": {"order": 0.25}}}} in data
    assert alice.get("user", alice.user_id, "rooms", room, "tags") == {"tags": {"u.집": {"order": 0.25}}}
    quiet = alice.sync(answer["next_batch"])
    assert "rooms" not in quiet
    assert "account_data" not in quiet
    alice.delete("user", alice.user_id, "rooms", room, "tags", "u.집")
    assert alice.get("user", alice.user_id, "rooms", room, "tags") == {"tags": {}}
    path = ("PUT", "user", alice.user_id, "account_data", "m.push_rules")
    assert alice.request(*path, body={}).status_code == 405
