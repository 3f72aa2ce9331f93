"""Hubs go on alone and merge, over and over: nobody loses a membership that nobody removed."""

import pytest

from bongsu.room.versions import VERSIONS
from tests.helpers.merge_histories import contested, history, losses, lost, mend
from tests.helpers.room_graph import Step, new_room, play

A_TEST = 10_000
NEWEST = VERSIONS["12"]


@pytest.mark.parametrize("version", list(VERSIONS))
def test_nobody_is_lost(version: str) -> None:
    assert list(losses(range(400), VERSIONS[version])) == []


# Seeds in which state resolution itself brings a leaving back that a joining had followed.
@pytest.mark.parametrize(
    ("version", "seed"),
    [("10", 13811), ("10", 22600), ("11", 26144), ("12", 16954), ("12", 26144), ("12", 81943)],
)
def test_what_a_merge_undid_is_said_again(version: str, seed: int) -> None:
    assert len(lost(history(seed, VERSIONS[version], mended=False))) == 1
    assert lost(history(seed, VERSIONS[version])) == []


@pytest.mark.parametrize("version", ["10", "11"])
def test_a_ban_that_nobody_lifted_stands(version: str) -> None:
    """A first merge overruled it, somebody joined, and a second one brings it back."""
    room = history(63190, VERSIONS[version])
    member = room.events[room.state()["m.room.member", "@bob:bongsu.example"]]
    assert member.membership == "ban"


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 100_000, A_TEST))
@pytest.mark.parametrize("version", list(VERSIONS))
def test_nobody_is_lost_in_many(version: str, first: int) -> None:
    assert list(losses(range(first, first + A_TEST), VERSIONS[version])) == []


def test_the_histories_are_worth_their_name() -> None:
    rooms = [history(seed, NEWEST) for seed in range(200)]
    assert sum(contested(room) for room in rooms) > 150
    events = [
        event for room in rooms for event in room.events.values() if event.event_id not in room.rejected
    ]
    assert sum(event.membership == "ban" for event in events) > 50
    assert sum(event.membership == "leave" for event in events) > 100
    assert sum(event.type == "m.room.power_levels" for event in events) > 400
    gone = [
        user
        for room in rooms
        for (type_, user), event_id in room.state().items()
        if type_ == "m.room.member" and room.events[event_id].membership in ("leave", "ban")
    ]
    assert len(gone) > 100, "and people are removed by those who may"


def test_nothing_is_said_again_to_whom_somebody_removed() -> None:
    """Somebody bans at one side who comes in anew at the other, whose clock is ahead."""
    room = new_room(NEWEST)
    room.our_times = True
    play(room, [Step("join", 1, 0, 1, 0, 5), Step("levels", 0, 2, 2, 0, 6), Step("join", 2, 0, 1, 0, 7)])
    fork = list(room.heads)
    play(room, [Step("leave", 1, 0, 1, 0, 50), Step("join", 1, 0, 1, 0, 60)])
    side, room.heads = room.heads, fork
    play(room, [Step("ban", 2, 1, 1, 0, 8)])
    room.heads = sorted((*room.heads, *side))
    assert mend(room) == 0
    assert room.events[room.state()["m.room.member", "@bob:bongsu.example"]].membership == "ban"


def test_who_comes_back_where_the_clock_has_stopped_stays() -> None:
    """Without times that follow, the merge takes the leaving for the later of the two."""
    for ours, expected in ((False, ["@bob:bongsu.example"]), (True, [])):
        room = new_room(NEWEST)
        room.our_times = ours
        play(room, [Step("join", 1, 0, 1, 0, 5), Step("join", 2, 0, 1, 0, 5)])
        fork = list(room.heads)
        play(room, [Step("leave", 1, 0, 1, 0, 1_000), Step("join", 1, 0, 1, 0, 7)])
        side, room.heads = room.heads, fork
        play(room, [Step("join", 2, 0, 2, 0, 8)])
        room.heads = sorted((*room.heads, *side))
        assert lost(room) == expected
