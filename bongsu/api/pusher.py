"""Where notifications go, and which there were. Spec: pusher.yaml, notifications.yaml."""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bongsu import drafts, limits, ratelimit
from bongsu.api.http import Request, Response, Route, answer, boolean, json_object, optional_string, string
from bongsu.canonical import check_canonical
from bongsu.errors import invalid_param, missing_param, too_large
from bongsu.gateway.web_push import is_web_push, subscription
from bongsu.log.record import Draft
from bongsu.push.rules import HIGHLIGHT, NOTHING, outcome
from bongsu.service import Service
from bongsu.view import pushers, registers
from bongsu.view.events import COLUMNS, EventRow
from bongsu.view.receipts import receipts_of
from bongsu.view.unread import actions_for, thread_of_row

_PUSHKEY_BYTES_MAX = 512
_APP_ID_CHARACTERS_MAX = 64
_ENDPOINT_CHARACTERS_MAX = 2_048
# It stands in what the node signs for the push service.
_HOST = re.compile(r"[a-z0-9.-]+")
_PATH = "/_matrix/push/v1/notify"
_TEXTS = ("app_display_name", "device_display_name", "lang")


async def get_pushers(service: Service, request: Request) -> Response:
    """GET /pushers."""
    found = []
    for pusher in pushers.pushers_of(service.node.context, request.who.user_id):
        value = {name: each for name, each in pusher.value.items() if name != "session"}
        found.append({"app_id": pusher.app_id, "pushkey": pusher.pushkey, **value})
    return answer({"pushers": found})


async def post_pusher(service: Service, request: Request) -> Response:
    """POST /pushers/set: make, change or (kind null) delete one."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    if len(request.body) > limits.PUSHER_BYTES_MAX:
        raise too_large(f"A pusher may have {limits.PUSHER_BYTES_MAX} bytes.")
    body = request.json()
    app_id, pushkey = string(body, "app_id"), string(body, "pushkey")
    if not 1 <= len(app_id) <= _APP_ID_CHARACTERS_MAX:
        raise invalid_param(f"`app_id` must have 1 to {_APP_ID_CHARACTERS_MAX} characters.")
    if not 1 <= len(pushkey.encode("utf-8", "replace")) <= _PUSHKEY_BYTES_MAX:
        raise invalid_param(f"`pushkey` must have 1 to {_PUSHKEY_BYTES_MAX} bytes.")
    if "kind" not in body:
        raise missing_param("The body lacks `kind`.")
    if body["kind"] is None:
        known = registers.get(node.context, pushers.FAMILY, user_id, app_id, pushkey)
        if known is not None:
            await node.write(_draft(service, user_id, app_id, pushkey, None))
        return answer({})
    value = _value(service, request, body, app_id, pushkey)
    own = {(each.app_id, each.pushkey) for each in pushers.pushers_of(node.context, user_id)}
    if len(own | {(app_id, pushkey)}) > limits.PUSHERS_MAX:
        raise invalid_param(f"You may have {limits.PUSHERS_MAX} pushers. Delete one first.")
    written = [_draft(service, user_id, app_id, pushkey, value)]
    if not boolean(body, "append"):
        others = pushers.others_with(node.context, user_id, app_id, pushkey)
        written += [_draft(service, other, app_id, pushkey, None) for other in others]
    await node.write(*written)
    return answer({})


def _draft(service: Service, user_id: str, app_id: str, pushkey: str, value: Any) -> Draft:
    node = service.node
    stamp = registers.stamp_after(node.context, node.now_ms(), pushers.FAMILY, user_id, app_id, pushkey)
    return drafts.register(pushers.FAMILY, user_id, app_id, pushkey, value, stamp)


def _value(
    service: Service, request: Request, body: dict[str, Any], app_id: str, pushkey: str
) -> dict[str, Any]:
    """What is kept of a pusher.

    Raises:
        MatrixError: 400, the sentence says what cannot be used.
    """
    if body["kind"] != "http":
        raise invalid_param("This service pushes by pushers of the kind http only.")
    value: dict[str, Any] = {"kind": "http", "session": request.who.session}
    for name in _TEXTS:
        value[name] = string(body, name)
    tag = optional_string(body, "profile_tag")
    if tag is not None:
        value["profile_tag"] = tag
    data = json_object(body, "data", required=True)
    check_canonical(data)
    if data.get("format", "event_id_only") != "event_id_only":
        raise invalid_param("`data.format` must be event_id_only: messages do not leave by way of gateways.")
    insecure = service.node.config.push_allow_private
    if is_web_push(app_id, {"data": data}):
        _check_subscription(pushkey, data, insecure=insecure)
    else:
        _check_url(string(data, "url"), insecure=insecure)
    value["data"] = data
    return value


def _check_subscription(pushkey: str, data: dict[str, Any], *, insecure: bool) -> None:
    """Of a browser (docs/protocol/client.md, "Web Push")."""
    found = subscription(pushkey, data)
    if found is None:
        raise invalid_param(
            "A browser's pusher has its p256dh as `pushkey`, and `endpoint`, `auth` and `vapid` in `data`."
        )
    if len(found.endpoint) > _ENDPOINT_CHARACTERS_MAX:
        raise invalid_param(f"`data.endpoint` may have {_ENDPOINT_CHARACTERS_MAX} characters.")
    sentence = "`data.endpoint` must be an https:// address with the name of a host."
    parts = _parts(found.endpoint, sentence, insecure=insecure)
    if not _HOST.fullmatch(parts.hostname or ""):
        raise invalid_param(sentence)


def _check_url(url: str, *, insecure: bool) -> None:
    sentence = f"`data.url` must be an https:// address that ends in {_PATH}."
    if _parts(url, sentence, insecure=insecure).path != _PATH:
        raise invalid_param(sentence)


def _parts(url: str, sentence: str, *, insecure: bool) -> SplitResult:
    """The parts of an address that the service may be told to connect to.

    Raises:
        MatrixError: 400 with the sentence.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid_param(sentence) from None
    allowed = ("https", "http") if insecure else ("https",)
    if parts.scheme not in allowed or not parts.hostname or port == 0:
        raise invalid_param(sentence)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise invalid_param(sentence)
    return parts


async def get_notifications(service: Service, request: Request) -> Response:
    """GET /notifications, the newest first: what the rules say now of the events of one's rooms."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.SEARCH, user_id)
    limit = max(1, request.query_integer("limit", 20, limits.PAGE_EVENTS_MAX))
    before = request.query_integer("from", 2**53, 2**53)
    least = HIGHLIGHT if request.query("only") == "highlight" else NOTHING + 1
    columns = ", ".join(f"e.{name.strip()}" for name in COLUMNS.split(","))
    rows = node.context.db.all(
        f"SELECT {columns} FROM events e CROSS JOIN members m ON m.room = e.room"  # noqa: S608
        " WHERE m.user_id=? AND m.membership='join' AND e.position < ? AND e.position > m.joined"
        " AND e.verdict=0 AND e.redacted_by IS NULL AND e.sender <> ? ORDER BY e.position DESC LIMIT ?",
        (user_id, before, user_id, limits.NOTIFICATIONS_SCANNED_MAX),
    )
    found: list[dict[str, Any]] = []
    last = before
    for columns_found in rows:
        if len(found) == limit:
            break
        row = EventRow(*columns_found)
        last = row.position
        entry = _notification(service, user_id, row, least)
        if entry is not None:
            found.append(entry)
    fields: dict[str, Any] = {"notifications": found}
    if len(found) == limit or len(rows) == limits.NOTIFICATIONS_SCANNED_MAX:
        fields["next_token"] = str(last)
    return answer(fields)


def _notification(service: Service, user_id: str, row: EventRow, least: int) -> dict[str, Any] | None:
    node = service.node
    room_id = node.context.events.room_id(row.room)
    event = node.context.events.load(row.position, row.event_id, room_id)
    actions = actions_for(node.context, event, user_id)
    if outcome(actions) < least:
        return None
    thread = thread_of_row(node.context, row)
    receipts = receipts_of(node.context, row.room, user_id)
    return {
        "actions": actions,
        "event": node.client_events.raw(row, node.now_ms(), with_room=True, user_id=user_id),
        "read": any(each.covers(row.stamp, row.event_id, row.position, thread) for each in receipts),
        "room_id": room_id,
        "ts": event.origin_server_ts,
    }


ROUTES = [
    Route("GET", "/_matrix/client/v3/pushers", get_pushers),
    Route("POST", "/_matrix/client/v3/pushers/set", post_pusher),
    Route("GET", "/_matrix/client/v3/notifications", get_notifications),
]
