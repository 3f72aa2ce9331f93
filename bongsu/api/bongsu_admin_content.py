"""Administration of rooms, files and reports, with a second factor and every act recorded."""

from typing import Any

from bongsu import limits
from bongsu.api.admin_access import (
    ADMIN,
    administrator,
    administrator_of_all,
    before,
    decide,
    page,
    paged,
    record_act,
)
from bongsu.api.directory import directory_draft
from bongsu.api.http import Request, Response, Route, answer
from bongsu.author import NewEvent
from bongsu.errors import MatrixError, forbidden, not_found
from bongsu.service import Service
from bongsu.view import admin, admin_rooms
from bongsu.view import media as media_of

_WRITER_LEFT = (
    "Who wrote this is no longer in the room, and only in their name could it be taken back. "
    "Those who were inside can still read it; files can be held back."
)


async def get_rooms(service: Service, request: Request) -> Response:
    """GET /rooms?q=&from=&limit=: rooms by id; `q`: those with it in their name or id."""
    administrator(service, request)
    after, limit = page(request)
    wanted = request.query("q") or ""
    found, following = admin_rooms.rooms(service.node.context, wanted, after, limit)
    return answer({"rooms": found, **({} if following is None else {"next": following})})


def _room(service: Service, request: Request) -> tuple[str, int]:
    room_id = request.path_parameters["roomId"]
    room = service.node.context.events.room_number(room_id)
    if room is None:
        raise not_found("There is no such room here.")
    return room_id, room


async def get_room(service: Service, request: Request) -> Response:
    """GET /room/{roomId}: what it is, and who is in it: the first thousand."""
    administrator(service, request)
    room_id, room = _room(service, request)
    return answer(admin_rooms.room(service.node.context, room_id, room, limits.ADMIN_PAGE_MAX))


async def post_close_room(service: Service, request: Request) -> Response:
    """POST /close_room/{roomId}: everybody is taken out, and nobody comes in again. What was said stays."""
    actor = administrator_of_all(service, request)
    room_id, room = _room(service, request)
    node = service.node
    await record_act(service, actor, "close_room", room_id)
    # First the door: who came in while others are taken out would be alone in there.
    await decide(service, admin_rooms.CLOSED, room_id, {"since": node.now_ms()})
    await node.write(directory_draft(node, room_id, public=False))
    left = 0
    for user_id in admin_rooms.present(node.context, room):
        try:
            await service.author.leave(room_id, user_id)
            left += 1
        except MatrixError:
            # They left by themselves a moment ago.
            continue
    return answer({"left": left})


async def get_media(service: Service, request: Request) -> Response:
    """GET /media?user=&from=&limit=: files by media id."""
    administrator(service, request)
    after, limit = page(request)
    found = admin.media(service.node.context, request.query("user") or "", after, limit)
    return paged("media", found, "media_id", limit)


def _media(service: Service, request: Request) -> str:
    media_id = request.path_parameters["mediaId"]
    if media_of.media(service.node.context, media_id) is None:
        raise not_found("There is no such file.")
    return media_id


async def delete_media(service: Service, request: Request) -> Response:
    """DELETE /media/{mediaId}: for ever, at every site."""
    actor, media_id = administrator_of_all(service, request), _media(service, request)
    await record_act(service, actor, "delete_media", media_id)
    await service.media.remove(media_id)
    return answer({})


async def put_quarantine(service: Service, request: Request) -> Response:
    """PUT /quarantine/{mediaId}: nobody is given the file until that is taken back."""
    actor, media_id = administrator_of_all(service, request), _media(service, request)
    await record_act(service, actor, "quarantine", media_id)
    await decide(service, media_of.QUARANTINE, media_id, {"since": service.node.now_ms()})
    return answer({})


async def delete_quarantine(service: Service, request: Request) -> Response:
    """DELETE /quarantine/{mediaId}: it is given out again."""
    actor, media_id = administrator_of_all(service, request), _media(service, request)
    await record_act(service, actor, "release", media_id)
    await decide(service, media_of.QUARANTINE, media_id, None)
    return answer({})


async def get_reports(service: Service, request: Request) -> Response:
    """GET /reports?from=&limit=: the latest first, with what was reported where it can be read."""
    administrator(service, request)
    limit = page(request)[1]
    found = admin.reports(service.node.context, before(request), limit)
    for each in found:
        each["event"] = _event(service, each["event_id"])
    return paged("reports", found, "number", limit)


def _event(service: Service, event_id: str | None) -> dict[str, Any] | None:
    """Who wrote it and what, unless only its members can read it."""
    events = service.node.context.events
    row = None if event_id is None else events.row(event_id)
    if row is None:
        return None
    event = events.body(row.event_id)
    body = event.content.get("body")
    return {
        "sender": event.sender,
        "type": event.type,
        "redacted": row.redacted_by is not None,
        "body": body[: limits.REASON_CHARACTERS_MAX] if isinstance(body, str) else None,
        "media": sorted(media_of.media_ids(event.content, service.node.config.server_name)),
    }


async def post_report_done(service: Service, request: Request) -> Response:
    """POST /report_done/{number}: this report was looked at."""
    actor = administrator_of_all(service, request)
    number = request.path_parameters["number"]
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    found = admin.reports(service.node.context, at + 1, 1)
    if not found or found[0]["number"] != at:
        raise not_found("There is no such report.")
    await record_act(service, actor, "report_done", found[0]["id"])
    await decide(service, admin.REPORT_DONE, found[0]["id"], {"by": actor, "ts": service.node.now_ms()})
    return answer({})


async def post_redact(service: Service, request: Request) -> Response:
    """POST /redact/{roomId}/{eventId}: a message is taken back in the name of who wrote it."""
    actor = administrator_of_all(service, request)
    room_id, room = _room(service, request)
    event_id = request.path_parameters["eventId"]
    events = service.node.context.events
    row = events.row(event_id)
    if row is None or row.room != room:
        raise not_found("There is no such event in this room.")
    if row.sender not in service.node.context.live.get(room_id).joined:
        # Also after a room was closed: the rules of rooms let nobody outside write, for whatever reason.
        raise forbidden(_WRITER_LEFT)
    await record_act(service, actor, "redact", event_id)
    content = {"redacts": event_id, "reason": "An administrator took this back."}
    new = NewEvent("m.room.redaction", content, redacts=event_id)
    await service.author.send(room_id, row.sender, new)
    return answer({})


ROUTES = [
    Route("GET", f"{ADMIN}/rooms", get_rooms),
    Route("GET", f"{ADMIN}/room/{{roomId}}", get_room),
    Route("POST", f"{ADMIN}/close_room/{{roomId}}", post_close_room),
    Route("GET", f"{ADMIN}/media", get_media),
    Route("DELETE", f"{ADMIN}/media/{{mediaId}}", delete_media),
    Route("PUT", f"{ADMIN}/quarantine/{{mediaId}}", put_quarantine),
    Route("DELETE", f"{ADMIN}/quarantine/{{mediaId}}", delete_quarantine),
    Route("GET", f"{ADMIN}/reports", get_reports),
    Route("POST", f"{ADMIN}/report_done/{{number}}", post_report_done),
    Route("POST", f"{ADMIN}/redact/{{roomId}}/{{eventId}}", post_redact),
]
