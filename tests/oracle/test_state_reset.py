"""A random merge in which rooms 10 and 11 lose their power levels; version 12 keeps them (MSC4297)."""

import pytest

from bongsu.room.auth_types import POWER_LEVELS
from bongsu.room.resolve import resolve
from bongsu.room.versions import VERSIONS
from tests.helpers.room_graph import USERS, Step, new_room, play
from tests.oracle.oracle import Oracle

STEPS = [
    Step("leave", 0, 0, 0, 0, 2),
    Step("join", 0, 0, 0, 0, 1),
    Step("levels", 0, 0, 0, 13, 1),
    Step("join", 0, 0, 0, 2, 1),
    Step("join", 0, 0, 0, 1, 1),
    Step("join", 0, 0, 0, 1, 1),
    Step("join", 0, 0, 0, 1, 1),
    Step("join", 0, 0, 0, 1, 1),
    Step("join", 1, 0, 0, 0, 1),
    Step("join", 1, 0, 0, 33, 1),
]


@pytest.mark.parametrize("id", list(VERSIONS))
def test_both_lose_the_power_levels_only_before_version_12(oracle: Oracle, id: str) -> None:
    room = new_room(VERSIONS[id])
    play(room, [Step("join", user, 0, 1, 0, 5) for user in range(1, len(USERS))])
    play(room, STEPS)
    states = [room.states[head] for head in room.heads]
    [theirs] = oracle.ask(
        "resolve",
        version=id,
        room_id=room.room_id,
        rejected=sorted(room.rejected),
        events={event_id: event.pdu for event_id, event in room.events.items()},
        merges=[[[[*key, event_id] for key, event_id in state.items()] for state in states]],
    )
    ours = resolve(VERSIONS[id], states, room.events.__getitem__, room.is_rejected)
    assert sorted([*key, event_id] for key, event_id in ours.items()) == theirs
    assert (POWER_LEVELS in ours) == (id == "12")
