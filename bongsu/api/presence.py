"""Showing and asking who is there. Spec: presence.yaml."""

from bongsu import limits, ratelimit
from bongsu.api.access import check_self
from bongsu.api.http import Request, Response, Route, answer, optional_string, string
from bongsu.errors import forbidden, invalid_param, not_found, too_large
from bongsu.ids import parse_user_id
from bongsu.service import Service
from bongsu.sync.presence import presence_content, tell
from bongsu.view import members, users

_STATES = ("online", "unavailable", "offline")


async def put_presence(service: Service, request: Request) -> Response:
    """PUT /presence/{userId}/status. Heard and not kept where the service shows no presence."""
    node = service.node
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    node.rate.check(ratelimit.PRESENCE, user_id)
    body = request.json()
    state = string(body, "presence")
    status = optional_string(body, "status_msg")
    if state not in _STATES:
        raise invalid_param("`presence` must be online, unavailable or offline.")
    if status is not None and len(status) > limits.PRESENCE_STATUS_CHARACTERS_MAX:
        raise too_large(f"A status may have {limits.PRESENCE_STATUS_CHARACTERS_MAX} characters.")
    until_s = limits.SYNC_TIMEOUT_S_MAX + limits.PRESENCE_GRACE_S
    if node.config.presence and node.live.presences.set(user_id, state, status, until_s):
        tell(node, [user_id])
        service.live_links.shown(user_id)
    return answer({})


async def get_presence(service: Service, request: Request) -> Response:
    """GET /presence/{userId}/status, of oneself and of those one shares a room with."""
    node = service.node
    user_id = request.path_parameters["userId"]
    parse_user_id(user_id)
    own = request.who.user_id
    if user_id != own and not members.shared_since(node.context, own, user_id):
        raise forbidden("You may see this only of people you share a room with.")
    if users.user(node.context, user_id) is None:
        raise not_found("There is no such user here.")
    tell(node, node.live.presences.sweep())
    return answer(presence_content(node, user_id))


_STATUS = "/_matrix/client/v3/presence/{userId}/status"

ROUTES = [Route("PUT", _STATUS, put_presence), Route("GET", _STATUS, get_presence)]
