"""Any order of arrival gives the same view, and so does a rebuild from a log with hollow bodies."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.errors import MatrixError
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft
from bongsu.log.store import LogStore
from bongsu.room import auth, auth_types, build, resolve
from bongsu.room.event import Event
from bongsu.room.state import StateMap
from bongsu.room.versions import VERSIONS
from bongsu.view.apply import apply_records, catch_up
from bongsu.view.context import Context
from bongsu.view.db import Database

USERS = [f"@{name}:town" for name in ("mayor", "kim", "lee", "park")]
SEEDS = 12
ORDERS = 3


@dataclass
class Made:
    """An event with what later ones need to know of it."""

    event: Event
    after: StateMap
    stamp: int


class Writer:
    """A room written at several places that do not always know of each other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.version = VERSIONS[self.random.choice(["10", "11", "12"])]
        self.made: dict[str, Made] = {}
        self.heads: list[str] = []
        self.drafts: list[Draft] = []
        self.room_id = "!town:town" if not self.version.event_id_room else ""
        self._found()

    def _found(self) -> None:
        mayor = USERS[0]
        content: dict[str, Any] = {"room_version": self.version.id}
        if self.version.creator_in_content:
            content["creator"] = mayor
        self.add(mayor, "m.room.create", content, "", [])
        users = {} if self.version.creators_privileged else {mayor: 100}
        self.add(mayor, "m.room.member", {"membership": "join"}, mayor)
        self.add(mayor, "m.room.power_levels", {"users": {**users, USERS[1]: 50}}, "")
        self.add(mayor, "m.room.join_rules", {"join_rule": "public"}, "")
        for user in USERS[1:]:
            self.add(user, "m.room.member", {"membership": "join"}, user)

    def add(
        self,
        sender: str,
        event_type: str,
        content: dict[str, Any],
        state_key: str | None = None,
        prev: list[str] | None = None,
        redacts: str | None = None,
    ) -> None:
        """Write one event on `prev` (the heads if None), unless the rules forbid it there."""
        on = self.heads if prev is None else prev
        states = [self.made[event_id].after for event_id in on]
        before = StateMap()
        if states:
            before = resolve.resolve(self.version, states, self.body, lambda _: False)
        event = build.build(
            self.version,
            room_id=self.room_id or None,
            sender=sender,
            type=event_type,
            content=content,
            state_key=state_key,
            prev_events=on,
            auth_events=auth_types.select_auth_events(
                self.version, event_type, sender, state_key, content, before
            ),
            depth=1 + max((self.made[event_id].event.depth for event_id in on), default=0),
            origin_server_ts=1_700_000_000_000 + self.random.randrange(5),
            redacts=redacts,
        )
        try:
            auth.check(event, self.version, {key: self.body(value) for key, value in before.items()})
        except MatrixError:
            return
        self.room_id = event.room_id
        after = before if state_key is None else before.set(event.key, event.event_id)
        stamp = 1 + max((self.made[event_id].stamp for event_id in on), default=10)
        stamp += self.random.randrange(3)
        self.made[event.event_id] = Made(event, after, stamp)
        self.heads = [head for head in self.heads if head not in on] + [event.event_id]
        self.drafts.append(drafts.event(self.room_id, stamp, event.pdu, None))

    def body(self, event_id: str) -> Event:
        return self.made[event_id].event

    def scribble(self, steps: int) -> None:
        """Random acts, some on one head only, so that the room forks."""
        for _ in range(steps):
            prev = None
            if (len(self.heads) > 1 and self.random.random() < 0.8) or self.random.random() < 0.4:
                known = list(self.made)[4:]
                prev = [self.random.choice(self.heads if self.random.random() < 0.7 else known)]
            self._act(self.random.choice(USERS), prev)

    def _act(self, sender: str, prev: list[str] | None) -> None:
        act = self.random.randrange(7)
        target = self.random.choice(USERS)
        if act == 0:
            self.add(sender, "m.room.member", {"membership": "ban"}, target, prev)
        elif act == 1:
            self.add(sender, "m.room.member", {"membership": "leave"}, target, prev)
        elif act == 2:
            name = f"n{self.random.randrange(9)}"
            content = {"membership": "join", "displayname": name}
            self.add(sender, "m.room.member", content, sender, prev)
        elif act == 3:
            levels = {USERS[1]: self.random.choice([0, 50]), USERS[2]: self.random.choice([0, 50])}
            if not self.version.creators_privileged:
                levels[USERS[0]] = 100
            self.add(sender, "m.room.power_levels", {"users": levels}, "", prev)
        elif act == 4:
            self.add(sender, "m.room.name", {"name": f"{self.random.randrange(9)}"}, "", prev)
        elif act == 5:
            redacted = self.random.choice(list(self.made)[4:])
            self.add(sender, "m.room.redaction", {}, None, prev, redacts=redacted)
        else:
            self.add(sender, "m.room.message", {"body": f"{self.random.random()}"}, None, prev)


# What every node must agree on; row numbers and positions are local.
QUESTIONS = (
    "SELECT event_id, stamp, depth, type, sender, state_key, verdict, replaces, redacted_by FROM events"
    " ORDER BY event_id",
    "SELECT event_id FROM heads ORDER BY event_id",
    "SELECT type, state_key, event_id FROM current_state ORDER BY type, state_key",
    "SELECT user_id, membership, event_id, display_name FROM members ORDER BY user_id",
    "SELECT count(*) FROM waiting",
    "SELECT target, redaction FROM early_redactions ORDER BY target, redaction",
)


def asked(context: Context) -> list[Any]:
    answers: list[Any] = [context.db.all(question) for question in QUESTIONS]
    for event_id, group in context.db.all("SELECT event_id, state_group FROM events ORDER BY event_id"):
        answers.append((event_id, sorted(context.states.group(group).items())))
    return answers


async def view_of(folder: Path, records: list[Draft]) -> tuple[list[Any], list[Any]]:
    """What a node answers that got the records in this order: as they came, and after a rebuild."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    log = LogStore.open(folder / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    db = Database.open(folder / "view.db")
    context = Context.build(db, log)
    log.on_committed = lambda batch: apply_records(context, batch) and None
    await log.append([drafts.node(log.key.public, "core", "main", 1)])
    for start in range(0, len(records), 7):
        await log.append(records[start : start + 7])
    as_they_came = asked(context)
    rebuilt = Context.build(Database.open(folder / "rebuilt.db"), log)
    catch_up(rebuilt, lambda done, total: None)
    answers = as_they_came, asked(rebuilt)
    rebuilt.db.close()
    db.close()
    log.close()
    return answers


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_of_arrival_gives_the_same_view(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    writer.scribble(40)
    assert len(writer.drafts) > 20
    first: list[Any] | None = None
    for order in range(ORDERS):
        records = list(writer.drafts)
        if order:
            random.Random(seed * 100 + order).shuffle(records)
        as_they_came, rebuilt = asyncio.run(view_of(tmp_path / f"{order}", records))
        assert as_they_came == rebuilt
        first = first or as_they_came
        assert as_they_came == first
    assert first is not None
    assert len(first[0]) == len(writer.drafts)
