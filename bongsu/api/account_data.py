"""A user's own settings, global, per room, and tags. Spec: account-data.yaml, tags.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.access import check_self
from bongsu.api.http import Request, Response, Route, answer
from bongsu.errors import MatrixError, bad_json, invalid_param, not_found, too_large
from bongsu.ids import is_room_id
from bongsu.log.record import Draft
from bongsu.push.ruleset import shown
from bongsu.service import Service
from bongsu.view import registers

FAMILY = "account_data"
# Types the server keeps itself: they have endpoints of their own.
_MANAGED = ("m.fully_read", "m.push_rules")


def draft(service: Service, user_id: str, room_id: str, kind: str, content: dict[str, Any]) -> Draft:
    """The record of one value of account data. `room_id` "" for global data."""
    node = service.node
    stamp = registers.stamp_after(node.context, node.now_ms(), FAMILY, user_id, room_id, kind)
    return drafts.register(FAMILY, user_id, room_id, kind, content, stamp)


async def write(service: Service, user_id: str, room_id: str, kind: str, content: dict[str, Any]) -> None:
    """Store one value of account data. `room_id` "" for global data."""
    await service.node.write(draft(service, user_id, room_id, kind, content))


def _key(request: Request) -> tuple[str, str, str]:
    """(user, room or "", type) of a request, checked."""
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    room_id = request.path_parameters.get("roomId", "")
    if room_id and not is_room_id(room_id):
        raise invalid_param("This is not a room id.")
    kind = request.path_parameters.get("type", "m.tag")
    if len(kind.encode()) > limits.ID_BYTES_MAX or len(room_id.encode()) > limits.ID_BYTES_MAX:
        raise invalid_param("The type of account data is too long.")
    return user_id, room_id, kind


async def get_account_data(service: Service, request: Request) -> Response:
    """GET …/account_data/{type}."""
    user_id, room_id, kind = _key(request)
    value = registers.get(service.node.context, FAMILY, user_id, room_id, kind)
    if (room_id, kind) == ("", "m.push_rules"):
        value = shown(value, user_id)
    if value is None:
        raise not_found("There is no account data of this type.")
    return answer(value)


async def put_account_data(service: Service, request: Request) -> Response:
    """PUT …/account_data/{type}."""
    user_id, room_id, kind = _key(request)
    service.node.rate.check(ratelimit.WRITE, user_id)
    if kind in _MANAGED:
        raise MatrixError(405, "M_BAD_JSON", f"{kind} is set by its own endpoint.")
    if len(request.body) > limits.ACCOUNT_DATA_BYTES_MAX:
        raise too_large(f"Account data may have {limits.ACCOUNT_DATA_BYTES_MAX} bytes.")
    await write(service, user_id, room_id, kind, request.json(floats=True))
    return answer({})


def _tags(service: Service, user_id: str, room_id: str) -> dict[str, Any]:
    value = registers.get(service.node.context, FAMILY, user_id, room_id, "m.tag") or {}
    tags = value.get("tags")
    return tags if isinstance(tags, dict) else {}


async def get_tags(service: Service, request: Request) -> Response:
    """GET …/tags."""
    user_id, room_id, _ = _key(request)
    return answer({"tags": _tags(service, user_id, room_id)})


async def put_tag(service: Service, request: Request) -> Response:
    """PUT …/tags/{tag}."""
    user_id, room_id, kind = _key(request)
    service.node.rate.check(ratelimit.WRITE, user_id)
    body = request.json(floats=True)
    order = body.get("order")
    if order is not None and (
        isinstance(order, bool) or not isinstance(order, int | float) or not 0 <= order <= 1
    ):
        raise bad_json("`order` must be a number from 0 to 1.")
    tag = request.path_parameters["tag"]
    if len(tag.encode()) > limits.ID_BYTES_MAX:
        raise invalid_param("The tag is longer than 255 bytes.")
    tags = {**_tags(service, user_id, room_id), tag: body}
    if len(tags) > limits.TAGS_MAX:
        raise invalid_param(f"A room may have {limits.TAGS_MAX} tags.")
    await write(service, user_id, room_id, kind, {"tags": tags})
    return answer({})


async def delete_tag(service: Service, request: Request) -> Response:
    """DELETE …/tags/{tag}."""
    user_id, room_id, kind = _key(request)
    tags = _tags(service, user_id, room_id)
    if tags.pop(request.path_parameters["tag"], None) is not None:
        await write(service, user_id, room_id, kind, {"tags": tags})
    return answer({})


_USER = "/_matrix/client/v3/user/{userId}"

ROUTES = [
    Route("GET", f"{_USER}/account_data/{{type}}", get_account_data),
    Route("PUT", f"{_USER}/account_data/{{type}}", put_account_data),
    Route("GET", f"{_USER}/rooms/{{roomId}}/account_data/{{type}}", get_account_data),
    Route("PUT", f"{_USER}/rooms/{{roomId}}/account_data/{{type}}", put_account_data),
    Route("GET", f"{_USER}/rooms/{{roomId}}/tags", get_tags),
    Route("PUT", f"{_USER}/rooms/{{roomId}}/tags/{{tag}}", put_tag),
    Route("DELETE", f"{_USER}/rooms/{{roomId}}/tags/{{tag}}", delete_tag),
]
