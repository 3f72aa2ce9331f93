"""A request whose answer was lost with its site is made again at another: people see one message."""

import asyncio
import json
from pathlib import Path

from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.config import Config
from bongsu.offline import verify
from bongsu.sync.filter import Filter
from bongsu.sync.request import SyncRequest
from bongsu.sync.v3 import sync
from tests.helpers.crowd import CREATOR, Crowd, crowd

SENT_BY = {"device_id": "D", "path": "/send", "txn_id": "t1"}


async def told(made: Crowd, since: str | None) -> tuple[list[str], str]:
    """The event ids a member is told beyond a token, and the next token."""
    request = SyncRequest(made.users[0], "D", "s", Filter(), False, "state", 0.0, "offline")
    answer = json.loads((await sync(made.node, request, since)).body)
    room = answer.get("rooms", {}).get("join", {}).get(made.room_id, {})
    events = room.get("timeline", {}).get("events", [])
    return [each["event_id"] for each in events if each["type"] == "m.room.message"], answer["next_batch"]


async def test_the_later_of_two_twins_is_shown_and_never_both(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    _, before = await told(made, None)
    ids = []
    for stamp in (1, 2):
        room = made.node.context.live.get(made.room_id)
        new = NewEvent("m.room.message", {"msgtype": "m.text", "body": "하나"})
        event, draft = made.author.make(room, CREATOR, new)
        # As two sites would have written it, not knowing of each other.
        again = drafts.event(made.room_id, draft.stamp + stamp, event.pdu, SENT_BY)
        made.node.context.live.forget_all()
        await made.node.write(again)
        ids.append(event.event_id)
        if stamp == 1:
            seen, between = await told(made, before)
            assert seen == ids[:1]
    assert (await told(made, between))[0] == [], "who has seen the one is not given the other"
    assert (await told(made, before))[0] == ids[1:], "who has seen neither is given the later"
    assert (await told(made, None))[0] == ids[1:]
    data = made.node.config.data
    made.node.close()
    problems: list[str] = []
    assert await asyncio.to_thread(verify, Config(data=data), problems.append) == 0, problems
