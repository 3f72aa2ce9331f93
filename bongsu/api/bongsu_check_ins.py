""" "I'm safe": said, asked and seen (docs/protocol/tower.md)."""

import secrets
from typing import Any

from bongsu import drafts, limits, ratelimit, tower_drafts
from bongsu.api.access import joined_room
from bongsu.api.http import Request, Response, Route, answer, boolean, optional_string, string, strings
from bongsu.api.tower_access import check_time, hand_in, officer, refuse_unknown, right_signatures
from bongsu.clock import next_stamp
from bongsu.errors import bad_json, invalid_param, not_found, too_large
from bongsu.node import Node
from bongsu.service import Service
from bongsu.sync.tower import call_fields, check_in_fields, request_fields
from bongsu.tower import check_in, fields, signed
from bongsu.view import check_ins, registers, tower_people, users


async def post_check_in(service: Service, request: Request) -> Response:
    """POST /check_ins: how the requester is."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.RECEIPT, user_id)
    body = request.json(floats=True)
    said = check_in.check(body, exact=boolean(body, "exact"))
    before = check_ins.of(node.context, user_id)
    stamp = next_stamp(node.now_ms(), 0 if before is None else before.stamp)
    await node.write(tower_drafts.check_in(user_id, said, stamp))
    return answer({"ts": stamp})


async def get_check_ins(service: Service, request: Request) -> Response:
    """GET /check_ins: what the requester and their friends said last, and who asks."""
    context, user_id = service.node.context, request.who.user_id
    return answer(
        {
            "check_ins": [check_in_fields(context, each) for each in check_ins.seen_by(context, user_id)],
            "requests": [request_fields(each) for _, each in check_ins.requests(context, user_id)],
            "calls": [call_fields(context, each) for each in context.tower.calls().values()],
            "now": service.node.now_ms(),
        }
    )


async def post_request(service: Service, request: Request) -> Response:
    """POST /check_requests: a user asks people or a room; people in /sync are told at once."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.INVITE, user_id)
    body = request.json()
    room_id = optional_string(body, "room_id")
    asked = {each for each in strings(body, "users", limits.CHECK_REQUEST_USERS_MAX) if each != user_id}
    if room_id is not None:
        asked |= joined_room(node, user_id, room_id).joined - {user_id}
    if not asked or len(asked) > limits.CHECK_REQUEST_USERS_MAX:
        raise invalid_param(f"Name one to {limits.CHECK_REQUEST_USERS_MAX} users, or a room of so many.")
    unknown = [each for each in sorted(asked) if users.user(node.context, each) is None]
    if unknown:
        raise not_found(f"There is no user {unknown[0]} here.")
    strangers = [each for each in sorted(asked) if not check_ins.are_friends(node.context, user_id, each)]
    if strangers:
        raise invalid_param(f"You share no room with {strangers[0]}. Ask people you know.")
    text = optional_string(body, "text") or ""
    if len(text) > limits.REASON_CHARACTERS_MAX:
        raise too_large(f"A text may have {limits.REASON_CHARACTERS_MAX} characters.")
    name = secrets.token_hex(signed.STATEMENT_ID_BYTES)
    stamp = next_stamp(node.now_ms())
    await node.write(tower_drafts.check_request(user_id, name, sorted(asked), room_id, text, stamp))
    return answer({"id": name})


async def post_call(service: Service, request: Request) -> Response:
    """POST /safety_calls: the tower asks whole areas; the signature decides."""
    node = service.node
    node.rate.check(ratelimit.AUTHORITY, request.address)
    body = request.json()
    content = check_in.check_call(body.get("content"))
    given = signed.check_signatures(body.get("signatures"))
    check_time(node, content)
    signatures = right_signatures(node, signed.CALL, content, given)
    known = node.context.tower.keyring().counting(content["sender"], content["sent"])
    if content["sender"] not in signatures or not any(each.covers(content["areas"]) for each in known):
        refuse_unknown()
    await hand_in(node, signed.CALL, content, signatures)
    return answer({"id": check_in.call_id(content)})


async def get_sums(service: Service, request: Request) -> Response:
    """GET /tower/check_ins/{callId}: for the tower: sums per area, who needs help, who is silent."""
    officer(service, request)
    return answer(sums_of(service.node, request.path_parameters["callId"]))


def sums_of(node: Node, name: str) -> dict[str, Any]:
    """What a call has come to.

    Raises:
        MatrixError: 404, there is no such call.
    """
    context = node.context
    call = context.tower.calls().get(name)
    if call is None:
        raise not_found("There is no such question.")
    people = tower_people.asked(tower_people.areas_of_people(context), call.content["areas"])
    opened = call.content["sent"]
    others = context.tower.other_calls(name)
    said = [each for each in check_ins.all_of(context) if check_in.answers_to(name, opened, each, others)]
    answered = {each.user_id for each in said}
    return {
        **call_fields(context, call),
        "areas": check_in.sums(people, said, name, opened, others),
        "help": [check_in_fields(context, each) for each in said if each.answer == check_in.HELP],
        "silent": sorted(people.keys() - answered),
        "as_of": node.now_ms(),
    }


async def put_area(service: Service, request: Request) -> Response:
    """PUT /area: in which area the requester is counted; "" for that of their home site."""
    node, user_id = service.node, request.who.user_id
    node.rate.check(ratelimit.WRITE, user_id)
    area = string(request.json(), "area")
    if area and not fields.AREA.fullmatch(area):
        raise bad_json("`area` must be the id of a district or hub, or empty.")
    key = (tower_people.FAMILY, user_id, "", "")
    if registers.get(node.context, *key) != (area or None):
        stamp = registers.stamp_after(node.context, node.now_ms(), *key)
        await node.write(drafts.register(*key, area or None, stamp, public=True))
    return answer({})


_BASE = "/_bongsu/client/v1"

ROUTES = [
    Route("POST", f"{_BASE}/check_ins", post_check_in),
    Route("GET", f"{_BASE}/check_ins", get_check_ins),
    Route("POST", f"{_BASE}/check_requests", post_request),
    Route("POST", f"{_BASE}/safety_calls", post_call, auth="none"),
    Route("GET", f"{_BASE}/tower/check_ins/{{callId}}", get_sums),
    Route("PUT", f"{_BASE}/area", put_area),
]
