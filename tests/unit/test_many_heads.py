"""A room with more heads than an event may name: each new event merges some, until one is left."""

import asyncio
from pathlib import Path

from bongsu import limits
from bongsu.author import NewEvent
from bongsu.config import Config
from bongsu.log.record import Draft
from bongsu.offline import verify
from bongsu.view import members
from tests.helpers.crowd import CREATOR, crowd

BRANCHES = 2 * limits.HEADS_MAX + 7


async def test_more_heads_than_twenty_are_merged_over_several_events(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    context = made.node.context
    room = context.live.get(made.room_id)
    base = (room.heads, room.state)
    foreign: list[Draft] = []
    for number in range(BRANCHES):
        room.heads, room.state = base
        # Somebody else joins on each branch: the merged room must have them all.
        user_id = f"@branch{number}:localhost"
        join = NewEvent("m.room.member", {"membership": "join"}, user_id)
        foreign.append(made.author.make(room, user_id, join)[1])
        context.live.kept(foreign[-1].body)
    room.heads, room.state = base
    await made.node.write(*foreign)
    assert len(room.heads) == BRANCHES
    counted = []
    while len(room.heads) > 1:
        event_id = await made.author.send(
            made.room_id, CREATOR, NewEvent("m.room.message", {"msgtype": "m.text", "body": "합칩니다"})
        )
        assert len(context.events.body(event_id).prev_events) <= limits.HEADS_MAX
        row = context.events.row(event_id)
        assert row is not None
        assert row.verdict == 0
        counted.append(len(room.heads))
    assert counted == [BRANCHES - 19, BRANCHES - 38, 1]
    assert [event_id for (event_id,) in context.db.all("SELECT event_id FROM heads")] == [event_id]
    joined = members.joined_members(context, room.room)
    assert {f"@branch{number}:localhost" for number in range(BRANCHES)} <= joined
    assert joined == room.joined
    # The one head's state is the room's.
    assert context.states.group(row.state_group) == context.live.current_state(room.room) == room.state
    made.node.close()
    problems: list[str] = []
    assert await asyncio.to_thread(verify, Config(data=tmp_path), problems.append) == 0, problems
