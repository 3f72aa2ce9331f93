"""Rooms that fork and merge, built with the product's own rules from a list of small integers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bongsu.clock import next_stamp
from bongsu.errors import MatrixError
from bongsu.ids import EventId
from bongsu.room.auth import check, check_auth_events
from bongsu.room.auth_types import select_auth_events
from bongsu.room.build import build
from bongsu.room.event import Event
from bongsu.room.graph import next_depth
from bongsu.room.resolve import resolve
from bongsu.room.state import EMPTY, StateMap
from bongsu.room.versions import RoomVersion

SERVER = "bongsu.example"
USERS = tuple(f"@{name}:{SERVER}" for name in ("alice", "bob", "carol", "dan", "erin", "frank"))
LEVELS = (0, 10, 50, 75, 100)
JOIN_RULES = ("public", "invite", "knock", "public", "restricted", "knock_restricted")
KINDS = (
    "join",
    "leave",
    "kick",
    "ban",
    "invite",
    "knock",
    "levels",
    "events",
    "join_rules",
    "topic",
    "message",
)
SAFE_KINDS = ("join", "invite", "levels", "topic", "message")


@dataclass(frozen=True)
class Step:
    """One attempt: who does what to whom, on top of which heads, at what claimed time."""

    kind: str
    actor: int
    target: int
    value: int
    heads: int
    origin_server_ts: int


@dataclass
class Room:
    """Every event that was tried, with the state after it; a rejected one changes no state.

    `our_times`: the time of a state event is its stamp, as our own nodes make them; others' may be any.
    """

    version: RoomVersion
    events: dict[EventId, Event] = field(default_factory=dict)
    states: dict[EventId, StateMap] = field(default_factory=dict)
    rejected: set[EventId] = field(default_factory=set)
    heads: list[EventId] = field(default_factory=list)
    room_id: str | None = None
    our_times: bool = False
    stamps: dict[EventId, int] = field(default_factory=dict)

    def state_before(self, prev_events: Iterable[EventId]) -> StateMap:
        states = [self.states[event_id] for event_id in prev_events]
        return resolve(self.version, states, self.events.__getitem__, self.is_rejected) if states else EMPTY

    def is_rejected(self, event_id: EventId) -> bool:
        return event_id in self.rejected

    def state(self) -> StateMap:
        return self.state_before(self.heads)

    def add(
        self,
        sender: str,
        type: str,
        content: dict[str, Any],
        state_key: str | None = None,
        *,
        prev_events: Sequence[EventId] | None = None,
        origin_server_ts: int = 1,
    ) -> Event:
        """Build an event on `prev_events` (the heads by default), check it, and add it even if rejected."""
        prev_events = list(self.heads) if prev_events is None else list(prev_events)
        before = self.state_before(prev_events)
        stamp = next_stamp(origin_server_ts, *(self.stamps[event_id] for event_id in prev_events))
        if self.our_times and state_key is not None:
            origin_server_ts = stamp
        event = build(
            self.version,
            room_id=self.room_id,
            sender=sender,
            type=type,
            content=content,
            state_key=state_key,
            prev_events=prev_events,
            auth_events=select_auth_events(self.version, type, sender, state_key, content, before),
            depth=next_depth(self.events[event_id].depth for event_id in prev_events),
            origin_server_ts=origin_server_ts,
        )
        self.stamps[event.event_id] = stamp
        self._accept(event, before)
        self.heads = [head for head in self.heads if head not in prev_events] + [event.event_id]
        return event

    def _accept(self, event: Event, before: StateMap) -> None:
        self.events[event.event_id] = event
        auth_events = [self.events[auth_id] for auth_id in event.auth_events]
        after = before
        try:
            check_auth_events(event, self.version, auth_events, lambda event_id: event_id in self.rejected)
            check(event, self.version, {a.key: a for a in auth_events} | self._create())
            check(event, self.version, {key: self.events[value] for key, value in before.items()})
        except MatrixError:
            self.rejected.add(event.event_id)
        else:
            if event.state_key is not None:
                after = before.set(event.key, event.event_id)
        self.states[event.event_id] = after

    def _create(self) -> dict[tuple[str, str], Event]:
        create = next(iter(self.events.values()))
        return {create.key: create}


def new_room(
    version: RoomVersion, *, join_rule: str = "public", levels: dict[str, Any] | None = None
) -> Room:
    """A room as createRoom makes it: create, join of the creator, power levels, join rules."""
    room = Room(version, room_id=None if version.event_id_room else f"!room:{SERVER}")
    alice = USERS[0]
    content: dict[str, Any] = {"room_version": version.id}
    if version.creator_in_content:
        content["creator"] = alice
    create = room.add(alice, "m.room.create", content, "")
    room.room_id = create.room_id
    room.add(alice, "m.room.member", {"membership": "join"}, alice, origin_server_ts=2)
    users = {} if version.creators_privileged else {alice: 100}
    room.add(alice, "m.room.power_levels", {"users": users, **(levels or {})}, "", origin_server_ts=3)
    room.add(alice, "m.room.join_rules", {"join_rule": join_rule}, "", origin_server_ts=4)
    assert not room.rejected, "the room's first events stand"
    return room


def play(room: Room, steps: Iterable[Step]) -> None:
    """Try every step. Most stand, some are rejected, as in a room with people who race and quarrel."""
    for step in steps:
        actor, target = USERS[step.actor % len(USERS)], USERS[step.target % len(USERS)]
        prev_events = _choose_heads(room, step.heads)
        before = room.state_before(prev_events)
        type, content, state_key = _attempt(room, step, actor, target, before)
        room.add(
            actor,
            type,
            content,
            state_key,
            prev_events=prev_events,
            origin_server_ts=step.origin_server_ts,
        )


def _choose_heads(room: Room, heads: int) -> list[EventId]:
    """Usually one head; sometimes all of them; sometimes an event of the past, which makes a fork."""
    known = list(room.events)[3:]
    mode, index = heads % 4, heads // 4
    if mode == 0:
        return sorted(room.heads)[:20]
    if mode == 1:
        return [known[-1 - index % len(known)]]
    return [sorted(room.heads)[index % len(room.heads)]]


def _attempt(
    room: Room, step: Step, actor: str, target: str, before: StateMap
) -> tuple[str, dict[str, Any], str | None]:
    member = "m.room.member"
    if step.kind in ("join", "knock"):
        content: dict[str, Any] = {"membership": step.kind, "displayname": str(step.value)}
        if step.kind == "join" and step.value % 3 == 0:
            content["join_authorised_via_users_server"] = target
        return member, content, actor
    if step.kind == "leave":
        return member, {"membership": "leave"}, actor
    if step.kind in ("kick", "ban", "invite"):
        return member, {"membership": "leave" if step.kind == "kick" else step.kind}, target
    if step.kind == "levels":
        return "m.room.power_levels", _levels(room, step, target, before), ""
    if step.kind == "events":
        level = LEVELS[step.value % len(LEVELS)]
        content = dict(_current_levels(room, before))
        content["events"] = {**content.get("events", {}), "m.room.topic": level}
        content[("ban", "kick", "invite", "state_default", "users_default")[step.target % 5]] = level
        return "m.room.power_levels", content, ""
    if step.kind == "join_rules":
        return "m.room.join_rules", {"join_rule": JOIN_RULES[step.value % len(JOIN_RULES)]}, ""
    if step.kind == "topic":
        return "m.room.topic", {"topic": str(step.value)}, ""
    return "m.room.message", {"msgtype": "m.text", "body": str(step.value)}, None


def _levels(room: Room, step: Step, target: str, before: StateMap) -> dict[str, Any]:
    content = dict(_current_levels(room, before))
    users = dict(content.get("users", {}))
    if not (room.version.creators_privileged and target == USERS[0]):
        users[target] = LEVELS[step.value % len(LEVELS)]
    return {**content, "users": users}


def _current_levels(room: Room, before: StateMap) -> dict[str, Any]:
    event_id = before.get(("m.room.power_levels", ""))
    return {} if event_id is None else room.events[event_id].content


def random_steps(rng: Random, count: int, kinds: Sequence[str] = KINDS) -> list[Step]:
    """`count` attempts. Times are few and out of order, so that every tie-break is needed."""
    return [
        Step(
            kind=rng.choice(kinds),
            actor=rng.randrange(len(USERS)),
            target=rng.randrange(len(USERS)),
            value=rng.randrange(100),
            heads=rng.randrange(200),
            origin_server_ts=rng.randrange(1, 20),
        )
        for _ in range(count)
    ]


def random_room(rng: Random, version: RoomVersion, count: int) -> Room:
    """A room with four members, two of them perhaps powerful, and then `count` random attempts."""
    room = new_room(version)
    play(room, [Step("join", user, 0, 1, 0, 5 + user) for user in range(1, 5)])
    play(room, [Step("levels", 0, user, rng.randrange(100), 0, 10) for user in (1, 2)])
    play(room, random_steps(rng, count))
    return room
