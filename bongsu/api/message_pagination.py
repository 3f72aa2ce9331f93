"""Walking a room's history. Spec: message_pagination.yaml, event_context.yaml."""

from typing import Any

from bongsu import limits
from bongsu.api.access import known_room
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.rooms import raw, visible_event
from bongsu.canonical import read_json
from bongsu.errors import invalid_param
from bongsu.node import Node
from bongsu.service import Service
from bongsu.sync.filter import EventFilter, parse_events
from bongsu.sync.token import Place, decode, decode_place
from bongsu.view.events import EventRow
from bongsu.view.live import LiveRoom
from bongsu.view.memberships import Member
from bongsu.view.visibility import visible_rows

END = Place(2**62, "")
START = Place(0, "")


def filter_of(request: Request) -> EventFilter:
    """The `filter` parameter."""
    text = request.query("filter")
    return EventFilter() if text is None else parse_events(read_json(text.encode(), floats=True), "filter")


def place_of(node: Node, room: LiveRoom, text: str) -> Place:
    """Where in a room's history a pagination or sync token stands.

    Raises:
        MatrixError: 400 M_INVALID_PARAM.
    """
    place = decode_place(text)
    if place is not None:
        return place
    token = decode(text)
    if not node.log.shortcut_valid(token.start, token.position):
        return END
    rows = node.context.events.rows(
        "room=? AND verdict=0 AND position>? ORDER BY stamp, event_id LIMIT 1", (room.room, token.position)
    )
    return Place(rows[0].stamp, rows[0].event_id) if rows else END


def page(
    node: Node, room: LiveRoom, start: Place, stop: Place | None, limit: int, *, backwards: bool
) -> list[EventRow]:
    """Up to `limit` accepted events from a place, in the order of history, (stamp, event id)."""
    if backwards:
        low = stop or START
        return node.context.events.rows(
            "room=? AND verdict=0 AND stamp<=? AND (stamp, event_id) < (?,?) AND (stamp, event_id) >= (?,?)"
            " ORDER BY stamp DESC, event_id DESC LIMIT ?",
            (room.room, start.stamp, start.stamp, start.event_id, low.stamp, low.event_id, limit),
        )
    high = stop or END
    return node.context.events.rows(
        "room=? AND verdict=0 AND stamp>=? AND (stamp, event_id) >= (?,?) AND (stamp, event_id) < (?,?)"
        " ORDER BY stamp, event_id LIMIT ?",
        (room.room, start.stamp, start.stamp, start.event_id, high.stamp, high.event_id, limit),
    )


async def get_messages(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/messages."""
    node = service.node
    user_id = request.who.user_id
    room, member = known_room(node, user_id, request.path_parameters["roomId"])
    direction = request.query("dir")
    if direction not in ("f", "b"):
        raise invalid_param("`dir` must be f (onwards) or b (back).")
    backwards = direction == "b"
    limit = max(1, request.query_integer("limit", 10, limits.PAGE_EVENTS_MAX))
    filter_ = filter_of(request)
    first, last = request.query("from"), request.query("to")
    start = place_of(node, room, first) if first else (END if backwards else START)
    stop = place_of(node, room, last) if last else None
    rows, end = _collect(node, room, member, user_id, start, stop, limit, filter_, backwards=backwards)
    node.client_events.prepare(rows, with_room=True)
    body: dict[str, Any] = {
        "start": first or start.encode(),
        "chunk": [raw(node, row, user_id) for row in rows],
    }
    if end is not None:
        body["end"] = end.encode()
    state = _member_events(node, room, rows, filter_)
    if state:
        body["state"] = state
    return answer(body)


def _collect(
    node: Node,
    room: LiveRoom,
    member: Member,
    user_id: str,
    start: Place,
    stop: Place | None,
    limit: int,
    filter_: EventFilter,
    *,
    backwards: bool,
) -> tuple[list[EventRow], Place | None]:
    """Visible events that pass the filter; where to go on, None at the end. Bounded work a call."""
    chosen: list[EventRow] = []
    place = start
    for _ in range(limits.PAGES_READ_MAX):
        rows = page(node, room, place, stop, limit, backwards=backwards)
        if not rows:
            return chosen, None
        shown = [row for row in rows if not node.context.twins.hidden(row.position)]
        seen = visible_rows(node.context, shown, user_id, member)
        if filter_.contains_url is not None:
            node.context.events.preload(seen)
        for row in seen:
            if _passes(node, room, row, filter_):
                chosen.append(row)
                if len(chosen) == limit:
                    return chosen, _after(row, backwards=backwards)
        place = _after(rows[-1], backwards=backwards)
        if len(rows) < limit:
            return chosen, None
    return chosen, place


def _after(row: EventRow, *, backwards: bool) -> Place:
    # Forwards the place is just behind the event: "~" sorts after every character of an event id.
    return Place(row.stamp, row.event_id if backwards else row.event_id + "~")


def _passes(node: Node, room: LiveRoom, row: EventRow, filter_: EventFilter) -> bool:
    if not filter_.passes(row.type, row.sender) or not filter_.passes_room(room.room_id):
        return False
    if filter_.contains_url is None:
        return True
    return filter_.passes_content(node.context.events.load(row.position, row.event_id, room.room_id).content)


def _member_events(node: Node, room: LiveRoom, rows: list[EventRow], filter_: EventFilter) -> list[Any]:
    """With lazy loading: the member events of the senders."""
    if not filter_.lazy_load_members or not rows:
        return []
    state = node.context.states.before(rows[-1])
    found = []
    for sender in sorted({row.sender for row in rows}):
        event_id = state.get(("m.room.member", sender)) or room.state.get(("m.room.member", sender))
        row = None if event_id is None else node.context.events.row(event_id)
        if row is not None:
            found.append(raw(node, row, sender))
    return found


async def get_context(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/context/{eventId}: an event with what came before and after."""
    node = service.node
    user_id = request.who.user_id
    room, member, row = visible_event(
        node, user_id, request.path_parameters["roomId"], request.path_parameters["eventId"]
    )
    limit = request.query_integer("limit", 10, limits.PAGE_EVENTS_MAX)
    filter_ = filter_of(request)
    at = Place(row.stamp, row.event_id)
    behind = _after(row, backwards=False)
    before: list[EventRow] = []
    after: list[EventRow] = []
    start, end = at, behind
    if limit > 1:
        before, further = _collect(node, room, member, user_id, at, None, limit // 2, filter_, backwards=True)
        start = further or START
        after, later = _collect(
            node, room, member, user_id, behind, None, max(1, (limit - 1) // 2), filter_, backwards=False
        )
        end = later or (_after(after[-1], backwards=False) if after else behind)
    last = after[-1] if after else row
    state = node.context.states.group(last.state_group)
    senders = {found.sender for found in (*before, row, *after)}
    rows = [
        node.context.events.row(event_id)
        for (kind, state_key), event_id in sorted(state.items())
        if not filter_.lazy_load_members or kind != "m.room.member" or state_key in senders
    ]
    return answer(
        {
            "event": raw(node, row, user_id),
            "start": start.encode(),
            "end": end.encode(),
            "events_before": [raw(node, found, user_id) for found in before],
            "events_after": [raw(node, found, user_id) for found in after],
            "state": [raw(node, found, user_id) for found in rows if found is not None],
        }
    )


ROUTES = [
    Route("GET", "/_matrix/client/v3/rooms/{roomId}/messages", get_messages),
    Route("GET", "/_matrix/client/v3/rooms/{roomId}/context/{eventId}", get_context),
]
