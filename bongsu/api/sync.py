"""GET /sync and filters. Spec: sync.yaml, filter.yaml."""

from hashlib import sha256

import msgspec

from bongsu import drafts, limits
from bongsu.api.access import check_self
from bongsu.api.http import JSON_HEADERS, NOT_HEARD_YET, Request, Response, Route, answer
from bongsu.canonical import canonical_bytes, read_json, unpadded_urlsafe_base64
from bongsu.errors import invalid_param, not_found
from bongsu.service import Service
from bongsu.sync import filter as filters
from bongsu.sync.request import SyncRequest
from bongsu.sync.v3 import sync
from bongsu.view import registers
from bongsu.view.cache import Cache

_NO_FILTER = filters.Filter()
_parsed: Cache[tuple[str, str], filters.Filter] = Cache(1_000)
# Filters that clients write into the address, where each of their requests repeats them. Longer ones are
# read each time, so that what is remembered stays small.
_inline: Cache[str, filters.Filter] = Cache(256)
_REMEMBERED_CHARACTERS_MAX = 2_048


class _Parameters(msgspec.Struct, frozen=True):
    filter: str | None
    full_state: bool
    state_section: str
    timeout_s: float
    set_presence: str
    since: str | None


# Members of a room who were told at once come back with the same query.
_parameters: Cache[str, _Parameters] = Cache(256)


async def get_sync(service: Service, request: Request) -> Response:
    """What the client has not seen yet."""
    who = request.who
    asked = _parameters.get(request.query_string)
    if asked is None:
        asked = _read_parameters(request)
        if len(request.query_string) <= _REMEMBERED_CHARACTERS_MAX:
            _parameters.put(request.query_string, asked)
    sync_request = SyncRequest(
        who.user_id,
        who.device_id,
        who.session,
        filter_of(service, who.user_id, asked.filter),
        asked.full_state,
        asked.state_section,
        asked.timeout_s,
        asked.set_presence,
    )
    service.node.last_seen.put((who.user_id, who.device_id), service.node.now_ms())
    found = await sync(service.node, sync_request, asked.since)
    return Response(200, found.body, (*JSON_HEADERS, NOT_HEARD_YET) if found.is_behind else JSON_HEADERS)


def _read_parameters(request: Request) -> _Parameters:
    set_presence = request.query("set_presence") or "online"
    if set_presence not in ("offline", "online", "unavailable"):
        raise invalid_param("`set_presence` must be offline, online or unavailable.")
    timeout_ms = request.query_integer("timeout", 0, limits.SYNC_TIMEOUT_S_MAX * 1000)
    return _Parameters(
        request.query("filter"),
        request.query_flag("full_state"),
        _state_section(request),
        timeout_ms / 1000,
        set_presence,
        request.query("since") or None,
    )


def _state_section(request: Request) -> str:
    for prefix in ("", "org.matrix.msc4222."):
        if request.query(f"{prefix}use_state_after") == "true":
            return f"{prefix}state_after"
    return "state"


def filter_of(service: Service, user_id: str, text: str | None) -> filters.Filter:
    """The filter a parameter names or holds.

    Raises:
        MatrixError: 400 for a filter that is none or is not there.
    """
    if text is None or text == "":
        return _NO_FILTER
    if text.startswith("{"):
        given = _inline.get(text)
        if given is None:
            given = filters.parse(read_json(text.encode(), floats=True))
            if len(text) <= _REMEMBERED_CHARACTERS_MAX:
                _inline.put(text, given)
        return given
    known = _parsed.get((user_id, text))
    if known is None:
        value = registers.get(service.node.context, "filter", user_id, "", text)
        if value is None:
            raise invalid_param("There is no such filter. Upload it again.")
        known = filters.parse(value)
        _parsed.put((user_id, text), known)
    return known


async def post_filter(service: Service, request: Request) -> Response:
    """Keep a filter. The same one gets the same id, so that uploading it at every start adds nothing."""
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    body = request.json(floats=True)
    filters.parse(body)
    filter_id = unpadded_urlsafe_base64(sha256(canonical_bytes(body)).digest()[:9])
    context = service.node.context
    if registers.get(context, "filter", user_id, "", filter_id) is None:
        stamp = registers.stamp_after(context, service.node.now_ms(), "filter", user_id, "", filter_id)
        await service.node.write(drafts.register("filter", user_id, "", filter_id, body, stamp))
    return answer({"filter_id": filter_id})


async def get_filter(service: Service, request: Request) -> Response:
    """A kept filter."""
    user_id = request.path_parameters["userId"]
    check_self(request, user_id)
    value = registers.get(service.node.context, "filter", user_id, "", request.path_parameters["filterId"])
    if value is None:
        raise not_found("There is no such filter.")
    return answer(value)


ROUTES = [
    Route("GET", "/_matrix/client/v3/sync", get_sync),
    Route("POST", "/_matrix/client/v3/user/{userId}/filter", post_filter),
    Route("GET", "/_matrix/client/v3/user/{userId}/filter/{filterId}", get_filter),
]
