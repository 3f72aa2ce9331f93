"""What the rules allowed is looked up for the next message alike, and for no other."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.store import LogStore
from bongsu.room import build
from bongsu.room.event import Event
from bongsu.room.versions import VERSIONS
from bongsu.view import verdict
from bongsu.view.apply import apply_records
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.events import ACCEPTED, REJECTED

ALICE, BOB = "@alice:town", "@bob:town"


@dataclass
class Room:
    """A room of version 12 in the log of a node that has not made it; each event follows the last one."""

    log: LogStore
    context: Context
    stamp: int = 10
    made: list[Event] = field(default_factory=list)

    async def add(self, sender: str, kind: str, content: dict[str, Any], **fields: Any) -> Event:
        """Apply an event of another node's program, which may have asked no rules."""
        last = self.made[-1] if self.made else None
        self.stamp += 1
        event = build.build(
            VERSIONS["12"],
            room_id=None if last is None else last.room_id,
            sender=sender,
            type=kind,
            content=content,
            state_key=fields.get("state_key"),
            prev_events=fields.get("prev", [] if last is None else [last.event_id]),
            auth_events=fields.get("auth", []),
            depth=fields.get("depth", 1 if last is None else last.depth + 1),
            origin_server_ts=self.stamp,
        )
        await self.log.append([drafts.event(event.room_id, self.stamp, event.pdu, None)])
        if self.verdict(event) == ACCEPTED:
            self.made.append(event)
        return event

    def verdict(self, event: Event) -> int:
        """What the view says of it."""
        row = self.context.events.row(event.event_id)
        assert row is not None
        return row.verdict


async def _story(folder: Path, asked: list[str]) -> None:
    log = LogStore.open(folder / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    context = Context.build(Database.open(folder / "view.db"), log)
    log.on_committed = lambda batch: apply_records(context, batch) and None
    await log.append([drafts.node(log.key.public, "core", "main", 1)])
    room = Room(log, context)
    await room.add(ALICE, "m.room.create", {"room_version": "12"}, state_key="")
    alice = await room.add(ALICE, "m.room.member", {"membership": "join"}, state_key=ALICE)
    public = {"join_rule": "public"}
    rules = await room.add(ALICE, "m.room.join_rules", public, state_key="", auth=[alice.event_id])
    auth = [rules.event_id]
    bob = await room.add(BOB, "m.room.member", {"membership": "join"}, state_key=BOB, auth=auth)
    his = [bob.event_id]
    first = await room.add(BOB, "m.room.message", {"body": "1"}, auth=his)
    asked.clear()
    again = await room.add(BOB, "m.room.message", {"body": "2"}, auth=his)
    assert asked == [], "the same was allowed a moment ago"
    assert [room.verdict(each) for each in (first, again)] == [ACCEPTED, ACCEPTED]
    # Alike but for one thing, each of them: its place, its type, what it names, who sends it.
    wrong = await room.add(BOB, "m.room.message", {"body": "3"}, auth=his, depth=again.depth + 5)
    assert room.verdict(wrong) == REJECTED
    twice = await room.add(BOB, "m.room.message", {"body": "4"}, auth=[*his, rules.event_id])
    assert room.verdict(twice) == REJECTED
    stranger = await room.add("@eve:town", "m.room.message", {"body": "5"}, auth=his)
    assert room.verdict(stranger) == REJECTED
    # The state changes: the same message, naming the same events, is not allowed after it.
    levels = {"events": {"m.room.message": 50}, "users": {}}
    power = await room.add(ALICE, "m.room.power_levels", levels, state_key="", auth=[alice.event_id])
    assert room.verdict(power) == ACCEPTED
    after = await room.add(BOB, "m.room.message", {"body": "6"}, auth=his)
    assert room.verdict(after) == REJECTED
    # One that did not know of the change stands where it was.
    aside = {"prev": [again.event_id], "depth": again.depth + 1}
    before = await room.add(BOB, "m.room.message", {"body": "7"}, auth=his, **aside)
    assert room.verdict(before) == ACCEPTED
    other = await room.add(BOB, "kr.example.note", {}, auth=his)
    assert room.verdict(other) == ACCEPTED
    context.db.close()
    log.close()


def test_only_the_same_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    check = verdict.auth.check

    def counted(event: Event, *others: Any) -> None:
        asked.append(event.event_id)
        check(event, *others)

    monkeypatch.setattr(verdict.auth, "check", counted)
    asyncio.run(_story(tmp_path, asked))
