"""Receipts, read markers and unread counts, as clients see them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import Json, User, timeline


@pytest.fixture
def room(alice: User, bob: User) -> str:
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


def joined(answer: Json, room_id: str) -> Json:
    entry: Json = answer.get("rooms", {}).get("join", {}).get(room_id, {})
    return entry


def counts(user: User, room_id: str, **query: Any) -> tuple[int, int]:
    """(notifications, highlights) as a first sync has them."""
    found = joined(user.sync(**query), room_id)["unread_notifications"]
    return found["notification_count"], found["highlight_count"]


def receipts(answer: Json, room_id: str) -> list[Json]:
    events = joined(answer, room_id).get("ephemeral", {}).get("events", [])
    return [event["content"] for event in events if event["type"] == "m.receipt"]


def read(user: User, room_id: str, event_id: str, kind: str = "m.read", **body: str) -> None:
    assert user.post("rooms", room_id, "receipt", kind, event_id, body=body) == {}


def test_a_receipt_reaches_others_and_clears_the_count(alice: User, bob: User, room: str) -> None:
    first = alice.send(room, "하나")
    last = alice.send(room, "둘")
    assert counts(bob, room) == (2, 0)
    since = alice.sync()["next_batch"]
    read(bob, room, first)
    assert counts(bob, room) == (1, 0)
    answer = alice.sync_until(lambda found: bool(receipts(found, room)), since)
    assert receipts(answer, room)[0][first]["m.read"][bob.user_id]["ts"] > 0
    read(bob, room, last)
    assert counts(bob, room) == (0, 0)
    # Backwards it does not move.
    read(bob, room, first)
    assert counts(bob, room) == (0, 0)
    answer = alice.sync_until(lambda found: bool(receipts(found, room)), answer["next_batch"])
    assert list(receipts(answer, room)[0]) == [last]
    assert list(receipts(alice.sync(), room)[0]) == [last]


def test_a_private_receipt_is_seen_by_nobody_else(alice: User, bob: User, room: str) -> None:
    event_id = alice.send(room, "비밀")
    since_bob = bob.sync()["next_batch"]
    since_alice = alice.sync()["next_batch"]
    read(bob, room, event_id, "m.read.private")
    answer = bob.sync_until(lambda found: bool(receipts(found, room)), since_bob)
    assert bob.user_id in receipts(answer, room)[0][event_id]["m.read.private"]
    assert joined(answer, room)["unread_notifications"]["notification_count"] == 0
    marker = alice.send(room, "끝")
    answer = alice.sync_until(
        lambda found: marker in [e["event_id"] for e in timeline(found, room)], since_alice
    )
    assert receipts(answer, room) == []
    assert receipts(alice.sync(), room) == []
    # The one further ahead counts.
    read(bob, room, event_id)
    assert counts(bob, room) == (1, 0)
    read(bob, room, marker, "m.read.private")
    assert counts(bob, room) == (0, 0)


def test_own_messages_and_what_was_before_joining_do_not_count(
    alice: User, bob: User, room: str, make_user: Callable[[str], User]
) -> None:
    alice.send(room, "먼저")
    carol = make_user("carol")
    carol.join(room)
    assert counts(carol, room) == (0, 0)
    carol.send(room, "안녕")
    assert counts(carol, room) == (0, 0)
    assert counts(bob, room) == (2, 0)
    bob.send(room, "나도")
    assert counts(bob, room) == (2, 0)


def test_the_count_comes_with_the_event(alice: User, bob: User, room: str) -> None:
    since = bob.sync()["next_batch"]
    for number in (1, 2, 3):
        event_id = alice.send(room, f"소식 {number}")
        answer = bob.sync_until(
            lambda found, sent=event_id: sent in [e["event_id"] for e in timeline(found, room)], since
        )
        assert joined(answer, room)["unread_notifications"]["notification_count"] == number
        since = answer["next_batch"]
    redacted = alice.put("rooms", room, "redact", event_id, "r1", body={})["event_id"]
    answer = bob.sync_until(lambda found: redacted in [e["event_id"] for e in timeline(found, room)], since)
    assert joined(answer, room)["unread_notifications"]["notification_count"] == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("봉수님 어디세요", 1),
        ("Bongsu-Kim, hello", 0),
        ("우리봉수야", 1),
        ("봉수x", 0),
        ("아무도 아님", 0),
    ],
)
def test_a_name_in_the_text_highlights(alice: User, bob: User, room: str, body: str, expected: int) -> None:
    bob.put("profile", bob.user_id, "displayname", body={"displayname": "봉수"})
    alice.send(room, body)
    assert counts(bob, room) == (1, expected)
    # With m.mentions the text is not searched.
    alice.send(room, {"msgtype": "m.text", "body": body, "m.mentions": {}})
    assert counts(bob, room) == (2, expected)


def test_mentions_highlight(alice: User, bob: User, room: str) -> None:
    mention = {"msgtype": "m.text", "body": "여기", "m.mentions": {"user_ids": [bob.user_id, 7]}}
    alice.send(room, mention)
    assert counts(bob, room) == (1, 1)
    alice.send(room, {**mention, "msgtype": "m.notice"})
    assert counts(bob, room) == (1, 1)
    alice.send(room, {"msgtype": "m.text", "body": "모두", "m.mentions": {"room": True}})
    assert counts(bob, room) == (2, 2)
    bob.send(room, {"msgtype": "m.text", "body": "모두", "m.mentions": {"room": True}})
    assert counts(alice, room) == (1, 0)
    for odd in ([], "x", None, {"user_ids": "x"}, {"user_ids": [None]}, {"room": 1}):
        alice.send(room, {"msgtype": "m.text", "body": "이상", "m.mentions": odd})
    assert counts(bob, room) == (8, 2)


def test_a_redacted_mention_counts_no_more(alice: User, bob: User, room: str) -> None:
    event_id = alice.send(room, {"msgtype": "m.text", "body": "x", "m.mentions": {"user_ids": [bob.user_id]}})
    assert counts(bob, room) == (1, 1)
    alice.put("rooms", room, "redact", event_id, "r1", body={})
    assert counts(bob, room) == (0, 0)


def test_redacted_names_and_levels_are_forgotten(alice: User, bob: User, room: str) -> None:
    """What `bongsu verify` compares at the end of the session: rows must be those of a rebuild."""
    bob.put("profile", bob.user_id, "displayname", body={"displayname": "파랑"})
    member = bob.get("rooms", room, "state", "m.room.member", bob.user_id, format="event")["event_id"]
    alice.send(room, "파랑 봐")
    levels = alice.get("rooms", room, "state", "m.room.power_levels", "")
    event_id = alice.set_state(room, "m.room.power_levels", {**levels, "notifications": {"room": 0}})
    bob.send(room, {"msgtype": "m.text", "body": "모두", "m.mentions": {"room": True}})
    assert counts(alice, room) == (1, 1)
    assert counts(bob, room) == (1, 1)
    bob.put("rooms", room, "redact", member, "r1", body={})
    alice.put("rooms", room, "redact", event_id, "r2", body={})
    assert counts(alice, room) == (1, 0)
    assert counts(bob, room) == (1, 0)


def test_threads_have_their_own_counts(alice: User, bob: User, room: str) -> None:
    threads = {"filter": {"room": {"timeline": {"unread_thread_notifications": True}}}}

    def by_thread() -> tuple[int, dict[str, int]]:
        entry = joined(bob.sync(**threads), room)
        found = entry.get("unread_thread_notifications", {})
        return entry["unread_notifications"]["notification_count"], {
            thread: count["notification_count"] for thread, count in found.items()
        }

    root = alice.send(room, "뿌리")
    relation = {"rel_type": "m.thread", "event_id": root}
    reply = alice.send(room, {"msgtype": "m.text", "body": "답", "m.relates_to": relation})
    alice.send(room, {"msgtype": "m.text", "body": "답 둘", "m.relates_to": relation})
    last = alice.send(room, "큰길")
    assert by_thread() == (2, {root: 2})
    assert counts(bob, room) == (4, 0)
    read(bob, room, last, thread_id="main")
    assert by_thread() == (0, {root: 2})
    read(bob, room, reply, thread_id=root)
    assert by_thread() == (0, {root: 1})
    found = {
        content[event]["m.read"][bob.user_id]["thread_id"]: event
        for content in receipts(alice.sync(), room)
        for event in content
    }
    assert found == {"main": last, root: reply}
    read(bob, room, last)
    assert by_thread() == (0, {})


def test_read_markers(alice: User, bob: User, room: str) -> None:
    first, last = alice.send(room, "하나"), alice.send(room, "둘")
    since = bob.sync()["next_batch"]
    bob.post("rooms", room, "read_markers", body={"m.fully_read": first, "m.read": last})
    answer = bob.sync_until(lambda found: bool(receipts(found, room)), since)
    data = joined(answer, room)["account_data"]["events"]
    assert [each["content"] for each in data if each["type"] == "m.fully_read"] == [{"event_id": first}]
    assert counts(bob, room) == (0, 0)
    bob.post("rooms", room, "receipt", "m.fully_read", last)
    found = bob.get("user", bob.user_id, "rooms", room, "account_data", "m.fully_read")
    assert found == {"event_id": last}
    bob.post("rooms", room, "read_markers", body={})
    path = ("user", bob.user_id, "rooms", room, "account_data", "m.fully_read")
    bob.refused(405, "M_BAD_JSON", "PUT", *path, body={"event_id": first})


def test_a_receipt_for_an_event_that_is_not_here_waits(alice: User, bob: User, room: str) -> None:
    read(bob, room, "$" + "a" * 43)
    alice.send(room, "그대로")
    assert counts(bob, room) == (1, 0)


def test_bad_receipts_are_refused(
    alice: User, bob: User, room: str, make_user: Callable[[str], User]
) -> None:
    event_id = alice.send(room, "x")
    other = alice.create_room()
    elsewhere = alice.send(other, "y")
    path = ("rooms", room, "receipt", "m.read", event_id)
    for thread in (None, 7, "", {}, "이상"):
        bob.refused(400, "M_INVALID_PARAM", "POST", *path, body={"thread_id": thread})
    bob.refused(400, "M_INVALID_PARAM", "POST", *path, body={"thread_id": "$" + "b" * 43})
    for kind in ("m.other", "m.fully"):
        bob.refused(400, "M_INVALID_PARAM", "POST", "rooms", room, "receipt", kind, event_id)
    fully = ("rooms", room, "receipt", "m.fully_read", event_id)
    bob.refused(400, "M_INVALID_PARAM", "POST", *fully, body={"thread_id": "main"})
    for bad in ("x", "$", elsewhere):
        bob.refused(400, "M_INVALID_PARAM", "POST", "rooms", room, "receipt", "m.read", bad)
    bob.refused(403, "M_FORBIDDEN", "POST", "rooms", other, "receipt", "m.read", elsewhere)
    make_user("dan").refused(403, "M_FORBIDDEN", "POST", *path)
    bob.refused(400, "M_NOT_JSON", "POST", *path, content=b"{")
    bob.refused(400, "M_BAD_JSON", "POST", "rooms", room, "read_markers", body={"m.read": 7})
    assert counts(bob, room) == (1, 0)
