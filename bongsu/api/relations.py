"""What relates to an event. Spec: relations.yaml."""

from typing import Any

from bongsu import limits
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.message_pagination import END, START, place_of
from bongsu.api.rooms import raw, visible_event
from bongsu.errors import invalid_param
from bongsu.service import Service
from bongsu.sync.token import Place
from bongsu.view.relations import Asked, related
from bongsu.view.visibility import visible_rows


async def get_relations(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/relations/{eventId}, with or without a relation type and an event type."""
    node = service.node
    user_id = request.who.user_id
    parameters = request.path_parameters
    room, member, row = visible_event(node, user_id, parameters["roomId"], parameters["eventId"])
    direction = request.query("dir") or "b"
    if direction not in ("f", "b"):
        raise invalid_param("`dir` must be f (onwards) or b (back).")
    backwards = direction == "b"
    limit = max(1, request.query_integer("limit", 30, limits.RELATIONS_MAX))
    recurse = request.query_flag("recurse")
    first, last = request.query("from"), request.query("to")
    start = place_of(node, room, first) if first else (END if backwards else START)
    stop = place_of(node, room, last) if last else (START if backwards else END)
    low, high = (stop, start) if backwards else (start, stop)
    asked = Asked(
        rel_type=parameters.get("relType"),
        event_type=parameters.get("eventType"),
        depth=limits.RELATIONS_DEPTH_MAX if recurse else 1,
        low=(low.stamp, low.event_id),
        high=(high.stamp, high.event_id),
        backwards=backwards,
        limit=limit + 1,
    )
    rows = related(node.context, row, asked)
    more = len(rows) > limit
    rows = rows[:limit]
    body: dict[str, Any] = {
        "chunk": [raw(node, each, user_id) for each in visible_rows(node.context, rows, user_id, member)]
    }
    if more:
        # Forwards the place is just behind the event: "~" sorts after every character of an event id.
        event_id = rows[-1].event_id if backwards else rows[-1].event_id + "~"
        body["next_batch"] = Place(rows[-1].stamp, event_id).encode()
    if first:
        body["prev_batch"] = first
    if recurse:
        body["recursion_depth"] = limits.RELATIONS_DEPTH_MAX
    return answer(body)


_RELATIONS = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}"

ROUTES = [
    Route("GET", _RELATIONS, get_relations),
    Route("GET", f"{_RELATIONS}/{{relType}}", get_relations),
    Route("GET", f"{_RELATIONS}/{{relType}}/{{eventType}}", get_relations),
]
