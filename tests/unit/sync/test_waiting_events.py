"""An event that arrived before what it follows is shown to those who synced meanwhile, and once."""

import json
from pathlib import Path

from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.log.key import NodeKey
from bongsu.log.record import ForeignRecord
from bongsu.log.store import LogStore
from bongsu.sync.filter import Filter
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import decode
from bongsu.sync.v3 import sync
from tests.helpers.crowd import CREATOR, Crowd, crowd


async def told(made: Crowd, since: str | None) -> tuple[list[str], str]:
    """The bodies a member is told beyond a token, and the next token."""
    request = SyncRequest(made.users[0], "D", "s", Filter(), False, "state", 0.0, "offline")
    answer = json.loads((await sync(made.node, request, since)).body)
    room = answer.get("rooms", {}).get("join", {}).get(made.room_id, {})
    events = room.get("timeline", {}).get("events", [])
    return [each["content"]["body"] for each in events if each["type"] == "m.room.message"], answer[
        "next_batch"
    ]


async def test_nobody_misses_an_event_that_waited(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    _, since = await told(made, None)
    room = made.node.context.live.get(made.room_id)
    written = []
    for body in ("first", "second", "third"):
        new = NewEvent("m.room.message", {"msgtype": "m.text", "body": body})
        written.append(made.author.make(room, CREATOR, new)[1])
    made.node.context.live.forget_all()
    first, *later = written
    # "second" and what its node wrote behind it arrive; "first" is of another node, and late.
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    key = NodeKey.generate()
    other = LogStore.open(folder / "log.db", key, clock=made.node.clock, free_bytes_min=0)
    await other.append([*later, drafts.register("profile", CREATOR, "", "displayname", "x", 2**42)])
    ((log, seq),) = other.held_of(key.node)
    records = [ForeignRecord(each.header, each.body, each.state) for each in other.log_records(log, 1, seq)]
    signature = other.log_signature(log)
    assert signature is not None
    made.node.context.db.run("INSERT INTO nodes VALUES(?,'core','elsewhere',1,'')", (key.node,))
    await made.node.log.append_foreign(log, key.public, records, signature[1])
    seen, between = await told(made, since)
    assert seen == []
    whole = made.node.log.vector()
    assert decode(between).vector <= whole
    assert not whole <= decode(between).vector, "a token does not cover what nobody was shown"
    await made.node.write(first)
    assert (await told(made, between))[0] == ["first", "second", "third"]
    assert (await told(made, since))[0] == ["first", "second", "third"]
    _, after = await told(made, between)
    assert (await told(made, after))[0] == []
    assert decode(after).vector == made.node.log.vector()
    other.close()
    made.node.close()
