"""The timeline of one room in a /sync answer: what is new, the newest `limit` of it."""

from dataclasses import dataclass
from typing import Any

from bongsu.node import Node
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import Place, Since
from bongsu.view.client_event import txn_id_of
from bongsu.view.events import EventRow
from bongsu.view.memberships import Member
from bongsu.view.visibility import visible_rows


@dataclass(frozen=True, slots=True)
class Timeline:
    """New events in order; `limited` when older new ones were left out; `first`: where they would begin."""

    rows: list[EventRow]
    limited: bool
    first: Place | None

    def fields(self, node: Node, request: SyncRequest | None) -> dict[str, Any]:
        """The `timeline` object, with the transaction ids of the device that asks; None: without any."""
        now_ms = node.now_ms()
        node.client_events.prepare(self.rows, with_room=False)
        events = []
        user_id = None if request is None else request.user_id
        for row in self.rows:
            txn_id = None
            if request is not None and row.sender == request.user_id:
                txn_id = txn_id_of(node.context, row, request.device_id)
            events.append(
                node.client_events.raw(row, now_ms, with_room=False, txn_id=txn_id, user_id=user_id)
            )
        timeline: dict[str, Any] = {"events": events, "limited": self.limited}
        if self.first is not None:
            timeline["prev_batch"] = self.first.encode()
        return timeline


def timeline(
    node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str, until: int | None
) -> Timeline:
    """The events of a room beyond `since` (None: from the newest back) and up to position `until`."""
    if not request.filter.timeline.passes_room(room_id):
        return Timeline([], False, None)
    limit = request.filter.timeline.limit
    if since is not None and until is None:
        live = node.context.live.get(room_id)
        if live.last_position <= since.position:
            return Timeline([], False, None)
        recent = live.since(since.position)
        if recent is not None:
            rows = [row for row in recent if not since.covers(row.position)]
            return _cut(node, request, since, rows, limit, member, more=False)
    return _from_view(node, request, since, member, until, limit)


def _from_view(
    node: Node, request: SyncRequest, since: Since | None, member: Member, until: int | None, limit: int
) -> Timeline:
    """Read enough of the newest rows from the tables; the filter may drop some, so read more than asked."""
    last = 2**62 if until is None else until
    after = 0 if since is None else since.position
    read_max = max(4 * limit, 100) + 1
    rows = node.context.events.rows(
        "room=? AND verdict=0 AND position>? AND position<=? ORDER BY position DESC LIMIT ?",
        (member.room, after, last, read_max),
    )
    rows.reverse()
    more = len(rows) == read_max
    if since is not None:
        rows = [row for row in rows if not since.covers(row.position)]
    return _cut(node, request, since, rows, limit, member, more=more)


def _cut(
    node: Node,
    request: SyncRequest,
    since: Since | None,
    rows: list[EventRow],
    limit: int,
    member: Member,
    *,
    more: bool,
) -> Timeline:
    filter_ = request.filter.timeline
    rows = [row for row in rows if not _told_already(node, since, row)]
    # Merged rooms receive older events later: within an answer, history's own order counts.
    rows = sorted(rows, key=lambda row: (row.stamp, row.event_id))
    if not filter_.passes_all:
        rows = [row for row in rows if _passes(node, request, row)]
    # What a merge brings may be of a time when the user was not in the room.
    rows = visible_rows(node.context, rows, request.user_id, member)
    limited = more or len(rows) > limit
    chosen = rows[len(rows) - limit :] if len(rows) > limit else rows
    first = chosen[0] if chosen else (rows[-1] if rows else None)
    place = None if first is None else Place(first.stamp, first.event_id)
    return Timeline(chosen, limited, place)


def _told_already(node: Node, since: Since | None, row: EventRow) -> bool:
    """Whether the client has seen the event that another site made of the same request."""
    twins = node.context.twins
    return twins.hidden(row.position) or (since is not None and twins.told(row.position, since.covers))


def _passes(node: Node, request: SyncRequest, row: EventRow) -> bool:
    filter_ = request.filter.timeline
    if not filter_.passes(row.type, row.sender):
        return False
    if filter_.contains_url is None:
        return True
    event = node.context.events.load(row.position, row.event_id, node.context.events.room_id(row.room))
    return filter_.passes_content(event.content)
