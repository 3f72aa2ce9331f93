"""Finding people. Spec: users.yaml, mutual_rooms.yaml."""

from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, integer, string
from bongsu.api.list_public_rooms import search_term
from bongsu.errors import invalid_param, missing_param
from bongsu.ids import is_user_id
from bongsu.service import Service
from bongsu.view import directory, members, users


async def get_mutual_rooms(service: Service, request: Request) -> Response:
    """GET /mutual_rooms."""
    node = service.node
    node.rate.check(ratelimit.READ, request.who.user_id)
    other = request.query("user_id")
    if other is None:
        raise missing_param("The query lacks `user_id`.")
    if not is_user_id(other) or other == request.who.user_id:
        raise invalid_param("`user_id` must be the id of another user.")
    after = request.query("from") or ""
    mine = {*members.joined_rooms(node.context, request.who.user_id)}
    shared = sorted(mine & {*members.joined_rooms(node.context, other)})
    rest = [room_id for room_id in shared if room_id > after]
    body: dict[str, Any] = {"joined": rest[: limits.MUTUAL_ROOMS_MAX], "count": len(shared)}
    if len(rest) > limits.MUTUAL_ROOMS_MAX:
        body["next_batch"] = rest[limits.MUTUAL_ROOMS_MAX - 1]
    return answer(body)


async def search_users(service: Service, request: Request) -> Response:
    """POST /user_directory/search: one syllable is enough."""
    context = service.node.context
    service.node.rate.check(ratelimit.SEARCH, request.who.user_id)
    body = request.json()
    term = search_term(string(body, "search_term")).removeprefix("@").partition(":")[0]
    limit = integer(body, "limit", 10, limits.PEOPLE_MAX)
    found = directory.people(context, request.who.user_id, term, limit + 1) if term else []
    results = []
    for user_id in found[:limit]:
        profile = users.profile(context, user_id)
        shown = {"display_name": profile.get("displayname"), "avatar_url": profile.get("avatar_url")}
        results.append({"user_id": user_id, **{name: value for name, value in shown.items() if value}})
    return answer({"results": results, "limited": len(found) > limit})


ROUTES = [
    Route("GET", "/_matrix/client/v1/mutual_rooms", get_mutual_rooms),
    Route("POST", "/_matrix/client/v3/user_directory/search", search_users),
]
