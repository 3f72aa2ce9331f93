"""Members of a room share bytes. Whoever asks, warm caches and cold ones must give the same answer."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.live.shared import Shared
from bongsu.sync.filter import Filter, parse
from bongsu.sync.request import SyncRequest
from bongsu.sync.v3 import sync
from tests.helpers.crowd import CREATOR, Crowd, crowd

FILTERS = {
    "none": {},
    "two newest": {"room": {"timeline": {"limit": 2}}},
    "no topics": {"room": {"timeline": {"not_types": ["m.room.topic"]}}},
    "from one": {"room": {"timeline": {"senders": ["@user1:localhost"]}}},
    "lazy": {"room": {"state": {"lazy_load_members": True}}},
    "threads": {"room": {"timeline": {"unread_thread_notifications": True}}},
    "no receipts": {"room": {"ephemeral": {"not_types": ["m.receipt"]}}},
    "not here": {"room": {"not_rooms": ["ROOM"]}},
}


def request(user_id: str, filter_: Filter, device_id: str = "D", *, after: bool = False) -> SyncRequest:
    return SyncRequest(
        user_id,
        device_id,
        f"{user_id} {device_id}",
        filter_,
        False,
        "state_after" if after else "state",
        0.0,
        "offline",
    )


async def ask(made: Crowd, asked: SyncRequest, since: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((await sync(made.node, asked, since)).body)
    return answer


def forget(made: Crowd) -> None:
    made.node.shared = Shared()
    made.node.context.memberships.forget_all()
    made.node.context.always_shared.clear()
    made.node.context.notices.clear()


def without_age(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_age(each) for name, each in value.items() if name != "age"}
    return [without_age(each) for each in value] if isinstance(value, list) else value


def found(answer: dict[str, Any], made: Crowd) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = answer["rooms"]["join"][made.room_id]["timeline"]["events"]
    return events


async def say(made: Crowd, sender: str, body: str, txn_id: str = "", device_id: str = "D") -> None:
    sent_by = {"device_id": device_id, "path": "/send", "txn_id": txn_id} if txn_id else None
    content = {"msgtype": "m.text", "body": body}
    room = made.node.context.live.get(made.room_id)
    event = NewEvent("m.room.message", content)
    await made.node.write(made.author.make(room, sender, event, sent_by)[1])


@pytest.fixture
async def made(tmp_path: Path) -> Crowd:
    return await crowd(tmp_path, 4)


async def test_warm_answers_are_the_cold_ones(made: Crowd) -> None:
    users = [CREATOR, *made.users]
    filters = {
        name: parse(json.loads(json.dumps(each).replace("ROOM", made.room_id)))
        for name, each in FILTERS.items()
    }
    tokens = [(await ask(made, request(CREATOR, filters["none"]), None))["next_batch"]]
    for number in range(6):
        await say(made, made.users[number % 3], f"글 {number} 사람0", f"t{number}")
    tokens.append((await ask(made, request(CREATOR, filters["none"]), None))["next_batch"])
    topic = NewEvent("m.room.topic", {"topic": "봉수"}, "")
    sent = await made.author.send(made.room_id, CREATOR, topic)
    stamp = made.node.now_ms()
    for kind, reader in (("m.read", made.users[0]), ("m.read.private", made.users[1])):
        await made.node.write(drafts.receipt(made.room_id, reader, kind, "", sent, [], stamp, stamp))
    for number in range(60):
        await say(made, made.users[3], f"뒤의 글 {number}")
    asked = [
        (user_id, name, device_id, after, since)
        for user_id, name, device_id, after, since in itertools.product(
            users, filters, ("D", "other"), (False, True), tokens
        )
    ]
    answers: dict[bool, list[Any]] = {}
    for warm in (False, True):
        answers[warm] = []
        made.node.lazy_members = type(made.node.lazy_members)()
        for user_id, name, device_id, after, since in asked:
            if not warm:
                forget(made)
            one = request(user_id, filters[name], device_id, after=after)
            answers[warm].append(without_age(await ask(made, one, since)))
    for each, cold, warm in zip(asked, answers[False], answers[True], strict=True):
        assert warm == cold, each
    made.node.close()


async def test_a_transaction_id_is_shown_to_its_own_device_alone(made: Crowd) -> None:
    everything = parse({})
    since = (await ask(made, request(CREATOR, everything), None))["next_batch"]
    await say(made, made.users[0], "내 글", "abc")
    shown = {}
    for user_id, device_id in itertools.product(made.users[:2], ("D", "other")):
        for _ in range(2):
            (event,) = found(await ask(made, request(user_id, everything, device_id), since), made)
            shown[user_id, device_id] = event["unsigned"].get("transaction_id")
    assert [each for each, txn_id in shown.items() if txn_id] == [(made.users[0], "D")]
    made.node.close()


async def test_lazy_loading_tells_each_session_of_a_sender_once(made: Crowd) -> None:
    lazy, everything = parse(FILTERS["lazy"]), parse({})
    since = (await ask(made, request(CREATOR, everything), None))["next_batch"]
    await say(made, made.users[3], "하나")
    states = []
    for asked in (request(made.users[1], everything), request(made.users[1], lazy, "lazy")):
        answer = await ask(made, asked, since)
        states.append(
            [each["state_key"] for each in answer["rooms"]["join"][made.room_id]["state"]["events"]]
        )
    assert states == [[], [made.users[3]]]
    again = await ask(made, request(made.users[1], lazy, "lazy"), since)
    assert again["rooms"]["join"][made.room_id]["state"]["events"] == []
    made.node.close()


async def test_who_joins_later_is_not_shown_what_was_for_members(made: Crowd) -> None:
    everything = parse({})
    late = "@late:localhost"
    setting = NewEvent("m.room.history_visibility", {"history_visibility": "joined"}, "")
    await made.author.send(made.room_id, CREATOR, setting)
    since = (await ask(made, request(CREATOR, everything), None))["next_batch"]
    await say(made, CREATOR, "우리끼리")
    await made.author.send(made.room_id, late, NewEvent("m.room.member", {"membership": "join"}, late))
    await say(made, CREATOR, "모두에게")
    for _ in range(2):
        bodies = {}
        for user_id in (made.users[0], late):
            events = found(await ask(made, request(user_id, everything), since), made)
            bodies[user_id] = [each["content"]["body"] for each in events if "body" in each["content"]]
        assert bodies == {made.users[0]: ["우리끼리", "모두에게"], late: ["모두에게"]}
    made.node.close()


async def test_a_merge_shows_nobody_what_was_said_while_they_were_away(made: Crowd) -> None:
    everything = parse({})
    late = "@late:localhost"
    setting = NewEvent("m.room.history_visibility", {"history_visibility": "joined"}, "")
    await made.author.send(made.room_id, CREATOR, setting)
    room = made.node.context.live.get(made.room_id)
    heads, state = room.heads, room.state
    content = {"msgtype": "m.text", "body": "저쪽에서"}
    _, over_there = made.author.make(room, CREATOR, NewEvent("m.room.message", content))
    room.heads, room.state = heads, state
    await made.author.send(made.room_id, late, NewEvent("m.room.member", {"membership": "join"}, late))
    since = (await ask(made, request(late, everything), None))["next_batch"]
    await made.node.write(over_there)
    await say(made, CREATOR, "합친 뒤")
    shown = {}
    for user_id in (made.users[0], late):
        events = found(await ask(made, request(user_id, everything), since), made)
        shown[user_id] = [each["content"]["body"] for each in events]
    assert shown == {made.users[0]: ["저쪽에서", "합친 뒤"], late: ["합친 뒤"]}
    made.node.close()


async def test_fifty_members_are_told_with_the_statements_of_one(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 50)
    everything = parse({})
    since = (await ask(made, request(CREATOR, everything), None))["next_batch"]
    for body in ("처음", "모두에게"):
        await made.send(body)
        asking = made.users if body == "처음" else made.users[:1]
        for user_id in asking:
            await ask(made, request(user_id, everything), since)
    statements: list[str] = []
    made.node.context.db.connection.set_trace_callback(statements.append)
    for user_id in made.users[1:]:
        assert len(found(await ask(made, request(user_id, everything), since), made)) == 2
    made.node.context.db.connection.set_trace_callback(None)
    assert statements == []
    made.node.close()
