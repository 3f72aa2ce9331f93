"""Receipts and counts when records arrive in an order nobody planned; a rebuild must agree each time."""

import asyncio
from pathlib import Path

import pytest

from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.config import Config
from bongsu.log.record import Draft
from bongsu.offline import verify
from bongsu.room.event import Event
from bongsu.view.receipts import late, receipts_of
from bongsu.view.unread import unread
from tests.helpers.crowd import CREATOR, Crowd, crowd


def make(made: Crowd, body: str) -> tuple[Event, Draft]:
    room = made.node.context.live.get(made.room_id)
    content = {"msgtype": "m.text", "body": body}
    return made.author.make(room, CREATOR, NewEvent("m.room.message", content))


def receipt(made: Crowd, event_id: str, stamp: int, kind: str = "m.read") -> Draft:
    return drafts.receipt(made.room_id, made.users[0], kind, "", event_id, [], stamp, stamp)


def count(made: Crowd) -> int:
    """Unread by memory, which must be what the tables say."""
    member = made.members()[0]
    from_memory = unread(made.node.context, member).get("main", (0, 0))[0]
    made.node.context.notices.clear()
    assert unread(made.node.context, member).get("main", (0, 0))[0] == from_memory
    return from_memory


def target(made: Crowd) -> list[str]:
    room = made.members()[0].room
    return [each.event_id for each in receipts_of(made.node.context, room, made.users[0])]


@pytest.fixture
async def made(tmp_path: Path) -> Crowd:
    return await crowd(tmp_path, 2)


async def closed_and_rebuilt(made: Crowd) -> None:
    data = made.node.config.data
    made.node.close()
    problems: list[str] = []
    assert await asyncio.to_thread(verify, Config(data=data), problems.append) == 0, problems


async def test_a_receipt_waits_for_its_event(made: Crowd) -> None:
    event, draft = make(made, "나중에")
    await made.node.write(receipt(made, event.event_id, 10))
    assert (target(made), count(made)) == ([], 0)
    await made.node.write(draft)
    assert (target(made), count(made)) == ([event.event_id], 0)
    await made.send("다음")
    assert count(made) == 1
    await closed_and_rebuilt(made)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_the_furthest_target_stands_in_any_order(made: Crowd, order: tuple[int, ...]) -> None:
    events = []
    for number in range(3):
        event, draft = make(made, str(number))
        await made.node.write(draft)
        events.append(event.event_id)
    for number in order:
        # The stamps contradict the targets: they do not matter.
        await made.node.write(receipt(made, events[number], 100 - number))
    assert (target(made), count(made)) == ([events[2]], 0)
    await closed_and_rebuilt(made)


async def test_what_a_merge_brings_later_is_unread(made: Crowd) -> None:
    room = made.node.context.live.get(made.room_id)
    heads, state = room.heads, room.state
    _, over_there = make(made, "저쪽에서")
    room.heads, room.state = heads, state
    here, draft = make(made, "이쪽에서")
    await made.node.write(draft)
    await made.node.write(receipt(made, here.event_id, 10))
    assert count(made) == 0
    await made.node.write(over_there)
    (known,) = receipts_of(made.node.context, room.room, made.users[0])
    assert over_there.stamp < known.stamp
    assert late(made.node.context, room.room, known)
    assert (target(made), count(made)) == ([here.event_id], 1)
    # Restated by a later record: read up to there, with all that is here now.
    await made.node.write(receipt(made, here.event_id, 11))
    (known,) = receipts_of(made.node.context, room.room, made.users[0])
    assert not late(made.node.context, room.room, known)
    assert count(made) == 0
    await closed_and_rebuilt(made)
