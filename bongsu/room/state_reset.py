"""State resets: a merge brings back a leaving or a ban that a joining followed, as resolution prescribes.

Who was joined by their own last word is joined again by new events, if the rules still let them. Pure."""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from bongsu.errors import MatrixError
from bongsu.ids import EventId
from bongsu.room.auth import check
from bongsu.room.event import Event
from bongsu.room.state import StateKey
from bongsu.room.versions import RoomVersion

# An event by its id, None for one that is lost.
Find = Callable[[EventId], Event | None]
_OUTSIDE = ("leave", "ban")


def memberships_undone(
    memberships: Sequence[Event], standing: EventId | None, find: Find, events_max: int
) -> list[Event]:
    """The memberships that led from the one in force to a later joining, if that had followed every leaving,
    removal and ban there is; else none: whom somebody removed without knowing of the joining stays removed.

    Args:
        memberships: of one user, those that the rules accepted, in the order of their stamps.
        standing: the one in force, None if there is none any more.
        events_max: how many events of the past are looked at; a past longer than that is not known.
    """
    ids = [event.event_id for event in memberships]
    later = memberships[ids.index(standing) + 1 if standing in ids else 0 :]
    joins = [event for event in later if event.membership == "join"]
    if not joins:
        return []
    outside = [event for event in memberships if event.membership in _OUTSIDE]
    if not _has_followed(joins[-1], outside, find, events_max):
        return []
    return _path(joins[-1], standing, find)


def _has_followed(join: Event, others: Sequence[Event], find: Find, events_max: int) -> bool:
    wanted = {other.event_id for other in others}
    least = min((other.depth for other in others), default=0)
    seen: set[EventId] = set()
    waiting = list(join.prev_events)
    while waiting and wanted and len(seen) < events_max:
        event_id = waiting.pop()
        if event_id in seen:
            continue
        seen.add(event_id)
        wanted.discard(event_id)
        event = find(event_id)
        if event is not None and event.depth > least:
            waiting += event.prev_events
    return not wanted


def _path(join: Event, standing: EventId | None, find: Find) -> list[Event]:
    """Each membership names the one before it among its auth events. If none is `standing`: the last."""
    path = [join]
    while True:
        auth_events = (find(each) for each in path[-1].auth_events)
        before = [each for each in auth_events if each is not None and each.key == join.key]
        if not before:
            return path[::-1] if standing is None else [join]
        if before[0].event_id == standing:
            return path[::-1]
        path.append(before[0])


def restatement(
    path: Sequence[Event], version: RoomVersion, state: Mapping[StateKey, Event]
) -> Sequence[Event]:
    """The fewest last events of `path` that may stand one after the other in `state`: a joining needs its
    invitation, or the lifting of a ban, only where the rules still ask for it. Empty if none may."""
    for first in reversed(range(len(path))):
        if _may_stand(path[first:], version, state):
            return path[first:]
    return ()


def _may_stand(events: Sequence[Event], version: RoomVersion, state: Mapping[StateKey, Event]) -> bool:
    said: dict[StateKey, Event] = {}
    # A ChainMap writes to its first map alone.
    after = ChainMap(said, cast(dict[StateKey, Event], state))
    for event in events:
        try:
            check(event, version, after)
        except MatrixError:
            return False
        said[event.key] = event
    return True
