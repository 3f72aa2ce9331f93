"""Sending, redacting, editing and reading history."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.client import User, timeline


def test_a_retry_with_the_same_transaction_makes_one_event(alice: User) -> None:
    room = alice.create_room()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: alice.send(room, "한 번", txn_id="same"), range(8)))
    assert len(found) == 1
    assert alice.send(room, "한 번", txn_id="same") in found
    other = alice.another_device()
    assert other.send(room, "다른 기기", txn_id="same") not in found
    answer = alice.sync()
    texts = [event["content"].get("body") for event in timeline(answer, room)]
    assert texts.count("한 번") == 1
    mine = next(event for event in timeline(answer, room) if event["content"].get("body") == "한 번")
    assert mine["unsigned"]["transaction_id"] == "same"
    theirs = next(event for event in timeline(other.sync(), room) if event["content"].get("body") == "한 번")
    assert "transaction_id" not in theirs["unsigned"]


def test_history_pages_both_ways_without_gap_or_double(alice: User) -> None:
    room = alice.create_room()
    sent = [alice.send(room, f"글 {number}") for number in range(25)]
    for direction, wanted in (("b", sent[::-1]), ("f", sent)):
        found: list[str] = []
        query = {"dir": direction, "limit": 7}
        while True:
            page = alice.get("rooms", room, "messages", **query)
            found += [event["event_id"] for event in page["chunk"]]
            if "end" not in page:
                break
            query["from"] = page["end"]
        assert [event_id for event_id in found if event_id in sent] == wanted
        assert len(found) == len(set(found)) == len(sent) + 6


def test_a_limited_sync_joins_up_with_messages(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    token = bob.sync()["next_batch"]
    sent = [alice.send(room, f"글 {number}") for number in range(30)]
    answer = bob.sync(token, filter={"room": {"timeline": {"limit": 5}}})
    joined = answer["rooms"]["join"][room]["timeline"]
    assert joined["limited"] is True
    shown = [event["event_id"] for event in joined["events"]]
    assert shown == sent[-5:]
    page = bob.get("rooms", room, "messages", dir="b", limit=25, **{"from": joined["prev_batch"]})
    assert [event["event_id"] for event in page["chunk"]] == sent[:-5][::-1]


def test_context_shows_both_sides(alice: User) -> None:
    room = alice.create_room()
    sent = [alice.send(room, f"글 {number}") for number in range(9)]
    answer = alice.get("rooms", room, "context", sent[4], limit=5)
    assert answer["event"]["event_id"] == sent[4]
    assert [event["event_id"] for event in answer["events_before"]] == [sent[3], sent[2]]
    assert [event["event_id"] for event in answer["events_after"]] == [sent[5], sent[6]]
    further = alice.get("rooms", room, "messages", dir="f", limit=2, **{"from": answer["end"]})
    assert [event["event_id"] for event in further["chunk"]] == sent[7:9]
    back = alice.get("rooms", room, "messages", dir="b", limit=2, **{"from": answer["start"]})
    assert [event["event_id"] for event in back["chunk"]] == [sent[1], sent[0]]
    alone = alice.get("rooms", room, "context", sent[4], limit=0)
    assert alone["events_before"] == alone["events_after"] == []


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_redaction_removes_content_everywhere(alice: User, bob: User, version: str) -> None:
    room = alice.create_room(preset="public_chat", room_version=version)
    bob.join(room)
    secret = bob.send(room, "비밀번호는 봉수")
    token = alice.sync()["next_batch"]
    bob.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "redact", alice.send(room, "내 글"), "r0", body={})
    redaction = bob.put("rooms", room, "redact", secret, "r1", body={"reason": "실수"})["event_id"]
    assert bob.put("rooms", room, "redact", secret, "r1", body={"reason": "실수"})["event_id"] == redaction
    event = alice.get("rooms", room, "event", secret)
    assert event["content"] == {}
    assert event["unsigned"]["redacted_because"]["event_id"] == redaction
    synced = next(event for event in timeline(alice.sync(token), room) if event["type"] == "m.room.redaction")
    assert synced["redacts"] == secret
    assert synced["content"]["redacts"] == secret
    assert "봉수" not in json.dumps(
        alice.get("rooms", room, "messages", dir="b", limit=50), ensure_ascii=False
    )
    alice.put("rooms", room, "redact", bob.send(room, "광고"), "r2", body={})
    bob.refused(404, "M_NOT_FOUND", "PUT", "rooms", room, "redact", "$nothing", "r3", body={})


def test_an_edit_is_bundled(alice: User) -> None:
    room = alice.create_room()
    original = alice.send(room, "오타")
    edit = {
        "msgtype": "m.text",
        "body": "* 고침",
        "m.new_content": {"msgtype": "m.text", "body": "고침"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": original},
    }
    edited = alice.send(room, edit)
    event = alice.get("rooms", room, "event", original)
    assert event["unsigned"]["m.relations"]["m.replace"]["event_id"] == edited
    alice.put("rooms", room, "redact", edited, "e1", body={})
    event = alice.get("rooms", room, "event", original)
    assert "m.replace" not in event["unsigned"].get("m.relations", {})


def test_hidden_history_stays_hidden(alice: User, bob: User) -> None:
    for setting, before_invite, before_join in (
        ("shared", True, True),
        ("invited", False, True),
        ("joined", False, False),
    ):
        visibility = {"type": "m.room.history_visibility", "content": {"history_visibility": setting}}
        room = alice.create_room(initial_state=[visibility])
        first = alice.send(room, "초대 전")
        alice.invite(room, bob)
        second = alice.send(room, "참여 전")
        bob.join(room)
        third = alice.send(room, "참여 후")
        chunk = bob.get("rooms", room, "messages", dir="b", limit=50)["chunk"]
        seen = {event["event_id"] for event in chunk}
        assert (first in seen, second in seen, third in seen) == (before_invite, before_join, True), setting
        synced = {event["event_id"] for event in timeline(bob.sync(), room)}
        assert (first in synced, second in synced, third in synced) == (before_invite, before_join, True)
        status = bob.request("GET", "rooms", room, "event", first).status_code
        assert status == (200 if before_invite else 404)


def test_an_event_by_time(alice: User) -> None:
    room = alice.create_room()
    sent = alice.send(room, "지금")
    ts = alice.get("rooms", room, "event", sent)["origin_server_ts"]
    path = ("/_matrix/client/v1/rooms", room, "timestamp_to_event")
    assert alice.get(*path, ts=ts + 60_000, dir="b")["event_id"] == sent
    alice.refused(404, "M_NOT_FOUND", "GET", *path, query={"ts": ts + 60_000, "dir": "f"})


def test_too_large_and_malformed_events_are_refused(alice: User) -> None:
    room = alice.create_room()
    path = ("PUT", "rooms", room, "send", "m.room.message")
    alice.refused(413, "M_TOO_LARGE", *path, "big", body={"msgtype": "m.text", "body": "가" * 30_000})
    alice.refused(413, "M_TOO_LARGE", "PUT", "rooms", room, "send", "봉" * 100, "t", body={})
    for number, (content, errcode) in enumerate(
        [
            (b"", "M_NOT_JSON"),
            (b"{", "M_NOT_JSON"),
            (b"\xff", "M_NOT_JSON"),
            (b"[]", "M_BAD_JSON"),
            (b'"text"', "M_BAD_JSON"),
            (b'{"a": 1.5}', "M_BAD_JSON"),
            (b'{"a": NaN}', "M_BAD_JSON"),
            (b'{"a": 9007199254740993}', "M_BAD_JSON"),
            (b'{"a": 1, "a": 2}', "M_BAD_JSON"),
            (b'{"a": "\\ud800"}', "M_BAD_JSON"),
            (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "M_BAD_JSON"),
        ]
    ):
        alice.refused(400, errcode, *path, f"bad{number}", content=content)
    alice.send(room, "그래도 된다")
