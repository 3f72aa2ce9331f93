"""Administration of accounts, with a second factor and every act recorded (docs/protocol/tower.md)."""

import secrets

from bongsu import limits
from bongsu.api.account import deactivate_user, reset_password
from bongsu.api.admin_access import (
    ADMIN,
    administrator,
    administrator_of_all,
    before,
    page,
    paged,
    record_act,
)
from bongsu.api.http import Request, Response, Route, answer, optional_string
from bongsu.api.second_factor import forget_secret, secret_of
from bongsu.devices import forget_devices
from bongsu.errors import forbidden, invalid_param, not_found
from bongsu.service import Service
from bongsu.view import admin, members, registers, sessions, users
from bongsu.view import media as media_of
from bongsu.view.users import User


async def get_users(service: Service, request: Request) -> Response:
    """GET /users?q=&from=&limit=: accounts by name; `q`: those with it in their id or display name."""
    administrator(service, request)
    after, limit = page(request)
    wanted = request.query("q") or ""
    return paged("users", admin.users(service.node.context, wanted, after, limit), "user_id", limit)


def _named(service: Service, request: Request) -> User:
    found = users.user(service.node.context, request.path_parameters["userId"])
    if found is None:
        raise not_found("There is no such user here.")
    return found


async def get_user(service: Service, request: Request) -> Response:
    """GET /user/{userId}: an account, its devices and rooms, and what its files take."""
    administrator(service, request)
    user = _named(service, request)
    context = service.node.context
    devices = [
        {
            "device_id": row.device_id,
            "created_ts": row.created_ts,
            "display_name": registers.get(context, "device_name", user.user_id, "", row.device_id),
            "last_seen_ts": service.node.last_seen.get((user.user_id, row.device_id)),
        }
        for row in sessions.of_user(context, user.user_id)
    ]
    return answer(
        {
            "user_id": user.user_id,
            "display_name": users.profile(context, user.user_id).get("displayname"),
            "created_ts": user.created_ts,
            "deactivated": user.deactivated,
            "devices": devices,
            "rooms": members.joined_rooms(context, user.user_id),
            "media_bytes": media_of.bytes_of(context, user.user_id),
            "second_factor": secret_of(service.node, user.user_id) is not None,
            "administrator": admin.is_administrator(context, user.user_id),
        }
    )


async def post_deactivate(service: Service, request: Request) -> Response:
    """POST /deactivate/{userId}: end an account for ever."""
    actor, user = administrator(service, request), _named(service, request)
    if user.user_id == actor:
        raise forbidden("Nobody ends their own account here. Ask another administrator.")
    await record_act(service, actor, "deactivate", user.user_id)
    if not user.deactivated:
        await deactivate_user(service, user.user_id)
    return answer({})


async def post_logout(service: Service, request: Request) -> Response:
    """POST /logout/{userId} `{"device_id"?}`: end one session of an account, or every one."""
    actor, user = administrator(service, request), _named(service, request)
    wanted = optional_string(request.optional_json(), "device_id")
    devices = sorted({row.device_id for row in sessions.of_user(service.node.context, user.user_id)})
    if wanted is not None and wanted not in devices:
        raise not_found("This account has no such session.")
    target = user.user_id if wanted is None else f"{user.user_id} {wanted}"
    await record_act(service, actor, "logout", target)
    await forget_devices(service.node, user.user_id, devices if wanted is None else [wanted])
    return answer({})


async def post_reset_password(service: Service, request: Request) -> Response:
    """POST /reset_password/{userId}: a new password, told once, to be handed over; every session ends."""
    actor, user = administrator_of_all(service, request), _named(service, request)
    if user.user_id == actor:
        raise forbidden("Change your own password in the messenger, where your old one is asked for.")
    if user.deactivated:
        raise invalid_param("This account was ended, which is for ever.")
    await record_act(service, actor, "reset_password", user.user_id)
    password = secrets.token_urlsafe(limits.PASSWORD_GIVEN_BYTES)
    await reset_password(service, user, password)
    return answer({"password": password})


async def post_reset_second_factor(service: Service, request: Request) -> Response:
    """POST /reset_second_factor/{userId}: they set up another one."""
    actor, user = administrator(service, request), _named(service, request)
    if user.user_id == actor:
        raise forbidden("Nobody takes away their own second factor. Ask another administrator.")
    await record_act(service, actor, "reset_second_factor", user.user_id)
    await forget_secret(service.node, user.user_id)
    return answer({})


async def get_acts(service: Service, request: Request) -> Response:
    """GET /acts?from=&limit=: what administrators did, the latest first."""
    administrator(service, request)
    limit = page(request)[1]
    return paged("acts", admin.acts(service.node.context, before(request), limit), "number", limit)


ROUTES = [
    Route("GET", f"{ADMIN}/users", get_users),
    Route("GET", f"{ADMIN}/user/{{userId}}", get_user),
    Route("POST", f"{ADMIN}/deactivate/{{userId}}", post_deactivate),
    Route("POST", f"{ADMIN}/logout/{{userId}}", post_logout),
    Route("POST", f"{ADMIN}/reset_password/{{userId}}", post_reset_password),
    Route("POST", f"{ADMIN}/reset_second_factor/{{userId}}", post_reset_second_factor),
    Route("GET", f"{ADMIN}/acts", get_acts),
]
