"""Telling the administrators of content that should not be. Spec: report_content.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, optional_string, string
from bongsu.api.rooms import visible_event
from bongsu.clock import next_stamp
from bongsu.errors import bad_json, not_found, too_large
from bongsu.service import Service
from bongsu.view import members, users


async def report_event(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/report/{eventId}: of a room one is in."""
    body = request.optional_json()
    score = body.get("score")
    if score is not None and type(score) is not int:
        raise bad_json("`score` must be a whole number.")
    room_id, event_id = request.path_parameters["roomId"], request.path_parameters["eventId"]
    room = service.node.context.events.room_number(room_id)
    if room is None or members.member(service.node.context, room, request.who.user_id) is None:
        raise not_found("There is no such event in this room.")
    visible_event(service.node, request.who.user_id, room_id, event_id)
    reason = optional_string(body, "reason") or ""
    return await _report(service, request, reason, room_id=room_id, event_id=event_id)


async def report_room(service: Service, request: Request) -> Response:
    """POST /rooms/{roomId}/report: of any room, since an invitation may be what is wrong."""
    reason = string(request.json(), "reason")
    room_id = request.path_parameters["roomId"]
    if service.node.context.events.room_number(room_id) is None:
        raise not_found("There is no such room here.")
    return await _report(service, request, reason, room_id=room_id)


async def report_user(service: Service, request: Request) -> Response:
    """POST /users/{userId}/report."""
    reason = string(request.json(), "reason")
    user_id = request.path_parameters["userId"]
    if users.user(service.node.context, user_id) is None:
        raise not_found("There is no such user here.")
    return await _report(service, request, reason, user_id=user_id)


async def _report(service: Service, request: Request, reason: str, **about: Any) -> Response:
    node = service.node
    node.rate.check(ratelimit.REPORT, request.who.user_id)
    if len(reason) > limits.REASON_CHARACTERS_MAX:
        raise too_large(f"A reason may have {limits.REASON_CHARACTERS_MAX} characters.")
    now = node.now_ms()
    await node.write(
        drafts.report(
            request.who.user_id,
            about.get("room_id"),
            about.get("event_id"),
            about.get("user_id"),
            reason,
            now,
            next_stamp(now),
        )
    )
    return answer({})


_ROOM = "/_matrix/client/v3/rooms/{roomId}/report"

ROUTES = [
    Route("POST", _ROOM, report_room),
    Route("POST", f"{_ROOM}/{{eventId}}", report_event),
    Route("POST", "/_matrix/client/v3/users/{userId}/report", report_user),
]
