"""Rooms fork and merge at random: every order gives one state, and nobody is lost on the way."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.ids import EventId
from bongsu.room.auth import Rejected, check, check_auth_events
from bongsu.room.auth_types import CREATE, POWER_LEVELS
from bongsu.room.power import PowerLevels
from bongsu.room.resolve import resolve
from bongsu.room.resolve.split_conflicted import split_conflicted
from bongsu.room.state import EMPTY, StateMap
from bongsu.room.versions import VERSIONS, RoomVersion
from tests.helpers.room_graph import KINDS, SAFE_KINDS, USERS, Room, Step, new_room, play, random_room

versions = st.sampled_from(list(VERSIONS.values()))


def steps(
    kinds: tuple[str, ...] = KINDS, actors: int = len(USERS), count: int = 25
) -> st.SearchStrategy[list[Step]]:
    step = st.builds(
        Step,
        kind=st.sampled_from(kinds),
        actor=st.integers(0, actors - 1),
        target=st.integers(0, len(USERS) - 1),
        value=st.integers(0, 11),
        heads=st.integers(0, 60),
        origin_server_ts=st.integers(1, 9),
    )
    return st.lists(step, min_size=4, max_size=count)


def everyone_joined(version: RoomVersion) -> Room:
    room = new_room(version)
    play(room, [Step("join", user, 0, 1, 0, 5) for user in range(1, len(USERS))])
    assert not room.rejected
    return room


@given(version=versions, steps=steps(), rng=st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_the_order_of_states_decides_nothing(version: RoomVersion, steps: list[Step], rng: Random) -> None:
    room = everyone_joined(version)
    play(room, steps)
    states = [room.states[event_id] for event_id in rng.sample(list(room.events), 3)]
    resolved = resolve(version, states, room.events.__getitem__, room.is_rejected)
    shuffled = [*states, rng.choice(states)]
    rng.shuffle(shuffled)
    assert resolve(version, shuffled, room.events.__getitem__, room.is_rejected) == resolved


@given(version=versions, steps=steps(), rng=st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_arrival_decides_nothing(version: RoomVersion, steps: list[Step], rng: Random) -> None:
    room = everyone_joined(version)
    play(room, steps)
    replica = arrive(room, rng)
    assert replica.rejected == room.rejected
    assert replica.states == room.states
    assert replica.state_before(reversed(room.heads)) == room.state()


def arrive(room: Room, rng: Random) -> Room:
    """Give every event of `room` to an empty replica, in a random order that its links allow."""
    replica = Room(room.version)
    waiting = list(room.events.values())
    while waiting:
        ready = [e for e in waiting if all(i in replica.states for i in (*e.prev_events, *e.auth_events))]
        event = rng.choice(ready)
        waiting.remove(event)
        replica.events[event.event_id] = event
        before = replica.state_before(event.prev_events) if event.prev_events else EMPTY
        after = before
        try:
            auth_events = [replica.events[auth_id] for auth_id in event.auth_events]
            check_auth_events(event, room.version, auth_events, replica.is_rejected)
            check(event, room.version, {key: replica.events[value] for key, value in before.items()})
        except Rejected:
            replica.rejected.add(event.event_id)
        else:
            after = before if event.state_key is None else before.set(event.key, event.event_id)
        replica.states[event.event_id] = after
    return replica


@given(version=versions, steps=steps(SAFE_KINDS, count=40))
@settings(max_examples=120, deadline=None)
def test_nobody_loses_a_membership_that_nobody_removed(version: RoomVersion, steps: list[Step]) -> None:
    """No kick, ban, leave or change of join rules anywhere: whoever joined is joined after every merge."""
    room = new_room(version)
    play(room, steps)
    joined = {
        event.sender
        for event in room.events.values()
        if event.membership == "join" and event.event_id not in room.rejected
    }
    state = room.state()
    for user in joined:
        assert room.events[state["m.room.member", user]].membership == "join"


@given(version=versions, steps=steps(count=40))
@settings(max_examples=120, deadline=None)
def test_what_every_side_agrees_on_survives_the_merge(version: RoomVersion, steps: list[Step]) -> None:
    room = everyone_joined(version)
    play(room, steps)
    states = [room.states[head] for head in room.heads]
    merged = resolve(version, states, room.events.__getitem__, room.is_rejected)
    unconflicted, _conflicted = split_conflicted(states)
    for key, event_id in unconflicted.items():
        assert merged[key] == event_id
    assert CREATE in merged
    if version.resolution_v2_1:
        # Rooms 10 and 11 can lose them, as Synapse does: tests/oracle/test_state_reset.py.
        assert POWER_LEVELS in merged


@given(
    version=versions,
    steps=steps(("join", "leave", "invite", "knock", "topic", "levels", "message"), count=30),
)
@settings(max_examples=120, deadline=None)
def test_a_ban_by_the_creator_outlasts_every_concurrent_event(
    version: RoomVersion, steps: list[Step]
) -> None:
    room = everyone_joined(version)
    fork = list(room.heads)
    bob = USERS[1]
    ban = room.add(USERS[0], "m.room.member", {"membership": "ban"}, bob, origin_server_ts=9)
    room.heads = fork
    # Alice is not among the actors of the other side, so nobody there can lift a ban.
    play(room, [Step(s.kind, max(s.actor, 1), s.target, s.value, 0, s.origin_server_ts) for s in steps])
    room.heads = [*room.heads, ban.event_id]
    assert room.events[room.state()["m.room.member", bob]].membership == "ban"


@given(version=versions, steps=steps(("levels", "events", "join", "topic"), count=40))
@settings(max_examples=120, deadline=None)
def test_nobody_raises_anybody_above_themselves(version: RoomVersion, steps: list[Step]) -> None:
    room = everyone_joined(version)
    play(room, steps)
    create = next(iter(room.events.values()))
    for event in list(room.events.values())[3:]:
        if event.type != "m.room.power_levels" or event.event_id in room.rejected:
            continue
        before = room.events[room.state_before(event.prev_events)[POWER_LEVELS]]
        old, new = PowerLevels(before, create, version), PowerLevels(event, create, version)
        for user in USERS:
            if new.user_level(user) > old.user_level(user):
                assert new.user_level(user) <= old.user_level(event.sender)


def fingerprint(seed: int) -> str:
    """A digest of what rooms with this seed resolve to."""
    digest = hashlib.sha256()
    for version in VERSIONS.values():
        rng = Random(seed)
        room = random_room(rng, version, 60)
        states: list[StateMap] = [
            room.states[event_id] for event_id in rng.sample(list[EventId](room.events), 9)
        ]
        merged = resolve(version, states, room.events.__getitem__, room.is_rejected)
        digest.update(json.dumps(sorted([*key, event_id] for key, event_id in merged.items())).encode())
    return digest.hexdigest()


def test_the_order_of_python_sets_decides_nothing() -> None:
    root = Path(__file__).parents[2]
    script = (
        "from tests.property.test_room_merges import fingerprint; print([fingerprint(n) for n in range(20)])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(answers) == 1
