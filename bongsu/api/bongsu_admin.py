"""Administration: accounts, rooms, media and reports; with a second factor, and every act recorded."""

from typing import Any

from bongsu import drafts, limits, ratelimit, tower_drafts
from bongsu.api.account import deactivate_user
from bongsu.api.http import Request, Response, Route, answer
from bongsu.api.second_factor import FAMILY as SECOND_FACTOR
from bongsu.api.second_factor import check_second_factor
from bongsu.clock import next_stamp
from bongsu.devices import forget_devices
from bongsu.errors import forbidden, not_found
from bongsu.service import Service
from bongsu.view import admin, registers, sessions, users
from bongsu.view import media as media_of
from bongsu.view.users import User


def administrator(service: Service, request: Request) -> str:
    """The requester, who is an administrator and gave a code lately.

    Raises:
        MatrixError: 403 M_FORBIDDEN or KR_BONGSU_SECOND_FACTOR.
    """
    user_id = request.who.user_id
    service.node.rate.check(ratelimit.READ, user_id)
    if not admin.is_administrator(service.node.context, user_id):
        raise forbidden("This is for administrators. Who runs the service makes them: bongsu user admin.")
    check_second_factor(service, request)
    return user_id


async def _record(service: Service, actor: str, act: str, target: str) -> None:
    """Before it is done: an act that cannot be recorded is not done."""
    now = service.node.now_ms()
    await service.node.write(tower_drafts.admin_act(actor, act, target, now, next_stamp(now)))


def _page(request: Request) -> tuple[str, int]:
    limit = request.query_integer("limit", limits.ADMIN_PAGE, limits.ADMIN_PAGE_MAX)
    return request.query("from") or "", max(1, limit)


def _before(request: Request) -> int:
    return request.query_integer("from", limits.SEQ_MAX, limits.SEQ_MAX)


def _paged(name: str, found: list[dict[str, Any]], key: str, limit: int) -> Response:
    following = {"next": found[-1][key]} if len(found) == limit else {}
    return answer({name: found, **following})


async def get_users(service: Service, request: Request) -> Response:
    """GET /users?from=&limit=: accounts by name."""
    administrator(service, request)
    after, limit = _page(request)
    return _paged("users", admin.users(service.node.context, after, limit), "user_id", limit)


def _named(service: Service, request: Request) -> User:
    found = users.user(service.node.context, request.path_parameters["userId"])
    if found is None:
        raise not_found("There is no such user here.")
    return found


async def get_user(service: Service, request: Request) -> Response:
    """GET /user/{userId}: an account, its devices, and what its files take."""
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
            "created_ts": user.created_ts,
            "deactivated": user.deactivated,
            "devices": devices,
            "media_bytes": media_of.bytes_of(context, user.user_id),
            "administrator": admin.is_administrator(context, user.user_id),
        }
    )


async def post_deactivate(service: Service, request: Request) -> Response:
    """POST /deactivate/{userId}: end an account for ever."""
    actor, user = administrator(service, request), _named(service, request)
    if user.user_id == actor:
        raise forbidden("Nobody ends their own account here. Ask another administrator.")
    await _record(service, actor, "deactivate", user.user_id)
    if not user.deactivated:
        await deactivate_user(service, user.user_id)
    return answer({})


async def post_logout(service: Service, request: Request) -> Response:
    """POST /logout/{userId}: end every session of an account."""
    actor, user = administrator(service, request), _named(service, request)
    await _record(service, actor, "logout", user.user_id)
    rows = sessions.of_user(service.node.context, user.user_id)
    await forget_devices(service.node, user.user_id, sorted({row.device_id for row in rows}))
    return answer({})


async def post_reset_second_factor(service: Service, request: Request) -> Response:
    """POST /reset_second_factor/{userId}: they set up another one."""
    actor, user = administrator(service, request), _named(service, request)
    if user.user_id == actor:
        raise forbidden("Nobody takes away their own second factor. Ask another administrator.")
    await _record(service, actor, "reset_second_factor", user.user_id)
    key = (SECOND_FACTOR, user.user_id, "", "")
    stamp = registers.stamp_after(service.node.context, service.node.now_ms(), *key)
    await service.node.write(drafts.register(*key, None, stamp))
    return answer({})


async def get_rooms(service: Service, request: Request) -> Response:
    """GET /rooms?from=&limit=: rooms by id."""
    administrator(service, request)
    after, limit = _page(request)
    return _paged("rooms", admin.rooms(service.node.context, after, limit), "room_id", limit)


async def get_media(service: Service, request: Request) -> Response:
    """GET /media?user=&from=&limit=: files by media id."""
    administrator(service, request)
    after, limit = _page(request)
    found = admin.media(service.node.context, request.query("user") or "", after, limit)
    return _paged("media", found, "media_id", limit)


async def delete_media(service: Service, request: Request) -> Response:
    """DELETE /media/{mediaId}: for ever, at every site."""
    actor = administrator(service, request)
    media_id = request.path_parameters["mediaId"]
    if media_of.media(service.node.context, media_id) is None:
        raise not_found("There is no such file.")
    await _record(service, actor, "delete_media", media_id)
    await service.node.write(drafts.media_end(media_id, next_stamp(service.node.now_ms())))
    return answer({})


async def get_reports(service: Service, request: Request) -> Response:
    """GET /reports?from=&limit=: the latest first."""
    administrator(service, request)
    limit = _page(request)[1]
    return _paged("reports", admin.reports(service.node.context, _before(request), limit), "number", limit)


async def get_acts(service: Service, request: Request) -> Response:
    """GET /acts?from=&limit=: what administrators did, the latest first."""
    administrator(service, request)
    limit = _page(request)[1]
    return _paged("acts", admin.acts(service.node.context, _before(request), limit), "number", limit)


_ADMIN = "/_bongsu/admin/v1"

ROUTES = [
    Route("GET", f"{_ADMIN}/users", get_users),
    Route("GET", f"{_ADMIN}/user/{{userId}}", get_user),
    Route("POST", f"{_ADMIN}/deactivate/{{userId}}", post_deactivate),
    Route("POST", f"{_ADMIN}/logout/{{userId}}", post_logout),
    Route("POST", f"{_ADMIN}/reset_second_factor/{{userId}}", post_reset_second_factor),
    Route("GET", f"{_ADMIN}/rooms", get_rooms),
    Route("GET", f"{_ADMIN}/media", get_media),
    Route("DELETE", f"{_ADMIN}/media/{{mediaId}}", delete_media),
    Route("GET", f"{_ADMIN}/reports", get_reports),
    Route("GET", f"{_ADMIN}/acts", get_acts),
]
