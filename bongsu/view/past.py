"""What of a room does not lie in the past of some heads: the other side of a fork."""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from bongsu import limits
from bongsu.view.context import Context
from bongsu.view.events import EventRow

_INSIDE, _OUTSIDE = 1, 2


def outside(context: Context, room: int, heads: Iterable[str]) -> list[EventRow]:
    """The events of a room that are here and not in the past of `heads`, which are here too.

    Costs what the room has forked, not its length: an event's stamp exceeds those of the events it builds on,
    so the newest first, until nothing is left but the common past.
    """
    others = {event_id for (event_id,) in context.db.all("SELECT event_id FROM heads WHERE room=?", (room,))}
    inside = set(heads)
    if others <= inside:
        return []
    sides = {**dict.fromkeys(others, _OUTSIDE), **dict.fromkeys(inside, _INSIDE)}
    queue = [(-_stamp(context, event_id), event_id) for event_id in sides]
    heapify(queue)
    waiting_outside = sum(side == _OUTSIDE for side in sides.values())
    found: list[EventRow] = []
    seen = 0
    while queue and waiting_outside and seen < limits.RECEIPT_PAST_EVENTS_MAX:
        _, event_id = heappop(queue)
        side = sides[event_id]
        seen += 1
        if side == _OUTSIDE:
            waiting_outside -= 1
            row = context.events.row(event_id)
            assert row is not None, "what an accepted event builds on is here"
            found.append(row)
        for prev in context.events.body(event_id).prev_events:
            known = sides.get(prev)
            if context.events.row(prev) is None:
                continue  # lost, and what was before it is reached another way or by nobody
            if known is None:
                sides[prev] = side
                waiting_outside += side == _OUTSIDE
                heappush(queue, (-_stamp(context, prev), prev))
            elif known == _OUTSIDE and side == _INSIDE:
                sides[prev] = _INSIDE
                waiting_outside -= 1
    return found


def _stamp(context: Context, event_id: str) -> int:
    row = context.events.row(event_id)
    assert row is not None, "what an accepted event builds on is here"
    return row.stamp
