"""The tree of rooms below a space. Spec: space_hierarchy.yaml, § Discovering rooms within spaces."""

import re
from collections.abc import Iterator
from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.list_public_rooms import may_find
from bongsu.errors import forbidden, invalid_param
from bongsu.ids import is_room_id
from bongsu.node import Node
from bongsu.room.event import Event
from bongsu.room.visibility import strip
from bongsu.service import Service
from bongsu.view import directory

_CHILD = "m.space.child"
_TOKEN = re.compile(r"h([0-9]{1,6})_([0-9]{1,6})_(true|false)")
_ORDER = re.compile(r"[\x20-\x7e]{1,50}")


async def get_hierarchy(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/hierarchy: the space and what the user may find below it, depth first."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.SEARCH, user_id)
    limit = max(1, request.query_integer("limit", 20, limits.HIERARCHY_PAGE_MAX))
    depth_max = request.query_integer("max_depth", limits.HIERARCHY_DEPTH_MAX, limits.HIERARCHY_DEPTH_MAX)
    suggested = request.query_flag("suggested_only")
    start = _start(request.query("from"), depth_max, suggested=suggested)
    found = []
    more = False
    for number, room in enumerate(
        _walk(node, user_id, request.path_parameters["roomId"], depth_max, suggested)
    ):
        if number == start + limit:
            more = True
            break
        if number >= start:
            found.append(room)
    if not found and start == 0:
        raise forbidden("You may not see this room. Ask one of its members to invite you.")
    body: dict[str, Any] = {"rooms": found}
    if more:
        body["next_batch"] = f"h{start + limit}_{depth_max}_{str(suggested).lower()}"
    return answer(body)


def _start(token: str | None, depth_max: int, *, suggested: bool) -> int:
    """How many rooms came before."""
    if token is None:
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise invalid_param("`from` was not made by this request. Start again without it.")
    if (int(match[2]), match[3] == "true") != (depth_max, suggested):
        raise invalid_param("`suggested_only` and `max_depth` cannot change from page to page.")
    return int(match[1])


def _walk(
    node: Node, user_id: str, root_id: str, depth_max: int, suggested: bool
) -> Iterator[dict[str, Any]]:
    """Each room once, however often it is named; a bounded number of them is looked at."""
    waiting, seen = [(root_id, 0)], {root_id}
    looked_at = 0
    while waiting and looked_at < limits.HIERARCHY_ROOMS_MAX:
        room_id, depth = waiting.pop()
        looked_at += 1
        room = node.context.events.room_number(room_id)
        if room is None:
            continue
        summary = directory.summary(node.context, room, room_id)
        if not may_find(node, user_id, room, summary):
            continue
        children = _children(node, room, suggested) if summary.get("room_type") == "m.space" else []
        shown = [{**strip(each), "origin_server_ts": each.origin_server_ts} for each in children]
        yield {**summary, "children_state": shown}
        if depth < depth_max:
            below = [each.state_key or "" for each in children if each.state_key not in seen]
            seen.update(below)
            waiting += [(each, depth + 1) for each in reversed(below)]


def _children(node: Node, room: int, suggested: bool) -> list[Event]:
    """The space's valid children, in their order. Spec: § Ordering of children within a space."""
    state = node.context.live.current_state(room)
    events = [node.context.events.body(event_id) for (kind, _), event_id in state.items() if kind == _CHILD]
    valid = [
        event
        for event in events
        if is_room_id(event.state_key or "")
        and isinstance(event.content.get("via"), list)
        and event.content["via"]
        and (not suggested or event.content.get("suggested") is True)
    ]
    return sorted(valid, key=_place)


def _place(event: Event) -> tuple[bool, str, int, str]:
    order = event.content.get("order")
    named = isinstance(order, str) and _ORDER.fullmatch(order) is not None
    return not named, str(order) if named else "", event.origin_server_ts, event.state_key or ""


ROUTES = [Route("GET", "/_matrix/client/v1/rooms/{roomId}/hierarchy", get_hierarchy)]
