"""An event that arrived before what it follows is shown to those who synced meanwhile, and once."""

import json
from dataclasses import replace
from pathlib import Path

from bongsu import drafts
from bongsu.author import NewEvent
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft, ForeignRecord, Lane, room_scope, scope_id
from bongsu.log.store import LogStore
from bongsu.sync.filter import Filter
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import NO_START, Late, Token, decode
from bongsu.sync.v3 import sync
from bongsu.view.released import Released
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


async def arrive_without_first(made: Crowd, file: Path) -> tuple[Draft, LogStore]:
    """What follows "first" arrives, and what its node wrote behind that; "first" is of another, and late."""
    room = made.node.context.live.get(made.room_id)
    written = []
    for body in ("first", "second", "third"):
        new = NewEvent("m.room.message", {"msgtype": "m.text", "body": body})
        written.append(made.author.make(room, CREATOR, new)[1])
    made.node.context.live.forget_all()
    first, *later = written
    key = NodeKey.generate()
    other = LogStore.open(file, key, clock=made.node.clock, free_bytes_min=0)
    await other.append([*later, drafts.register("profile", CREATOR, "", "displayname", "x", 2**42)])
    ((log, seq),) = other.held_of(key.node)
    records = [ForeignRecord(each.header, each.body, each.state) for each in other.log_records(log, 1, seq)]
    signature = other.log_signature(log)
    assert signature is not None
    made.node.context.db.run("INSERT INTO nodes VALUES(?,'core','elsewhere',1,'')", (key.node,))
    await made.node.log.append_foreign(log, key.public, records, signature[1])
    return first, other


async def say(made: Crowd, body: str) -> None:
    new = NewEvent("m.room.message", {"msgtype": "m.text", "body": body})
    await made.author.send(made.room_id, CREATOR, new)


async def test_nobody_misses_an_event_that_waited(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    _, since = await told(made, None)
    first, other = await arrive_without_first(made, tmp_path / "elsewhere.db")
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


async def test_who_stays_is_told_once_what_came_before_a_body_that_is_late(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    _, since = await told(made, None)
    # Of the room a body of before lacks, so that tokens say less of it to other nodes; and events wait.
    (own,) = [(log, held) for log, held in made.node.log.held().items() if log.lane == Lane.TEXT]
    made.node.unfilled.lacks(scope_id(room_scope(made.room_id)), {own[0]: 2})
    first, other = await arrive_without_first(made, tmp_path / "elsewhere.db")
    seen, before = [], since
    for body in ("one", "two", "three"):
        await say(made, body)
        found, since = await told(made, since)
        seen += found
    assert seen == ["one", "two", "three"]
    assert decode(since).late, "elsewhere it says less"
    await made.node.write(first)
    found, after = await told(made, since)
    assert sorted(found) == ["first", "second", "third"]
    assert (await told(made, after))[0] == []
    # Whoever slept meanwhile is told all of it; so is, once more, who comes to the node after a start.
    assert sorted((await told(made, before))[0]) == sorted([*seen, *found])
    made.node.released = Released(made.node.position)
    assert set(found) <= set((await told(made, since))[0])
    other.close()
    made.node.close()


async def test_who_saw_elsewhere_the_bodies_that_are_to_come_is_not_told_them_again(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 2)
    _, since = await told(made, None)
    scope = scope_id(room_scope(made.room_id))
    (own,) = [log for log in made.node.log.held() if log.lane == Lane.TEXT]
    await say(made, "seen elsewhere")
    whole = Token(NO_START, 0, 0, made.node.log.vector()).encode()
    # Of the room a body lacks here, which the client has seen where it was.
    made.node.unfilled.lacks(scope, {own: made.node.log.held()[own].seq})
    found, here = await told(made, whole)
    assert found == []
    assert decode(here).start != NO_START, "what is new here is told by the order of arrival"
    before = Late.of(decode(since).vector, (scope,))
    _, partly = await told(made, Token(NO_START, 0, 0, made.node.log.vector(), b"", (before,)).encode())
    await say(made, "new")
    assert (await told(made, partly))[0] == ["new"]
    # As a body that comes late: it has a position behind all that is here.
    filled = made.node.position
    made.node.came.put((made.users[0], "D"), Token(NO_START, 0, 0, made.node.log.vector()).encode())
    earlier = replace(decode(here), position=filled - 1).encode()
    assert (await told(made, earlier))[0] == []
    await say(made, "newest")
    found, after = await told(made, earlier)
    assert found == ["newest"]
    made.node.unfilled.whole(scope, made.node.position)
    made.node.unfilled.shown(made.node.position)
    _, after = await told(made, after)
    assert made.node.came.get((made.users[0], "D")) is None, "all of it is here"
    made.node.close()
