"""How far one has read. Spec: receipts.yaml, read_markers.yaml."""

from typing import Any

from bongsu import drafts, limits, ratelimit
from bongsu.api.access import joined_room
from bongsu.api.account_data import draft
from bongsu.api.http import Request, Response, Route, answer, optional_string
from bongsu.clock import next_stamp
from bongsu.errors import invalid_param
from bongsu.ids import is_event_id
from bongsu.log.record import Draft
from bongsu.service import Service
from bongsu.view.apply_notify import relation, thread_of
from bongsu.view.events import EventRow
from bongsu.view.live import LiveRoom
from bongsu.view.receipts import Receipt, late, receipts_of

_FULLY_READ = "m.fully_read"
_RECEIPTS = ("m.read", "m.read.private")


async def post_receipt(service: Service, request: Request) -> Response:
    """POST …/receipt/{receiptType}/{eventId}."""
    user_id = request.who.user_id
    service.node.rate.check(ratelimit.RECEIPT, user_id)
    parameters = request.path_parameters
    receipt_type = parameters["receiptType"]
    body = request.optional_json()
    room = joined_room(service.node, user_id, parameters["roomId"])
    if receipt_type not in (*_RECEIPTS, _FULLY_READ):
        raise invalid_param("The types of receipts are m.read, m.read.private and m.fully_read.")
    thread = body.get("thread_id", "")
    if "thread_id" in body:
        if receipt_type == _FULLY_READ:
            raise invalid_param("m.fully_read is one for the whole room: leave `thread_id` out.")
        if not isinstance(thread, str) or not (thread == "main" or is_event_id(thread)):
            raise invalid_param('`thread_id` must be "main" or the event id of the thread\'s root.')
    await _write(service, room, user_id, [(receipt_type, thread, parameters["eventId"])])
    return answer({})


async def post_read_markers(service: Service, request: Request) -> Response:
    """POST …/read_markers: up to three markers at once."""
    user_id = request.who.user_id
    service.node.rate.check(ratelimit.RECEIPT, user_id)
    body = request.optional_json()
    room = joined_room(service.node, user_id, request.path_parameters["roomId"])
    wanted = []
    for name in (_FULLY_READ, *_RECEIPTS):
        event_id = optional_string(body, name)
        if event_id is not None:
            wanted.append((name, "", event_id))
    await _write(service, room, user_id, wanted)
    return answer({})


async def _write(service: Service, room: LiveRoom, user_id: str, wanted: list[tuple[str, str, str]]) -> None:
    """Write the markers (type, thread, event id) that move anything."""
    written: list[Draft] = []
    for receipt_type, thread, event_id in wanted:
        target = _target(service, room, thread, event_id)
        if receipt_type == _FULLY_READ:
            content: dict[str, Any] = {"event_id": event_id}
            written.append(draft(service, user_id, room.room_id, _FULLY_READ, content))
        else:
            made = _receipt(service, room, user_id, receipt_type, thread, event_id, target)
            written += [] if made is None else [made]
    if written:
        await service.node.write(*written)


def _target(service: Service, room: LiveRoom, thread: str, event_id: str) -> EventRow | None:
    """The event a marker names; None if it has not arrived here, as after a change of site.

    Raises:
        MatrixError: 400 M_INVALID_PARAM for one that is not of this room or thread.
    """
    context = service.node.context
    if not is_event_id(event_id):
        raise invalid_param("This is not an event id.")
    row = context.events.row(event_id)
    if row is None:
        return None
    if row.room != room.room or row.verdict != 0:
        raise invalid_param("There is no such event in this room.")
    if thread:
        event = context.events.load(row.position, row.event_id, room.room_id)
        own = thread_of(context, *relation(event))
        if thread != own and thread != event_id:
            raise invalid_param("The event is not in this thread.")
    return row


def _receipt(
    service: Service,
    room: LiveRoom,
    user_id: str,
    receipt_type: str,
    thread: str,
    event_id: str,
    target: EventRow | None,
) -> Draft | None:
    """The record, or None if the receipt would move nothing.

    Where something arrived late, that sorts before what was read already, a receipt for it restates the
    furthest target: read up to there, with all that is here now.
    """
    node = service.node
    known = _known(service, room, user_id, receipt_type, thread)
    if known is not None and target is not None:
        behind = (target.stamp, target.event_id) <= (known.stamp, known.event_id)
        if behind and not late(node.context, room.room, known):
            return None
        event_id = known.event_id if behind else event_id
    now = node.now_ms()
    stamp = next_stamp(now) if known is None else next_stamp(now, known.written)
    heads = [head.event_id for head in room.heads][-limits.HEADS_MAX :]
    return drafts.receipt(room.room_id, user_id, receipt_type, thread, event_id, heads, now, stamp)


def _known(service: Service, room: LiveRoom, user_id: str, receipt_type: str, thread: str) -> Receipt | None:
    for receipt in receipts_of(service.node.context, room.room, user_id):
        if (receipt.type, receipt.thread) == (receipt_type, thread):
            return receipt
    return None


_ROOM = "/_matrix/client/v3/rooms/{roomId}"

ROUTES = [
    Route("POST", f"{_ROOM}/receipt/{{receiptType}}/{{eventId}}", post_receipt),
    Route("POST", f"{_ROOM}/read_markers", post_read_markers),
]
