"""Telling others that one types. Spec: typing.yaml."""

from bongsu import limits, ratelimit
from bongsu.api.access import check_self, joined_room
from bongsu.api.http import Request, Response, Route, answer, boolean, integer
from bongsu.errors import missing_param
from bongsu.service import Service


async def put_typing(service: Service, request: Request) -> Response:
    """PUT /rooms/{roomId}/typing/{userId}: for a time, since clients vanish without a word."""
    node = service.node
    user_id = request.path_parameters["userId"]
    room_id = request.path_parameters["roomId"]
    check_self(request, user_id)
    node.rate.check(ratelimit.TYPING, user_id)
    body = request.json()
    joined_room(node, user_id, room_id)
    if "typing" not in body:
        raise missing_param("The body lacks `typing`.")
    timeout_ms = integer(body, "timeout", limits.TYPING_MS_DEFAULT, limits.TYPING_MS_MAX)
    typing = boolean(body, "typing")
    if node.live.set_typing(room_id, user_id, timeout_ms / 1000 if typing else None):
        node.notify_room(room_id)
        service.live_links.typing(room_id, user_id, timeout_ms if typing else 0)
    node.typing_expiry.watch()
    return answer({})


ROUTES = [Route("PUT", "/_matrix/client/v3/rooms/{roomId}/typing/{userId}", put_typing)]
