"""Names and pictures of users. Spec: profile.yaml."""

from contextlib import suppress
from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.access import check_self
from bongsu.api.create_room import member_profile
from bongsu.api.http import Request, Response, Route, answer
from bongsu.author import NewEvent
from bongsu.canonical import check_canonical
from bongsu.errors import MatrixError, bad_json, invalid_param, missing_param, not_found, too_large
from bongsu.ids import is_mxc, parse_user_id
from bongsu.service import Service
from bongsu.view import members, registers, users

_IN_MEMBER_EVENTS = ("displayname", "avatar_url")


async def get_profile(service: Service, request: Request) -> Response:
    """GET /profile/{userId}."""
    return answer(_profile(service, request.path_parameters["userId"]))


def _profile(service: Service, user_id: str) -> dict[str, Any]:
    parse_user_id(user_id)
    if users.user(service.node.context, user_id) is None:
        raise not_found("There is no such user here.")
    return users.profile(service.node.context, user_id)


async def get_field(service: Service, request: Request) -> Response:
    """GET /profile/{userId}/{keyName}."""
    name = request.path_parameters["keyName"]
    profile = _profile(service, request.path_parameters["userId"])
    if name not in profile:
        raise not_found("The profile has no such field.")
    return answer({name: profile[name]})


async def put_field(service: Service, request: Request) -> Response:
    """PUT /profile/{userId}/{keyName}."""
    user_id, name = _field(service, request)
    body = request.json()
    if name not in body:
        raise missing_param(f"The body lacks `{name}`.")
    value = body[name]
    check_canonical(value)
    if name in _IN_MEMBER_EVENTS and value is not None and not isinstance(value, str):
        raise bad_json(f"`{name}` must be a string.")
    if name == "displayname" and value is not None and len(value) > limits.DISPLAY_NAME_CHARACTERS_MAX:
        raise too_large(f"A display name may have {limits.DISPLAY_NAME_CHARACTERS_MAX} characters.")
    if name == "avatar_url" and value and not is_mxc(value):
        raise invalid_param("`avatar_url` must be the mxc:// address of an uploaded picture.")
    profile = {**users.profile(service.node.context, user_id), name: value}
    if len(profile) > limits.PROFILE_FIELDS_MAX or len(request.body) > limits.PROFILE_BYTES_MAX:
        raise MatrixError(400, "M_PROFILE_TOO_LARGE", "The profile is too large. Delete a field first.")
    await _write(service, user_id, name, value)
    return answer({})


async def delete_field(service: Service, request: Request) -> Response:
    """DELETE /profile/{userId}/{keyName}."""
    user_id, name = _field(service, request)
    if name in users.profile(service.node.context, user_id):
        await _write(service, user_id, name, None)
    return answer({})


def _field(service: Service, request: Request) -> tuple[str, str]:
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    service.node.rate.check(ratelimit.WRITE, user_id)
    name = request.path_parameters["keyName"]
    if not name or len(name.encode()) > limits.ID_BYTES_MAX:
        raise MatrixError(400, "M_KEY_TOO_LARGE", "The name of a profile field may have 255 bytes.")
    return user_id, name


async def _write(service: Service, user_id: str, name: str, value: Any) -> None:
    """Store the field; rooms learn of a new name or picture by new member events."""
    node = service.node
    before = users.profile(node.context, user_id).get(name)
    stamp = registers.stamp_after(node.context, node.now_ms(), "profile", user_id, "", name)
    await node.write(drafts.register("profile", user_id, "", name, value, stamp, public=True))
    if name not in _IN_MEMBER_EVENTS or before == value:
        return
    made = []
    for room_id in members.joined_rooms(node.context, user_id):
        room = node.context.live.get(room_id)
        event_id = room.state.get(("m.room.member", user_id))
        if event_id is None:
            continue
        kept = {
            key: kept_value
            for key, kept_value in node.context.events.body(event_id).content.items()
            if key not in (*_IN_MEMBER_EVENTS, "join_authorised_via_users_server")
        }
        content = {**kept, **member_profile(service, user_id), "membership": "join"}
        # A room that refuses must not keep the others from what has been made on them.
        with suppress(MatrixError):
            made.append(service.author.make(room, user_id, NewEvent("m.room.member", content, user_id))[1])
    if made:
        await node.write(*made)


_PROFILE = "/_matrix/client/v3/profile/{userId}"

ROUTES = [
    Route("GET", _PROFILE, get_profile, auth="none"),
    Route("GET", f"{_PROFILE}/{{keyName}}", get_field, auth="none"),
    Route("PUT", f"{_PROFILE}/{{keyName}}", put_field),
    Route("DELETE", f"{_PROFILE}/{{keyName}}", delete_field),
]
