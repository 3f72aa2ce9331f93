"""Rooms one may find. Spec: list_public_rooms.yaml, room_summary.yaml."""

from typing import Any

from bongsu import limits, ratelimit, words
from bongsu.api.http import (
    Request,
    Response,
    Route,
    answer,
    integer,
    json_list,
    json_object,
    optional_string,
)
from bongsu.api.membership import room_id_of
from bongsu.errors import bad_json, invalid_param, not_found, too_large
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import directory, members
from bongsu.view.directory import PublicRoom


def _page(service: Service, since: str | None, limit: int, found: list[PublicRoom]) -> Response:
    """A page of the rooms. `since`: how many came before."""
    start = 0
    if since is not None:
        digits = since.removeprefix("p")
        if since == digits or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
            raise invalid_param("`since` was not made by this service. Start again without it.")
        start = int(digits)
    chunk = found[start : start + limit]
    body: dict[str, Any] = {
        "chunk": [room.summary for room in chunk],
        "total_room_count_estimate": len(found),
    }
    if start + limit < len(found):
        body["next_batch"] = f"p{start + limit}"
    if start > 0:
        body["prev_batch"] = f"p{max(0, start - limit)}"
    return answer(body)


def _check_server(service: Service, request: Request) -> None:
    server = request.query("server")
    if server is not None and server != service.node.config.server_name:
        raise not_found("This service does not talk to other servers. Leave `server` out.")


async def get_public_rooms(service: Service, request: Request) -> Response:
    """GET /publicRooms."""
    service.node.rate.check(ratelimit.SEARCH, request.address)
    _check_server(service, request)
    limit = max(1, request.query_integer("limit", limits.PUBLIC_ROOMS_MAX, limits.PUBLIC_ROOMS_MAX))
    return _page(service, request.query("since"), limit, service.public_rooms.get())


async def query_public_rooms(service: Service, request: Request) -> Response:
    """POST /publicRooms: with a search term and room types."""
    service.node.rate.check(ratelimit.SEARCH, request.who.user_id)
    _check_server(service, request)
    body = request.optional_json()
    limit = max(1, integer(body, "limit", limits.PUBLIC_ROOMS_MAX, limits.PUBLIC_ROOMS_MAX))
    asked = json_object(body, "filter")
    term = search_term(optional_string(asked, "generic_search_term") or "")
    kinds = json_list(asked, "room_types", limits.FILTER_ENTRIES_MAX)
    if not all(kind is None or isinstance(kind, str) for kind in kinds):
        raise bad_json("`room_types` must be a list of strings and nulls.")
    found = [
        room
        for room in service.public_rooms.get()
        if term in room.text and (not kinds or room.summary.get("room_type") in kinds)
    ]
    return _page(service, optional_string(body, "since"), limit, found)


def search_term(term: str) -> str:
    """A term as searches compare it.

    Raises:
        MatrixError: 413 M_TOO_LARGE.
    """
    if len(term) > limits.SEARCH_TERM_CHARACTERS_MAX:
        raise too_large(f"A search term may have {limits.SEARCH_TERM_CHARACTERS_MAX} characters.")
    return words.normalised(term).strip()


async def get_room_summary(service: Service, request: Request) -> Response:
    """GET /room_summary/{roomIdOrAlias}: for rooms one is in, invited to, or may find or ask to join."""
    node = service.node
    who = request.requester
    node.rate.check(ratelimit.READ, request.address if who is None else who.user_id)
    room_id = room_id_of(service, request.path_parameters["roomIdOrAlias"])
    room = node.context.events.room_number(room_id)
    if room is None:
        raise not_found("There is no such room here.")
    summary = directory.summary(node.context, room, room_id)
    if who is None:
        if not _open_to_all(summary):
            raise not_found("There is no such room here.")
        return answer(summary)
    if not may_find(node, who.user_id, room, summary):
        raise not_found("There is no such room here.")
    member = members.member(node.context, room, who.user_id)
    return answer({**summary, "membership": "leave" if member is None else member.membership})


def _open_to_all(summary: dict[str, Any]) -> bool:
    return summary["world_readable"] or summary["join_rule"] in ("public", "knock", "knock_restricted")


def may_find(node: Node, user_id: str, room: int, summary: dict[str, Any]) -> bool:
    """Whether a user is told of a room: they are in it, invited or have knocked, or may come in or knock."""
    member = members.member(node.context, room, user_id)
    if _open_to_all(summary) or (member is not None and member.membership in ("join", "invite", "knock")):
        return True
    allowed = (node.context.live.find(each) for each in summary.get("allowed_room_ids", []))
    return any(each is not None and user_id in each.joined for each in allowed)


_PUBLIC = "/_matrix/client/v3/publicRooms"

ROUTES = [
    Route("GET", _PUBLIC, get_public_rooms, auth="none"),
    Route("POST", _PUBLIC, query_public_rooms),
    Route("GET", "/_matrix/client/v1/room_summary/{roomIdOrAlias}", get_room_summary, auth="optional"),
]
