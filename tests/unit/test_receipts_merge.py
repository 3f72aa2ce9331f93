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
from bongsu.room.state import StateMap
from bongsu.view.live import Head
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


Base = tuple[list[Head], StateMap]


def at_heads(made: Crowd, event_id: str, heads: list[str], stamp: int) -> Draft:
    return drafts.receipt(made.room_id, made.users[0], "m.read", "", event_id, heads, stamp, stamp)


def fork(made: Crowd, *bodies: str, base: Base | None = None) -> list[tuple[Event, Draft]]:
    """Messages of another node, one after the other, from `base` or what is here."""
    room = made.node.context.live.get(made.room_id)
    here = (room.heads, room.state)
    room.heads, room.state = base or here
    found = [make(made, body) for body in bodies]
    for _, draft in found:
        # This node has not made them.
        made.node.context.live.kept(draft.body)
    room.heads, room.state = here
    return found


def rows(made: Crowd) -> list[object]:
    return made.node.context.db.all("SELECT position FROM receipt_gaps ORDER BY position")


async def test_a_receipt_from_elsewhere_leaves_unread_what_was_not_there(made: Crowd) -> None:
    room = made.node.context.live.get(made.room_id)
    base = (room.heads, room.state)
    await made.send("이쪽 하나")
    await made.send("이쪽 둘")
    ours = [row.position for row in room.tail if row.type == "m.room.message"]
    over_there = fork(made, "저쪽 하나", "저쪽 둘", base=base)
    await made.node.write(*(draft for _, draft in over_there))
    last = over_there[-1][0].event_id
    # All are here, and what is ours sorts before the target: only the heads tell that its writer lacked it.
    await made.node.write(at_heads(made, last, [last], 10))
    assert rows(made) == [(position,) for position in ours]
    assert count(made) == 2
    (known,) = receipts_of(made.node.context, room.room, made.users[0])
    assert late(made.node.context, room.room, known)
    await made.send("합친 뒤")
    assert count(made) == 3
    heads = [head.event_id for head in room.heads]
    await made.node.write(at_heads(made, heads[0], heads, 11))
    assert (rows(made), count(made)) == ([], 0)
    await closed_and_rebuilt(made)


async def test_a_receipt_of_this_node_covers_all_it_shows(made: Crowd) -> None:
    over_there = fork(made, "저쪽에서")
    await made.send("이쪽에서")
    await made.node.write(over_there[0][1])
    room = made.node.context.live.get(made.room_id)
    heads = [head.event_id for head in room.heads]
    assert len(heads) == 2
    await made.node.write(at_heads(made, max(room.tail, key=lambda row: row.stamp).event_id, heads, 10))
    assert (rows(made), count(made)) == ([], 0)
    await closed_and_rebuilt(made)


async def test_a_receipt_waits_for_its_heads(made: Crowd) -> None:
    (one, first), (two, second) = fork(made, "하나", "둘")
    await made.node.write(first)
    await made.node.write(at_heads(made, one.event_id, [two.event_id], 10))
    assert (target(made), count(made)) == ([], 1)
    await made.node.write(second)
    assert (target(made), count(made)) == ([one.event_id], 1)
    await closed_and_rebuilt(made)


async def test_an_event_that_waited_is_unread_to_receipts_written_without_it(made: Crowd) -> None:
    (_, first), (late_one, second) = fork(made, "먼저", "나중")
    await made.send("여기 하나")
    await made.send("여기 둘")
    await made.node.write(second)  # waits: what it builds on is not here
    room = made.node.context.live.get(made.room_id)
    (head,) = [head.event_id for head in room.heads]
    far, draft = make(made, "끝")
    await made.node.write(draft)
    await made.node.write(at_heads(made, far.event_id, [far.event_id], 10))
    assert head != far.event_id
    assert count(made) == 2, "behind an event that waits its log's events wait, and receipts for them"
    await made.node.write(first)
    assert made.node.context.events.row(late_one.event_id) is not None
    assert count(made) == 2
    assert len(rows(made)) == 1
    await closed_and_rebuilt(made)
