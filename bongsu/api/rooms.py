"""Reading a room: its state, members and single events. Spec: rooms.yaml, room_event_by_timestamp.yaml."""

from typing import Any

from bongsu.api.access import known_room
from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import forbidden, invalid_param, not_found
from bongsu.node import Node
from bongsu.room.state import StateMap
from bongsu.service import Service
from bongsu.sync.token import decode, decode_place
from bongsu.view import members
from bongsu.view.events import EventRow
from bongsu.view.live import LiveRoom
from bongsu.view.memberships import Member
from bongsu.view.visibility import history_visibility, visible_rows


def readable_state(node: Node, user_id: str, room_id: str) -> tuple[LiveRoom, StateMap]:
    """The room and the state a user may read: now for members, at their leaving for those who left.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    room = node.context.live.find(room_id)
    if room is not None and user_id in room.joined:
        return room, room.state
    if room is not None and history_visibility(node.context, room.state) == "world_readable":
        return room, room.state
    room, member = known_room(node, user_id, room_id)
    row = node.context.events.row(member.event_id)
    if row is None:
        raise forbidden("You are not in this room. Ask one of its members to invite you.")
    return room, node.context.states.group(row.state_group)


def raw(node: Node, row: EventRow, user_id: str) -> Any:
    """An event's JSON for one user, with its room id."""
    return node.client_events.raw(row, node.now_ms(), with_room=True, user_id=user_id)


async def get_state(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/state."""
    node = service.node
    who = request.who
    _, state = readable_state(node, who.user_id, request.path_parameters["roomId"])
    rows = [node.context.events.row(state[key]) for key in sorted(state)]
    return answer([raw(node, row, who.user_id) for row in rows if row is not None])


async def get_state_event(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/state/{eventType}/{stateKey}: the content, or with format=event the event."""
    node = service.node
    _, state = readable_state(node, request.who.user_id, request.path_parameters["roomId"])
    form = request.query("format")
    if form not in (None, "content", "event"):
        raise invalid_param("`format` must be content or event.")
    key = (request.path_parameters["eventType"], request.path_parameters.get("stateKey", ""))
    event_id = state.get(key)
    if event_id is None:
        raise not_found("The room has no such state.")
    if form == "event":
        row = node.context.events.row(event_id)
        if row is not None:
            return answer(raw(node, row, request.who.user_id))
    return answer(node.context.events.body(event_id).content)


async def get_members(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/members, now or at a sync token."""
    node = service.node
    user_id = request.who.user_id
    room, state = readable_state(node, user_id, request.path_parameters["roomId"])
    at = request.query("at")
    if at is not None:
        state = _state_at(node, room, at, state)
    wanted, unwanted = request.query("membership"), request.query("not_membership")
    chunk = []
    for (kind, _), event_id in sorted(state.items()):
        if kind != "m.room.member":
            continue
        membership = node.context.events.body(event_id).membership
        if (wanted is None or membership == wanted) and (unwanted is None or membership != unwanted):
            row = node.context.events.row(event_id)
            if row is not None:
                chunk.append(raw(node, row, user_id))
    return answer({"chunk": chunk})


def _state_at(node: Node, room: LiveRoom, at: str, now: StateMap) -> StateMap:
    """The state after the last event a token covers."""
    place = decode_place(at)
    if place is not None:
        rows = node.context.events.rows(
            "room=? AND verdict=0 AND (stamp, event_id) < (?,?) ORDER BY stamp DESC, event_id DESC LIMIT 1",
            (room.room, place.stamp, place.event_id),
        )
    else:
        token = decode(at)
        if not node.log.shortcut_valid(token.start, token.position):
            return now
        rows = node.context.events.rows(
            "room=? AND verdict=0 AND position<=? ORDER BY position DESC LIMIT 1", (room.room, token.position)
        )
    return node.context.states.group(rows[0].state_group) if rows else now


async def get_joined_members(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/joined_members."""
    node = service.node
    room, _ = known_room(node, request.who.user_id, request.path_parameters["roomId"])
    if request.who.user_id not in room.joined:
        raise forbidden("You are not in this room. Ask one of its members to invite you.")
    joined = {}
    for user_id in sorted(room.joined):
        member = members.member(node.context, room.room, user_id)
        assert member is not None
        content = node.context.events.body(member.event_id).content
        joined[user_id] = {
            "display_name": content.get("displayname"),
            "avatar_url": content.get("avatar_url"),
        }
        joined[user_id] = {name: value for name, value in joined[user_id].items() if value is not None}
    return answer({"joined": joined})


def visible_event(node: Node, user_id: str, room_id: str, event_id: str) -> tuple[LiveRoom, Member, EventRow]:
    """An event the user may see.

    Raises:
        MatrixError: 404 M_NOT_FOUND, the same for one that is hidden or not there; 403 for the room.
    """
    room, member = known_room(node, user_id, room_id)
    row = node.context.events.row(event_id)
    if row is None or row.room != room.room or row.verdict != 0:
        raise not_found("There is no such event in this room.")
    if not visible_rows(node.context, [row], user_id, member):
        raise not_found("There is no such event in this room.")
    return room, member, row


async def get_event(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/event/{eventId}."""
    node = service.node
    user_id = request.who.user_id
    parameters = request.path_parameters
    _, _, row = visible_event(node, user_id, parameters["roomId"], parameters["eventId"])
    return answer(raw(node, row, user_id))


async def get_event_by_timestamp(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/timestamp_to_event."""
    node = service.node
    room, member = known_room(node, request.who.user_id, request.path_parameters["roomId"])
    if request.query("ts") is None:
        raise invalid_param("The query lacks `ts`.")
    ts = request.query_integer("ts", 0, 2**62)
    direction = request.query("dir")
    if direction not in ("f", "b"):
        raise invalid_param("`dir` must be f or b.")
    compare, order = (">=", "") if direction == "f" else ("<=", " DESC")
    rows = node.context.events.rows(
        f"room=? AND verdict=0 AND stamp{compare}? ORDER BY stamp{order} LIMIT 50", (room.room, ts)
    )
    for row in visible_rows(node.context, rows, request.who.user_id, member):
        event = node.context.events.load(row.position, row.event_id, room.room_id)
        return answer({"event_id": row.event_id, "origin_server_ts": event.origin_server_ts})
    raise not_found("There is no event at that time.")


_ROOM = "/_matrix/client/v3/rooms/{roomId}"

ROUTES = [
    Route("GET", f"{_ROOM}/state", get_state),
    Route("GET", f"{_ROOM}/state/{{eventType}}", get_state_event),
    Route("GET", f"{_ROOM}/state/{{eventType}}/", get_state_event),
    Route("GET", f"{_ROOM}/state/{{eventType}}/{{stateKey}}", get_state_event),
    Route("GET", f"{_ROOM}/members", get_members),
    Route("GET", f"{_ROOM}/joined_members", get_joined_members),
    Route("GET", f"{_ROOM}/event/{{eventId}}", get_event),
    Route("GET", "/_matrix/client/v1/rooms/{roomId}/timestamp_to_event", get_event_by_timestamp),
]
