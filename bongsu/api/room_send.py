"""Sending events, and redactions. Spec: room_send.yaml, room_state.yaml, redaction.yaml."""

from bongsu import ratelimit
from bongsu.api.access import joined_room
from bongsu.api.http import Request, Response, Route, answer, optional_string
from bongsu.author import NewEvent
from bongsu.errors import forbidden, invalid_param, not_found
from bongsu.ids import is_event_id, is_room_alias
from bongsu.service import Service
from bongsu.view import registers

PROMISE = "kr.bongsu.promise"


async def put_event(service: Service, request: Request) -> Response:
    """PUT …/send/{eventType}/{txnId}: a message event, acknowledged when it is safe."""
    node = service.node
    who = request.who
    node.rate.check(ratelimit.SEND, who.user_id)
    room_id = request.path_parameters["roomId"]
    event_type = request.path_parameters["eventType"]
    content = request.json()
    joined_room(node, who.user_id, room_id)
    if event_type == "m.room.redaction":
        redacts = optional_string(content, "redacts")
        if redacts is None:
            raise invalid_param("A redaction names its target in `redacts`.")
        new = NewEvent(event_type, content, redacts=redacts)
    else:
        new = NewEvent(event_type, content)
    event_id = await service.author.send(room_id, who.user_id, new, sent_by(request))
    return answer({"event_id": event_id, **_promise(service, event_id)})


def _promise(service: Service, event_id: str) -> dict[str, str]:
    """What is said of an event that this site alone holds; nothing of others (docs/protocol/client.md)."""
    node = service.node
    row = node.context.events.row(event_id) if node.promises.holds_here else None
    return {PROMISE: "here"} if row is not None and node.promises.is_held_here(row.position) else {}


def sent_by(request: Request) -> dict[str, str]:
    """What names a request for retries: (device, path, transaction id)."""
    path, _, _ = request.path.rpartition("/")
    return {"device_id": request.who.device_id, "path": path, "txn_id": request.path_parameters["txnId"]}


async def put_state(service: Service, request: Request) -> Response:
    """PUT …/state/{eventType}/{stateKey}: a state event; the same content again makes none."""
    node = service.node
    who = request.who
    node.rate.check(ratelimit.SEND, who.user_id)
    room_id = request.path_parameters["roomId"]
    event_type = request.path_parameters["eventType"]
    state_key = request.path_parameters.get("stateKey", "")
    content = request.json()
    room = joined_room(node, who.user_id, room_id)
    if event_type == "m.room.canonical_alias":
        _check_aliases(service, room_id, content)
    if event_type == "m.room.create":
        raise forbidden("A room has one m.room.create event, its first.")
    current = room.state.get((event_type, state_key))
    if current is not None:
        event = node.context.events.body(current)
        if event.content == content and event.sender == who.user_id:
            return answer({"event_id": current})
    event_id = await service.author.send(room_id, who.user_id, NewEvent(event_type, content, state_key))
    return answer({"event_id": event_id})


def _check_aliases(service: Service, room_id: str, content: dict[str, object]) -> None:
    """Every alias an m.room.canonical_alias newly names must lead to this room. Spec: § PUT state, 400."""
    named = [content.get("alias")] if content.get("alias") else []
    others = content.get("alt_aliases", [])
    if not isinstance(others, list):
        raise invalid_param("`alt_aliases` must be a list of room aliases.")
    room = service.node.context.live.get(room_id)
    current = room.state.get(("m.room.canonical_alias", ""))
    known = service.node.context.events.body(current).content if current is not None else {}
    before = {known.get("alias"), *(known.get("alt_aliases") or [])}
    for alias in [*named, *others]:
        if alias in before:
            continue
        if not isinstance(alias, str) or not is_room_alias(alias):
            raise invalid_param("A room alias looks like #name:server.")
        value = registers.get(service.node.context, "alias", "", "", alias)
        if value is None or value["room_id"] != room_id:
            error = invalid_param(f"{alias} does not lead to this room. Add the alias first.")
            error.errcode = "M_BAD_ALIAS"
            raise error


async def put_redaction(service: Service, request: Request) -> Response:
    """PUT …/redact/{eventId}/{txnId}: remove an event's content; one's own, or with the power to."""
    node = service.node
    who = request.who
    node.rate.check(ratelimit.SEND, who.user_id)
    room_id = request.path_parameters["roomId"]
    target = request.path_parameters["eventId"]
    room = joined_room(node, who.user_id, room_id)
    content = request.optional_json()
    if not is_event_id(target):
        raise not_found("There is no such event in this room.")
    row = node.context.events.row(target)
    if row is None or row.room != room.room:
        raise not_found("There is no such event in this room.")
    service.author.check_redaction(room, who.user_id, target)
    optional_string(content, "reason")
    new = NewEvent("m.room.redaction", content, redacts=target)
    event_id = await service.author.send(room_id, who.user_id, new, sent_by(request))
    return answer({"event_id": event_id})


_ROOM = "/_matrix/client/v3/rooms/{roomId}"

ROUTES = [
    Route("PUT", f"{_ROOM}/send/{{eventType}}/{{txnId}}", put_event),
    Route("PUT", f"{_ROOM}/state/{{eventType}}", put_state),
    Route("PUT", f"{_ROOM}/state/{{eventType}}/", put_state),
    Route("PUT", f"{_ROOM}/state/{{eventType}}/{{stateKey}}", put_state),
    Route("PUT", f"{_ROOM}/redact/{{eventId}}/{{txnId}}", put_redaction),
]
