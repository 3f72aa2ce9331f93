"""State resolution by example: the two state resets that MSC4297 describes, and each step alone."""

import pytest

from bongsu.ids import EventId
from bongsu.room.auth_types import JOIN_RULES, POWER_LEVELS
from bongsu.room.event import Event
from bongsu.room.graph import auth_chain
from bongsu.room.resolve import resolve
from bongsu.room.resolve.auth_difference import auth_difference
from bongsu.room.resolve.conflicted_subgraph import conflicted_subgraph
from bongsu.room.resolve.mainline_sort import mainline_sort
from bongsu.room.resolve.power_sort import is_power_event, power_sort
from bongsu.room.resolve.split_conflicted import split_conflicted
from bongsu.room.state import EMPTY, StateMap
from bongsu.room.versions import VERSIONS
from tests.helpers.room_graph import USERS, Room, new_room

ALICE, BOB, CAROL, DAN = USERS[:4]
every_version = pytest.mark.parametrize("id", VERSIONS)


def merge(room: Room, *states: StateMap) -> StateMap:
    return resolve(room.version, states, room.events.__getitem__, room.is_rejected)


def join(room: Room, *users: str) -> None:
    for user in users:
        room.add(user, "m.room.member", {"membership": "join"}, user)


def levels(room: Room, sender: str, ts: int = 1, **users: int) -> Event:
    named = {f"@{name}:bongsu.example": level for name, level in users.items()}
    if not room.version.creators_privileged:
        named[ALICE] = 100
    return room.add(sender, "m.room.power_levels", {"users": named}, "", origin_server_ts=ts)


@every_version
def test_identical_states_are_returned_as_they_are(id: str) -> None:
    room = new_room(VERSIONS[id])
    state = room.state()
    assert merge(room, state) is state
    assert merge(room, state, state) == state
    with pytest.raises(AssertionError, match="empty state"):
        merge(room)


@every_version
def test_a_ban_beats_what_the_banned_user_did_meanwhile(id: str) -> None:
    room = new_room(VERSIONS[id])
    join(room, BOB)
    levels(room, ALICE, bob=50)
    fork = list(room.heads)
    topic = room.add(BOB, "m.room.topic", {"topic": "밥이 왔다"}, "", prev_events=fork, origin_server_ts=1)
    ban = room.add(ALICE, "m.room.member", {"membership": "ban"}, BOB, prev_events=fork, origin_server_ts=9)
    merged = merge(room, room.states[topic.event_id], room.states[ban.event_id])
    assert merged["m.room.member", BOB] == ban.event_id
    assert ("m.room.topic", "") not in merged


@every_version
def test_of_two_harmless_changes_the_later_one_stands(id: str) -> None:
    room = new_room(VERSIONS[id])
    fork = list(room.heads)
    first = room.add(ALICE, "m.room.topic", {"topic": "1"}, "", prev_events=fork, origin_server_ts=10)
    second = room.add(ALICE, "m.room.topic", {"topic": "2"}, "", prev_events=fork, origin_server_ts=20)
    assert (
        merge(room, room.states[second.event_id], room.states[first.event_id]) == room.states[second.event_id]
    )


@every_version
def test_a_chain_of_promotions_on_one_side_survives(id: str) -> None:
    room = new_room(VERSIONS[id])
    join(room, BOB, CAROL, DAN)
    fork = list(room.heads)
    levels(room, ALICE, ts=30, bob=50)
    levels(room, BOB, ts=20, bob=50, carol=50)
    topic = room.add(CAROL, "m.room.topic", {"topic": "x"}, "", origin_server_ts=10)
    other = room.add(DAN, "m.room.member", {"membership": "join", "displayname": "댄"}, DAN, prev_events=fork)
    assert not room.rejected
    merged = merge(room, room.states[topic.event_id], room.states[other.event_id])
    assert merged["m.room.topic", ""] == topic.event_id
    assert merged["m.room.member", DAN] == other.event_id
    assert merged[POWER_LEVELS] == room.states[topic.event_id][POWER_LEVELS]


@every_version
def test_an_old_join_rule_does_not_reset_a_room_whose_author_left(id: str) -> None:
    """MSC4297, problem A: v2 loses the join rules, v2.1 keeps the newer ones."""
    room = new_room(VERSIONS[id])
    join(room, BOB, CAROL, DAN)
    levels(room, ALICE, bob=100)
    old = room.state()[JOIN_RULES]
    new = room.add(ALICE, "m.room.join_rules", {"join_rule": "invite"}, "", origin_server_ts=20)
    room.add(ALICE, "m.room.member", {"membership": "leave"}, ALICE, origin_server_ts=30)
    assert not room.rejected
    state = room.state()
    merged = merge(room, state, state.set(JOIN_RULES, old))
    if VERSIONS[id].resolution_v2_1:
        assert merged == state
        assert merged[JOIN_RULES] == new.event_id
    else:
        assert JOIN_RULES not in merged


@every_version
def test_an_old_power_levels_event_does_not_undo_a_chain_of_promotions(id: str) -> None:
    """MSC4297, problem B: v2 falls back to the oldest power levels, v2.1 replays the steps between."""
    room = new_room(VERSIONS[id])
    join(room, BOB, CAROL)
    old = levels(room, ALICE, ts=10)
    levels(room, ALICE, ts=20, bob=75)
    newest = levels(room, BOB, ts=30, bob=75, carol=50)
    name = room.add(BOB, "m.room.name", {"name": "상황실"}, "", origin_server_ts=40)
    assert not room.rejected
    state = room.state()
    stale = state.set(POWER_LEVELS, old.event_id)
    # Both sides know the steps between by their auth chains, so the auth difference has none of them.
    assert auth_difference([state, stale], split_conflicted([state, stale])[0], room.events.__getitem__) <= {
        newest.event_id
    }
    merged = merge(room, state, stale)
    if VERSIONS[id].resolution_v2_1:
        assert merged[POWER_LEVELS] == newest.event_id
    else:
        assert merged[POWER_LEVELS] == old.event_id
    assert merged["m.room.name", ""] == name.event_id


@every_version
def test_a_rejected_auth_event_gives_no_permission(id: str) -> None:
    room = new_room(VERSIONS[id], join_rule="invite")
    fork = list(room.heads)
    invited = {"membership": "invite"}
    invite = room.add(ALICE, "m.room.member", invited, BOB, origin_server_ts=20)
    # Replayed before the invite, so that only its auth events can tell that Bob was invited.
    joined = room.add(BOB, "m.room.member", {"membership": "join"}, BOB, origin_server_ts=10)
    other = room.add(ALICE, "m.room.topic", {"topic": "x"}, "", prev_events=fork)
    states = [room.states[joined.event_id], room.states[other.event_id]]
    assert merge(room, *states)["m.room.member", BOB] == joined.event_id
    room.rejected.add(invite.event_id)
    assert merge(room, *states).get(("m.room.member", BOB)) != joined.event_id


def test_splitting_states() -> None:
    a, b, c, d = (EventId("$" + name) for name in "abcd")
    one: StateMap = EMPTY.set(("x", ""), a).set(("y", ""), b)
    two: StateMap = EMPTY.set(("x", ""), a).set(("y", ""), c)
    three: StateMap = EMPTY.set(("x", ""), a).set(("z", ""), d)
    assert split_conflicted([one, two, three]) == (EMPTY.set(("x", ""), a), {b, c, d})
    assert split_conflicted([one, one]) == (one, set())
    assert split_conflicted([EMPTY, one]) == (EMPTY, {a, b})
    assert split_conflicted([one, EMPTY]) == (EMPTY, {a, b})


def test_the_auth_difference_leaves_out_what_unconflicted_events_reach() -> None:
    room = new_room(VERSIONS["11"])
    join(room, BOB)
    fork = list(room.heads)
    kicked = room.add(ALICE, "m.room.member", {"membership": "leave"}, BOB, prev_events=fork)
    back = room.add(BOB, "m.room.member", {"membership": "join"}, BOB)
    topic = room.add(ALICE, "m.room.topic", {"topic": "x"}, "", prev_events=fork)
    states = [room.states[back.event_id], room.states[topic.event_id]]
    unconflicted, _ = split_conflicted(states)
    difference = auth_difference(states, unconflicted, room.events.__getitem__)
    assert difference == {kicked.event_id, back.event_id, topic.event_id}
    # The same chains, but now an event all sides agree on stands above what differed.
    later = room.add(BOB, "m.room.member", {"membership": "invite"}, CAROL, prev_events=[back.event_id])
    agreed = unconflicted.set(later.key, later.event_id)
    states = [state.set(later.key, later.event_id) for state in states]
    assert auth_difference(states, agreed, room.events.__getitem__) == {topic.event_id}


def test_the_conflicted_subgraph_is_what_lies_between() -> None:
    room = new_room(VERSIONS["12"])
    join(room, BOB, CAROL)
    first = levels(room, ALICE)
    second = levels(room, ALICE, bob=75)
    third = levels(room, BOB, bob=75, carol=50)
    topic = room.add(CAROL, "m.room.topic", {"topic": "x"}, "")
    ends = {first.event_id, topic.event_id}
    between = conflicted_subgraph(ends, room.events.__getitem__)
    assert between == {first.event_id, second.event_id, third.event_id, topic.event_id}
    assert conflicted_subgraph({topic.event_id}, room.events.__getitem__) == {topic.event_id}
    assert conflicted_subgraph(set(), room.events.__getitem__) == set()
    assert between < auth_chain(ends, room.events.__getitem__)


def test_power_events() -> None:
    room = new_room(VERSIONS["11"])
    join(room, BOB)
    kinds = [
        (ALICE, "m.room.power_levels", {}, "", True),
        (ALICE, "m.room.power_levels", {}, "x", False),
        (ALICE, "m.room.join_rules", {}, "", True),
        (ALICE, "m.room.join_rules", {}, None, False),
        (ALICE, "m.room.member", {"membership": "leave"}, BOB, True),
        (ALICE, "m.room.member", {"membership": "ban"}, BOB, True),
        (BOB, "m.room.member", {"membership": "leave"}, BOB, False),
        (ALICE, "m.room.member", {"membership": "invite"}, BOB, False),
        (ALICE, "m.room.topic", {}, "", False),
    ]
    for sender, type, content, state_key, expected in kinds:
        event = room.add(sender, type, content, state_key)
        assert is_power_event(event) is expected, event


@every_version
def test_power_order_goes_by_level_then_time_then_id_but_parents_first(id: str) -> None:
    room = new_room(VERSIONS[id])
    join(room, BOB, CAROL)
    levels(room, ALICE, bob=75, carol=50)
    fork = list(room.heads)

    def rule(sender: str, ts: int) -> EventId:
        content = {"join_rule": "invite", "n": len(room.events)}
        added = room.add(sender, "m.room.join_rules", content, "", prev_events=fork, origin_server_ts=ts)
        return added.event_id

    by_carol = rule(CAROL, 1)
    by_bob = [rule(BOB, 5), *sorted(rule(BOB, 6) for _ in range(3))]
    by_alice = rule(ALICE, 9)
    chosen = [by_carol, *reversed(by_bob), by_alice]
    assert power_sort(room.version, chosen, room.events.__getitem__) == [by_alice, *by_bob, by_carol]

    promoted = levels(room, CAROL, ts=1, bob=75, carol=50).event_id
    parent = next(
        e for e in room.events[promoted].auth_events if room.events[e].type == "m.room.power_levels"
    )
    assert power_sort(room.version, [promoted, parent], room.events.__getitem__) == [parent, promoted]
    assert power_sort(room.version, [], room.events.__getitem__) == []
    create = next(iter(room.events))
    assert power_sort(room.version, [create, by_alice], room.events.__getitem__) == [create, by_alice]


def test_mainline_order_goes_by_the_power_levels_an_event_knew_then_time_then_id() -> None:
    room = new_room(VERSIONS["12"])

    def topic(ts: int) -> EventId:
        content = {"topic": str(len(room.events))}
        return room.add(ALICE, "m.room.topic", content, "", origin_server_ts=ts).event_id

    early = topic(90)
    levels(room, ALICE)
    fork = list(room.heads)
    middle = sorted([topic(50), topic(50)])
    levels(room, ALICE, bob=10)
    late = topic(10)
    newest = room.state()[POWER_LEVELS]
    room.heads = fork
    levels(room, ALICE, bob=20)
    levels(room, ALICE, bob=30)
    aside = topic(60)
    aside_again = topic(61)
    events = [late, *middle, aside_again, aside, early]
    lookup = room.events.__getitem__
    assert mainline_sort(events, newest, lookup) == [early, *middle, aside, aside_again, late]
    assert mainline_sort(events, None, lookup) == sorted(
        events, key=lambda e: (lookup(e).origin_server_ts, e)
    )
    first = list(room.events)[1]
    assert mainline_sort([*events, first], newest, lookup)[0] == first, "it knew no power levels at all"


def test_graphs_deeper_than_the_stack_are_resolved() -> None:
    room = new_room(VERSIONS["12"])
    join(room, BOB)
    fork = list(room.heads)
    for step in range(1500):
        levels(room, ALICE, ts=step, bob=step % 50)
    other = room.add(ALICE, "m.room.topic", {"topic": "x"}, "", prev_events=fork)
    newest = room.state_before([event for event in room.heads if event != other.event_id])
    merged = merge(room, newest, room.states[other.event_id])
    assert merged[POWER_LEVELS] == newest[POWER_LEVELS]
    assert merged["m.room.topic", ""] == other.event_id
