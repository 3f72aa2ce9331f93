"""The threads of a room. Spec: threads_list.yaml."""

from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.access import known_room
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.message_pagination import END
from bongsu.api.rooms import raw
from bongsu.errors import invalid_param
from bongsu.service import Service
from bongsu.sync.token import Place, decode_place
from bongsu.view.relations import thread_roots
from bongsu.view.visibility import visible_rows


async def get_threads(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/threads: their roots, that with the latest answer first."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.READ, user_id)
    room, member = known_room(node, user_id, request.path_parameters["roomId"])
    include = request.query("include") or "all"
    if include not in ("all", "participated"):
        raise invalid_param("`include` must be all or participated.")
    limit = max(1, request.query_integer("limit", 20, limits.RELATIONS_MAX))
    start = request.query("from")
    before = END if start is None else decode_place(start)
    if before is None:
        raise invalid_param("`from` was not made by this request. Start again without it.")
    only = user_id if include == "participated" else None
    found = thread_roots(node.context, room.room, (before.stamp, before.event_id), limit + 1, only)
    rows = visible_rows(node.context, [row for _, row in found[:limit]], user_id, member)
    body: dict[str, Any] = {"chunk": [raw(node, row, user_id) for row in rows]}
    if len(found) > limit:
        last, row = found[limit - 1]
        body["next_batch"] = Place(last, row.event_id).encode()
    return answer(body)


ROUTES = [Route("GET", "/_matrix/client/v1/rooms/{roomId}/threads", get_threads)]
