"""Joining, inviting, knocking, leaving, kicking, banning.

Spec: joining, inviting, knocking, leaving, kicking, banning and list_joined_rooms.yaml.
"""

from typing import Any

from bongsu import drafts, ratelimit
from bongsu.api.access import joined_room
from bongsu.api.create_room import member_profile
from bongsu.api.http import Request, Response, Route, answer, optional_string, string
from bongsu.api.succession import follow
from bongsu.author import NewEvent, power_levels
from bongsu.errors import MatrixError, forbidden, invalid_param, not_found
from bongsu.ids import is_room_id, parse_user_id
from bongsu.service import Service
from bongsu.view import members, registers, users
from bongsu.view.live import LiveRoom


async def join_by_id(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/join."""
    return await _join(service, request, request.path_parameters["roomId"])


async def join_by_id_or_alias(service: Service, request: Request) -> Response:
    """POST /join/{roomIdOrAlias}."""
    return await _join(service, request, room_id_of(service, request.path_parameters["roomIdOrAlias"]))


def room_id_of(service: Service, name: str) -> str:
    """The room id behind a room id or alias.

    Raises:
        MatrixError: 404 M_NOT_FOUND, 400 M_INVALID_PARAM.
    """
    if name.startswith("#"):
        value = registers.get(service.node.context, "alias", "", "", name)
        if value is None:
            raise not_found(f"There is no room {name[:255]} here.")
        return str(value["room_id"])
    if not is_room_id(name):
        raise invalid_param("This is neither a room id (!…) nor a room alias (#…).")
    return name


async def _join(service: Service, request: Request, room_id: str) -> Response:
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.JOIN, user_id)
    body = request.optional_json()
    room = node.context.live.find(room_id)
    if room is None:
        raise not_found("There is no such room here.")
    if user_id in room.joined:
        return answer({"room_id": room_id})
    content: dict[str, Any] = {"membership": "join", **member_profile(service, user_id)}
    _reason(body, content)
    authoriser = _authoriser(service, room, user_id)
    if authoriser is not None:
        content["join_authorised_via_users_server"] = authoriser
    await service.author.send(room_id, user_id, NewEvent("m.room.member", content, user_id))
    await follow(service, user_id, room)
    return answer({"room_id": room_id})


def _reason(body: dict[str, Any], content: dict[str, Any]) -> None:
    reason = optional_string(body, "reason")
    if reason is not None:
        content["reason"] = reason


def _authoriser(service: Service, room: LiveRoom, user_id: str) -> str | None:
    """For a restricted room: a member who may invite, if the user is in one of the allowed rooms."""
    context = service.node.context
    rules_id = room.state.get(("m.room.join_rules", ""))
    rules = {} if rules_id is None else context.events.body(rules_id).content
    if rules.get("join_rule") not in ("restricted", "knock_restricted"):
        return None
    current = members.member(context, room.room, user_id)
    if current is not None and current.membership == "invite":
        return None
    if not _in_allowed_room(service, rules, user_id):
        return None
    power = power_levels(room, context.events)
    able = [member for member in room.joined if power.user_level(member) >= power.invite]
    return min(able, default=None)


def _in_allowed_room(service: Service, rules: dict[str, Any], user_id: str) -> bool:
    allowed = rules.get("allow")
    for rule in allowed if isinstance(allowed, list) else []:
        if not isinstance(rule, dict) or rule.get("type") != "m.room_membership":
            continue
        room_id = rule.get("room_id")
        room = service.node.context.live.find(room_id) if isinstance(room_id, str) else None
        if room is not None and user_id in room.joined:
            return True
    return False


async def knock(service: Service, request: Request) -> Response:
    """POST /knock/{roomIdOrAlias}: ask to be let in."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.JOIN, user_id)
    room_id = room_id_of(service, request.path_parameters["roomIdOrAlias"])
    if node.context.live.find(room_id) is None:
        raise not_found("There is no such room here.")
    content: dict[str, Any] = {"membership": "knock", **member_profile(service, user_id)}
    _reason(request.optional_json(), content)
    await service.author.send(room_id, user_id, NewEvent("m.room.member", content, user_id))
    return answer({"room_id": room_id})


async def invite(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/invite."""
    node = service.node
    who = request.who
    node.rate.check(ratelimit.INVITE, who.user_id)
    body = request.json()
    if "id_server" in body or "medium" in body:
        raise MatrixError(
            400, "M_THREEPID_NOT_FOUND", "This service invites by user id, not by e-mail or telephone."
        )
    target = string(body, "user_id")
    parse_user_id(target)
    room_id = request.path_parameters["roomId"]
    joined_room(node, who.user_id, room_id)
    if users.user(node.context, target) is None:
        raise not_found(f"There is no user {target} here.")
    content: dict[str, Any] = {"membership": "invite", **member_profile(service, target)}
    _reason(body, content)
    await service.author.send(room_id, who.user_id, NewEvent("m.room.member", content, target))
    return answer({})


async def leave(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/leave; also refuses an invitation and takes back a knock."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.JOIN, user_id)
    room_id = request.path_parameters["roomId"]
    content: dict[str, Any] = {"membership": "leave"}
    _reason(request.optional_json(), content)
    room = node.context.live.get(room_id)
    found = members.member(node.context, room.room, user_id)
    if found is None or found.membership == "ban":
        raise forbidden("You are not in this room. Ask one of its members to invite you.")
    if found.membership != "leave":
        await service.author.send(room_id, user_id, NewEvent("m.room.member", content, user_id))
    return answer({})


async def kick(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/kick."""
    return await _moderate(service, request, "leave", ("join", "invite", "knock"))


async def ban(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/ban."""
    return await _moderate(service, request, "ban", None)


async def unban(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/unban."""
    return await _moderate(service, request, "leave", ("ban",))


async def _moderate(
    service: Service, request: Request, membership: str, must_be: tuple[str, ...] | None
) -> Response:
    node = service.node
    who = request.who
    node.rate.check(ratelimit.INVITE, who.user_id)
    body = request.json()
    target = string(body, "user_id")
    parse_user_id(target)
    room_id = request.path_parameters["roomId"]
    room = joined_room(node, who.user_id, room_id)
    found = members.member(node.context, room.room, target)
    if must_be is not None and (found is None or found.membership not in must_be):
        raise forbidden(f"{target} is not {' or '.join(must_be)} here, so there is nothing to undo.")
    content: dict[str, Any] = {"membership": membership}
    _reason(body, content)
    await service.author.send(room_id, who.user_id, NewEvent("m.room.member", content, target))
    return answer({})


async def forget(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/forget: a room one has left no longer appears."""
    node = service.node
    user_id = request.who.user_id
    room_id = request.path_parameters["roomId"]
    room = node.context.live.get(room_id)
    found = members.member(node.context, room.room, user_id)
    if found is None:
        raise forbidden("You are not in this room. Ask one of its members to invite you.")
    if found.membership not in ("leave", "ban"):
        raise MatrixError(400, "M_UNKNOWN", "Leave the room before you forget it.")
    stamp = registers.stamp_after(node.context, node.now_ms(), "forgotten", user_id, room_id, "")
    await node.write(drafts.register("forgotten", user_id, room_id, "", found.event_id, stamp))
    return answer({})


async def joined_rooms(service: Service, request: Request) -> Response:
    """GET /joined_rooms."""
    return answer({"joined_rooms": members.joined_rooms(service.node.context, request.who.user_id)})


_ROOM = "/_matrix/client/v3/rooms/{roomId}"

ROUTES = [
    Route("POST", f"{_ROOM}/join", join_by_id),
    Route("POST", "/_matrix/client/v3/join/{roomIdOrAlias}", join_by_id_or_alias),
    Route("POST", "/_matrix/client/v3/knock/{roomIdOrAlias}", knock),
    Route("POST", f"{_ROOM}/invite", invite),
    Route("POST", f"{_ROOM}/leave", leave),
    Route("POST", f"{_ROOM}/kick", kick),
    Route("POST", f"{_ROOM}/ban", ban),
    Route("POST", f"{_ROOM}/unban", unban),
    Route("POST", f"{_ROOM}/forget", forget),
    Route("GET", "/_matrix/client/v3/joined_rooms", joined_rooms),
]
