"""The room as a graph: where an event may stand, and walking along auth events. Iterative throughout."""

from collections.abc import Callable, Iterable, Sequence

from bongsu import limits
from bongsu.ids import EventId
from bongsu.room.event import Event
from bongsu.room.rejected import Rejected


def check_place(stamp: int, depth: int, prev: Sequence[tuple[int, int]], *, whole: bool = True) -> None:
    """Raise `Rejected` unless an event's stamp and depth follow from its previous events.

    Args:
        prev: (stamp, depth) of each previous event; none for a create event.
        whole: whether these are all of them; those that are lost may have been the deepest.
    """
    if any(stamp <= prev_stamp for prev_stamp, _depth in prev):
        raise Rejected("stamp", "The event's stamp does not exceed those of its previous events.")
    least = next_depth(prev_depth for _stamp, prev_depth in prev)
    if depth < least or (whole and depth != least):
        raise Rejected("depth", "The event's depth is not one more than that of its previous events.")


def next_depth(prev_depths: Iterable[int]) -> int:
    """Return the depth of an event with previous events of these depths."""
    return min(1 + max(prev_depths, default=0), limits.JSON_INTEGER_MAX)


def auth_chain(start: Iterable[EventId], event: Callable[[EventId], Event]) -> set[EventId]:
    """Return the events of `start` and everything reached from them along `auth_events`."""
    seen = set(start)
    waiting = list(seen)
    while waiting:
        for auth_id in event(waiting.pop()).auth_events:
            if auth_id not in seen:
                seen.add(auth_id)
                waiting.append(auth_id)
    return seen
