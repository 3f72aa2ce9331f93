"""Room aliases, and which rooms are in the directory. Spec: directory.yaml, rooms.yaml § aliases."""

from bongsu import drafts, limits, ratelimit
from bongsu.api.access import joined_room, known_room
from bongsu.api.http import Request, Response, Route, answer, optional_string, string
from bongsu.author import power_levels
from bongsu.errors import MatrixError, forbidden, invalid_param, not_found
from bongsu.hub.residents import NO_ALIAS, check_core
from bongsu.ids import is_room_alias, is_room_id, server_of
from bongsu.log.record import Draft
from bongsu.names import Claim
from bongsu.node import Node
from bongsu.service import Service
from bongsu.view import registers
from bongsu.view.directory import aliases
from bongsu.view.live import LiveRoom
from bongsu.view.visibility import history_visibility


def alias_draft(node: Node, alias: str, room_id: str | None, creator: str) -> Draft:
    """The record that makes an alias lead to a room, or with None to nothing."""
    stamp = registers.stamp_after(node.context, node.now_ms(), "alias", "", "", alias)
    value = None if room_id is None else {"room_id": room_id, "creator": creator}
    return drafts.register("alias", "", "", alias, value, stamp)


def directory_draft(node: Node, room_id: str, *, public: bool) -> Draft:
    """The record that puts a room into the directory or takes it out."""
    stamp = registers.stamp_after(node.context, node.now_ms(), "directory", "", "", room_id)
    return drafts.register("directory", "", "", room_id, True if public else None, stamp)


def _alias(request: Request) -> str:
    alias = request.path_parameters["roomAlias"]
    if not is_room_alias(alias):
        raise invalid_param("A room alias looks like #name:server, with at most 255 bytes.")
    return alias


async def get_alias(service: Service, request: Request) -> Response:
    """GET /directory/room/{roomAlias}."""
    value = registers.get(service.node.context, "alias", "", "", _alias(request))
    if value is None:
        raise not_found("There is no room of this alias here.")
    return answer({"room_id": value["room_id"], "servers": [service.node.config.server_name]})


async def put_alias(service: Service, request: Request) -> Response:
    """PUT /directory/room/{roomAlias}: anybody in the room may add one."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    check_core(node, NO_ALIAS)
    alias = _alias(request)
    room_id = string(request.json(), "room_id")
    if not is_room_id(room_id):
        raise invalid_param("`room_id` must be a room id (!…).")
    if server_of(alias) != node.config.server_name:
        raise invalid_param(f"Aliases of this service end in :{node.config.server_name}.")
    joined_room(node, user_id, room_id)
    if alias in service.names_claimed:
        raise _in_use(alias)
    _check_free(service, alias)
    if len(aliases(node.context, room_id)) >= limits.ALIASES_MAX:
        raise forbidden(f"A room may have {limits.ALIASES_MAX} aliases. Delete one first.")
    service.names_claimed.add(alias)
    try:
        # Where the core cannot be asked the alias is given all the same: aliases alone may have losers.
        # A lock outlives its alias, so that only a record says that it is taken still.
        if await service.names.claim(alias) == Claim.TAKEN:
            await service.peers.elsewhere.catch_up()
            _check_free(service, alias)
        await node.write(alias_draft(node, alias, room_id, user_id))
    finally:
        service.names_claimed.discard(alias)
    return answer({})


def _check_free(service: Service, alias: str) -> None:
    if registers.get(service.node.context, "alias", "", "", alias) is not None:
        raise _in_use(alias)


def _in_use(alias: str) -> MatrixError:
    return MatrixError(409, "M_ROOM_IN_USE", f"{alias} belongs to a room already. Choose another.")


def _may_moderate(service: Service, room: LiveRoom, user_id: str) -> bool:
    """Whether the user may change the room's main alias, which is who may change its directory entry."""
    power = power_levels(room, service.node.context.events)
    return user_id in room.joined and power.user_level(user_id) >= power.event_level(
        "m.room.canonical_alias", is_state=True
    )


async def delete_alias(service: Service, request: Request) -> Response:
    """DELETE /directory/room/{roomAlias}: by who made it, or by the room's moderators."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    check_core(node, NO_ALIAS)
    alias = _alias(request)
    value = registers.get(node.context, "alias", "", "", alias)
    if value is None:
        raise not_found("There is no room of this alias here.")
    room = node.context.live.find(value["room_id"])
    if value["creator"] != user_id and (room is None or not _may_moderate(service, room, user_id)):
        raise forbidden("Only who made this alias, or a moderator of the room, may delete it.")
    await node.write(alias_draft(node, alias, None, user_id))
    return answer({})


async def get_aliases(service: Service, request: Request) -> Response:
    """GET /rooms/{roomId}/aliases: for members, and for everybody where all may read the room."""
    node = service.node
    room_id = request.path_parameters["roomId"]
    room = node.context.live.find(room_id)
    if room is None or history_visibility(node.context, room.state) != "world_readable":
        known_room(node, request.who.user_id, room_id)
        joined_room(node, request.who.user_id, room_id)
    return answer({"aliases": aliases(node.context, room_id)})


async def get_visibility(service: Service, request: Request) -> Response:
    """GET /directory/list/room/{roomId}."""
    node = service.node
    room_id = request.path_parameters["roomId"]
    if node.context.live.find(room_id) is None:
        raise not_found("There is no such room here.")
    public = registers.get(node.context, "directory", "", "", room_id) is True
    return answer({"visibility": "public" if public else "private"})


async def put_visibility(service: Service, request: Request) -> Response:
    """PUT /directory/list/room/{roomId}: by the room's moderators."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    check_core(node, NO_ALIAS)
    room_id = request.path_parameters["roomId"]
    visibility = optional_string(request.optional_json(), "visibility") or "public"
    if visibility not in ("public", "private"):
        raise invalid_param("`visibility` must be public or private.")
    room = node.context.live.find(room_id)
    if room is None:
        raise not_found("There is no such room here.")
    if not _may_moderate(service, room, user_id):
        raise forbidden("Only a moderator of the room may publish it or take it out of the directory.")
    await node.write(directory_draft(node, room_id, public=visibility == "public"))
    return answer({})


_ALIAS = "/_matrix/client/v3/directory/room/{roomAlias}"
_LIST = "/_matrix/client/v3/directory/list/room/{roomId}"

ROUTES = [
    Route("GET", _ALIAS, get_alias, auth="none"),
    Route("PUT", _ALIAS, put_alias),
    Route("DELETE", _ALIAS, delete_alias),
    Route("GET", "/_matrix/client/v3/rooms/{roomId}/aliases", get_aliases),
    Route("GET", _LIST, get_visibility, auth="none"),
    Route("PUT", _LIST, put_visibility),
]
