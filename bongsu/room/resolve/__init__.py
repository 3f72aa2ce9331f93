"""State resolution: one state out of several. v2 for room versions 10 and 11, v2.1 for 12; a file a step.

Spec: rooms/v12 § State resolution. Pure and iterative: room graphs are deeper than Python's stack.
"""

from collections.abc import Callable, Sequence

from bongsu.ids import EventId
from bongsu.room.auth_types import POWER_LEVELS
from bongsu.room.event import Event
from bongsu.room.resolve.auth_difference import auth_difference
from bongsu.room.resolve.conflicted_subgraph import conflicted_subgraph
from bongsu.room.resolve.iterative_auth_check import iterative_auth_check
from bongsu.room.resolve.mainline_sort import mainline_sort
from bongsu.room.resolve.power_sort import power_events_and_chains, power_sort
from bongsu.room.resolve.split_conflicted import split_conflicted
from bongsu.room.state import EMPTY, StateMap
from bongsu.room.versions import RoomVersion

__all__ = ["resolve"]


def resolve(
    version: RoomVersion,
    states: Sequence[StateMap],
    event: Callable[[EventId], Event],
    rejected: Callable[[EventId], bool],
) -> StateMap:
    """Return the resolution of `states`, the same for every order of them.

    Args:
        states: the states after each of an event's previous events; at least one.
        event: any event in these states or their auth chains, and the create event of the room.
        rejected: whether an event was rejected; such an event gives nobody permission.
    """
    assert states, "an event without previous events has the empty state, there is nothing to resolve"
    if all(state == states[0] for state in states[1:]):
        return states[0]
    unconflicted, conflicted = split_conflicted(states)
    full = conflicted | auth_difference(states, unconflicted, event)
    if version.resolution_v2_1:
        full |= conflicted_subgraph(conflicted, event)
    start = EMPTY if version.resolution_v2_1 else unconflicted

    power_events = power_events_and_chains(full, event)
    in_power_order = power_sort(version, power_events, event)
    partial = iterative_auth_check(version, start, in_power_order, event, rejected)
    in_mainline_order = mainline_sort(full - power_events, partial.get(POWER_LEVELS), event)
    resolved = iterative_auth_check(version, partial, in_mainline_order, event, rejected)
    # Step 5: on what the states agree, nothing of the above may decide.
    final = unconflicted.mutate()
    for key, event_id in resolved.items():
        if key not in unconflicted:
            final[key] = event_id
    return final.finish()
