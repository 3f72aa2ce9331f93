"""Searching messages: Korean by two syllables, only what one may read, nothing that was redacted."""

import sqlite3
import unicodedata

import pytest

from tests.api.client import Json, User
from tests.server import Server


def search(user: User, term: str, batch: str | None = None, **criteria: object) -> Json:
    body = {"search_categories": {"room_events": {"search_term": term, **criteria}}}
    query = {} if batch is None else {"next_batch": batch}
    answer = user.expect(200, "POST", "search", body=body, query=query)
    found: Json = answer["search_categories"]["room_events"]
    return found


def ids(found: Json) -> list[str]:
    return [result["result"]["event_id"] for result in found["results"]]


@pytest.mark.parametrize(
    "term",
    [
        "봉화",
        "회의를",
        "회의",
        "일곱 시",
        "BRIDGE",
        "bri",
        "대피소",
        "시",
        "7동",
        unicodedata.normalize("NFD", "봉화"),
    ],
)
def test_words_are_found_by_their_parts(alice: User, term: str) -> None:
    room = alice.create_room()
    sent = alice.send(room, "저녁 일곱 시 봉화대피소에서 회의를 합니다. Bridge 7동 앞!")
    alice.send(room, "다른 이야기")
    found = search(alice, term)
    assert ids(found) == [sent]
    assert found["count"] == 1
    assert found["results"][0]["rank"] > 0


def test_pairs_in_another_order_do_not_match(alice: User) -> None:
    alice.send(alice.create_room(), "가나 나다 다라")
    assert ids(search(alice, "가나다")) == []
    assert ids(search(alice, "!!! ?")) == []


def test_names_and_topics(alice: User) -> None:
    room = alice.create_room(name="두물머리", topic="강가 모임")
    alice.send(room, "두물머리 사진")
    kinds = {"content.body": "m.room.message", "content.name": "m.room.name"}
    for key, kind in kinds.items():
        found = search(alice, "두물머리", keys=[key])
        assert [result["result"]["type"] for result in found["results"]] == [kind]
    assert len(ids(search(alice, "두물머리"))) == 2
    assert len(ids(search(alice, "강가", keys=["content.topic"]))) == 1


def test_only_what_one_may_read(alice: User, bob: User) -> None:
    room = alice.create_room(
        preset="public_chat",
        initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}],
    )
    alice.send(room, "이전 비밀 이야기")
    assert ids(search(bob, "비밀")) == []
    bob.join(room)
    after = alice.send(room, "이후 비밀 이야기")
    assert ids(search(bob, "비밀")) == [after]
    bob.post("rooms", room, "leave")
    alice.send(room, "떠난 뒤 비밀 이야기")
    assert ids(search(bob, "비밀")) == [after]
    assert len(ids(search(alice, "비밀"))) == 3
    secret = alice.create_room(
        initial_state=[{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
    )
    alice.send(secret, "비밀 이야기")
    assert len(ids(search(alice, "비밀"))) == 3


def test_what_is_redacted_is_gone(alice: User, server: Server) -> None:
    room = alice.create_room()
    sent = alice.send(room, "삭제될 전화번호 쏠뷁")
    assert ids(search(alice, "쏠뷁")) == [sent]
    alice.put("rooms", room, "redact", sent, "once")
    assert ids(search(alice, "쏠뷁")) == []
    with sqlite3.connect(f"file:{server.data}/view.db?mode=ro", uri=True) as db:
        found = db.execute("SELECT count(*) FROM text_search WHERE text_search MATCH '\"쏠뷁\"'").fetchone()
        assert found == (0,)
        assert db.execute("SELECT count(*) FROM texts WHERE text LIKE '%쏠뷁%'").fetchone() == (0,)
    db.close()


@pytest.mark.parametrize("order", ["recent", "rank"])
def test_pages(alice: User, order: str) -> None:
    room = alice.create_room()
    sent = [alice.send(room, f"훈련 {'알림 ' * number}") for number in range(7)]
    found: list[str] = []
    batch = None
    for _ in range(5):
        page = search(alice, "훈련", batch, order_by=order, filter={"limit": 3})
        found += ids(page)
        batch = page.get("next_batch")
        if batch is None:
            break
    # The shortest text is the closest match.
    assert found == (sent[::-1] if order == "recent" else sent)


def test_filters_and_groups(alice: User, bob: User) -> None:
    rooms = [alice.create_room(invite=[bob.user_id]) for _ in range(2)]
    for room in rooms:
        bob.join(room)
        alice.send(room, "집결지 확인")
        bob.send(room, "집결지 도착")
    groups = {"group_by": [{"key": "room_id"}, {"key": "sender"}]}
    found = search(alice, "집결지", groupings=groups, include_state=True)
    assert set(found["groups"]["room_id"]) == set(found["state"]) == set(rooms)
    assert {len(group["results"]) for group in found["groups"]["sender"].values()} == {2}
    assert len(ids(search(alice, "집결지", filter={"rooms": [rooms[0]]}))) == 2
    assert len(ids(search(alice, "집결지", filter={"senders": [bob.user_id], "not_rooms": [rooms[0]]}))) == 1


def test_what_was_said_around_it(alice: User) -> None:
    room = alice.create_room()
    events = [alice.send(room, text) for text in ("하나", "둘", "바늘찾기", "넷", "다섯")]
    around = {"before_limit": 1, "after_limit": 2, "include_profile": True}
    (result,) = search(alice, "바늘찾기", event_context=around)["results"]
    context = result["context"]
    assert [event["event_id"] for event in context["events_before"]] == [events[1]]
    assert [event["event_id"] for event in context["events_after"]] == events[3:]
    assert set(context["profile_info"]) == {alice.user_id}
    older = alice.get("rooms", room, "messages", dir="b", **{"from": context["start"]}, limit=1)
    assert [event["event_id"] for event in older["chunk"]] == [events[0]]


@pytest.mark.parametrize(
    ("criteria", "status"),
    [
        ({}, 400),
        ({"search_term": 5}, 400),
        ({"search_term": "x" * 9_999}, 413),
        ({"search_term": "x", "keys": ["content.secret"]}, 400),
        ({"search_term": "x", "keys": "content.body"}, 400),
        ({"search_term": "x", "order_by": "chaos"}, 400),
        ({"search_term": "x", "groupings": {"group_by": [{"key": "moon"}]}}, 400),
        ({"search_term": "x", "groupings": {"group_by": ["room_id"]}}, 400),
        ({"search_term": "x", "filter": {"limit": -1}}, 400),
        ({"search_term": "x", "filter": []}, 400),
        ({"search_term": "x", "event_context": {"before_limit": "y"}}, 400),
    ],
)
def test_odd_searches(alice: User, criteria: Json, status: int) -> None:
    body = {"search_categories": {"room_events": criteria}}
    assert alice.request("POST", "search", body=body).status_code == status
    for term in ('"', "' OR 1=1 --", "* NOT (", "NEAR(가 나)", "grams:가", "\0", "·1", "\U0001f3f4\u200d"):
        search(alice, term)


def test_odd_tokens(alice: User) -> None:
    body = {"search_categories": {"room_events": {"search_term": "x"}}}
    for batch in ("x", "n-1", "e$nothing", "n" + "9" * 400 + "x", ""):
        alice.refused(400, "M_INVALID_PARAM", "POST", "search", body=body, query={"next_batch": batch})
    assert alice.post("search", body={"search_categories": {}}) == {"search_categories": {}}
    alice.refused(400, "M_MISSING_PARAM", "POST", "search", body={})
