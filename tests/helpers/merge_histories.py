"""Random histories of rooms that hubs fork and merge, and who lost a membership on the way.

After each merge what it undid is said again, as nodes do (docs/decisions/state-resets.md)."""

from collections.abc import Iterable, Iterator
from random import Random

from bongsu.ids import EventId
from bongsu.room.graph import auth_chain
from bongsu.room.state import StateMap
from bongsu.room.state_reset import memberships_undone, restatement
from bongsu.room.versions import RoomVersion
from tests.helpers.room_graph import USERS, Room, Step, new_room, play

# What happens at a hub that is alone. Join rules stay public: an event that closes a room undoes concurrent
# joins by the rules of rooms, and then somebody did remove them.
KINDS = ("join", "join", "leave", "kick", "ban", "unban", "levels", "levels", "events", "topic", "message")
REMOVED = ("leave", "ban")
POWERFUL = ("kick", "ban", "levels", "events")
MERGE = 0.12
# As many as our histories have, and more.
EVENTS_MAX = 1_000


def history(seed: int, version: RoomVersion, *, mended: bool = True) -> Room:
    """Two or three hubs go on alone, carry some of it to each other now and then, and merge at the end.

    `mended` False: what a merge undid stays undone, as the room version alone has it.
    """
    rng = Random(seed)
    room = new_room(version)
    room.our_times = True
    play(room, [Step("join", user, 0, 1, 0, 5) for user in range(1, rng.randrange(1, len(USERS)))])
    for user in rng.sample(range(1, len(USERS)), rng.randrange(1, 4)):
        play(room, [_step(rng, "levels", actor=0, target=user)])
    sides = [list(room.heads) for _ in range(rng.choice((2, 2, 2, 3)))]
    for _ in range(rng.randrange(4, 13)):
        side = rng.randrange(len(sides))
        if rng.random() < MERGE:
            sides[side] = sorted({*sides[side], *rng.choice(sides)})
        room.heads = sides[side]
        if mended:
            mend(room)
        kind = rng.choice(KINDS)
        founder = kind in POWERFUL and rng.random() < 0.4
        play(room, [_step(rng, kind, actor=0 if founder else None)])
        sides[side] = room.heads
    room.heads = sorted({head for side in sides for head in side})
    if mended:
        mend(room)
    room.add(USERS[0], "m.room.message", {"msgtype": "m.text", "body": "merged"})
    return room


def mend(room: Room) -> int:
    """Say again, on all heads, the memberships that their merge undid; for how many people."""
    count = 0
    known = past_of(room, room.heads)
    for user in USERS if len(room.heads) > 1 else ():
        state = room.state()
        standing = state.get(("m.room.member", user))
        if standing is not None and room.events[standing].membership == "join":
            continue
        memberships = [
            room.events[each]
            for each in sorted(known, key=lambda each: (room.stamps[each], each))
            if each not in room.rejected
            and (room.events[each].type, room.events[each].state_key) == ("m.room.member", user)
        ]
        path = memberships_undone(memberships, standing, room.events.get, EVENTS_MAX)
        held = {key: room.events[each] for key, each in state.items()}
        said = restatement(path, room.version, held)
        for event in said:
            new = room.add(event.sender, event.type, event.content, event.state_key)
            assert new.event_id not in room.rejected, "what was found to stand stands"
        count += bool(said)
    return count


def _step(rng: Random, kind: str, actor: int | None = None, target: int | None = None) -> Step:
    """On all heads of a side. Times are few and out of order, as clocks of hubs are."""
    return Step(
        # To unban is to kick somebody who is banned.
        kind="kick" if kind == "unban" else kind,
        actor=rng.randrange(len(USERS)) if actor is None else actor,
        target=rng.randrange(len(USERS)) if target is None else target,
        value=rng.randrange(100),
        heads=0,
        origin_server_ts=rng.randrange(1, 20),
    )


def lost(room: Room) -> list[str]:
    """Who joined by an event that stands, is not joined at the end, and was removed by no event that stands.

    An event removes somebody if it stands and is a leave or kick that their joining did not follow, or a ban
    that nobody lifted before they joined: a merge may have overruled it for a while.
    Whoever one of the sides held for joined is not without any membership at the end.
    """
    sides = [room.states[head] for head in list(room.events.values())[-1].prev_events]
    state = room.state()
    found = []
    for user in USERS:
        member = state.get(("m.room.member", user))
        if member is not None and room.events[member].membership == "join":
            continue
        events = [e for e in room.events.values() if (e.type, e.state_key) == ("m.room.member", user)]
        held = any(_membership(room, side, user) == "join" for side in sides)
        standing = [e for e in events if e.event_id not in room.rejected]
        removed = {e.event_id for e in standing if e.membership in REMOVED}
        bans = {e.event_id for e in standing if e.membership == "ban"}
        for join in standing:
            lifted = auth_chain(join.auth_events, room.events.__getitem__)
            left = removed - past_of(room, join.prev_events) | (bans - lifted)
            if join.membership == "join" and ((member is None and held) or not left):
                found.append(user)
                break
    return found


def _membership(room: Room, state: StateMap, user: str) -> str | None:
    event_id = state.get(("m.room.member", user))
    return None if event_id is None else room.events[event_id].membership


def past_of(room: Room, heads: Iterable[EventId]) -> set[EventId]:
    """These events and all that they followed."""
    seen: set[EventId] = set()
    todo = list(heads)
    while todo:
        if (each := todo.pop()) not in seen:
            seen.add(each)
            todo += room.events[each].prev_events
    return seen


def contested(room: Room) -> bool:
    """Whether the merge had anything to decide: the sides did not agree on all."""
    heads = list(room.events.values())[-1].prev_events
    return len({frozenset(room.states[head].items()) for head in heads}) > 1


def losses(seeds: range, version: RoomVersion) -> Iterator[tuple[int, list[str]]]:
    """The seeds whose histories lost somebody, and whom."""
    for seed in seeds:
        found = lost(history(seed, version))
        if found:
            yield seed, found
